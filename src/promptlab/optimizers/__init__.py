"""Techniques that write their prompt before they ask it: one file each. The contract is in `base`."""

from promptlab.optimizers.artifact import Artifact, read_artifact
from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.evaluation import Evaluate, Evaluation, OptimizerContext
from promptlab.optimizers.program import Demo, Program
from promptlab.optimizers.search import Search
from promptlab.optimizers.splits import Splits, clean_splits

__all__ = [
    "Artifact",
    "Demo",
    "Evaluate",
    "Evaluation",
    "Optimizer",
    "OptimizerContext",
    "Program",
    "Search",
    "Splits",
    "clean_splits",
    "read_artifact",
]
