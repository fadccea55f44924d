"""Samples, their sources, their splits."""

from promptlab.datasets.dataset import Dataset, SplitView
from promptlab.datasets.duplicates import Duplicate, NearDuplicate, Report, Where, check
from promptlab.datasets.examination import Examination, examine
from promptlab.datasets.opening import open_dataset
from promptlab.datasets.row_source import Source, source, sources
from promptlab.datasets.sample import SPLITS, Question, Sample, SplitName
from promptlab.datasets.spec import DatasetSpec, SplitSpec
from promptlab.datasets.task import AnswerType, PromptMessage, Task

__all__ = [
    "SPLITS",
    "AnswerType",
    "Dataset",
    "DatasetSpec",
    "Duplicate",
    "Examination",
    "NearDuplicate",
    "PromptMessage",
    "Question",
    "Report",
    "Sample",
    "Source",
    "SplitName",
    "SplitSpec",
    "SplitView",
    "Task",
    "Where",
    "check",
    "examine",
    "open_dataset",
    "source",
    "sources",
]
