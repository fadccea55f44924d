"""Samples, their sources, their splits."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from promptlab.datasets.sample import SPLITS, Question, Sample, SplitName
from promptlab.datasets.task import AnswerType, PromptMessage, Task

if TYPE_CHECKING:
    from promptlab.datasets.dataset import Dataset, SplitView
    from promptlab.datasets.duplicates import Duplicate, NearDuplicate, Report, Where, check
    from promptlab.datasets.examination import Examination, examine
    from promptlab.datasets.opening import open_dataset
    from promptlab.datasets.row_source import Source, source, sources
    from promptlab.datasets.spec import DatasetSpec, SplitSpec

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

# A stored run is read and compared without what opens data.
_HOMES = {
    "Dataset": "dataset",
    "DatasetSpec": "spec",
    "Duplicate": "duplicates",
    "Examination": "examination",
    "NearDuplicate": "duplicates",
    "Report": "duplicates",
    "Source": "row_source",
    "SplitSpec": "spec",
    "SplitView": "dataset",
    "Where": "duplicates",
    "check": "duplicates",
    "examine": "examination",
    "open_dataset": "opening",
    "source": "row_source",
    "sources": "row_source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
