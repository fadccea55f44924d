"""Running an experiment and keeping what came of it: engine, run store, run directories."""

from promptlab.runs.directory import RunDirectory, all_runs, find_run, latest_run
from promptlab.runs.estimate import CellEstimate, Estimate, estimate
from promptlab.runs.execute import Options, RunResult, execute
from promptlab.runs.progress import Progress
from promptlab.runs.reading import RunReader
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
