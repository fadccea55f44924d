"""Running an experiment and keeping what came of it: engine, run store, run directories."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from promptlab.runs.directory import RunDirectory, all_runs, find_run, latest_run
from promptlab.runs.progress import Progress
from promptlab.runs.reading import RunReader

if TYPE_CHECKING:
    from promptlab.runs.estimating import CellEstimate, Estimate, estimate
    from promptlab.runs.execution import Options, RunResult, execute
    from promptlab.runs.span import Span

__all__ = [
    "CellEstimate",
    "Estimate",
    "Options",
    "Progress",
    "RunDirectory",
    "RunReader",
    "RunResult",
    "Span",
    "all_runs",
    "estimate",
    "execute",
    "find_run",
    "latest_run",
]

# A stored run is read and compared without what runs or estimates one.
_HOMES = {
    "CellEstimate": "estimating",
    "Estimate": "estimating",
    "estimate": "estimating",
    "Options": "execution",
    "RunResult": "execution",
    "execute": "execution",
    "Span": "span",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
