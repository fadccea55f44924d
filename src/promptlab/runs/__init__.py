"""Running an experiment and keeping what came of it: engine, run store, run directories."""

from promptlab.runs.directory import RunDirectory, all_runs, find_run, latest_run
from promptlab.runs.execute import Options, RunResult, execute
from promptlab.runs.progress import Progress
from promptlab.runs.reading import RunReader

__all__ = [
    "Options",
    "Progress",
    "RunDirectory",
    "RunReader",
    "RunResult",
    "all_runs",
    "execute",
    "find_run",
    "latest_run",
]
