"""Runs as the page reads them: each comparison worked out once for each state of its store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.analysis import AcrossRuns, Comparison, LabelledRun, compare_run, compare_runs
from promptlab.analysis.trend import TrendPoint, trend
from promptlab.playground.looks import LOOKS
from promptlab.runs import RunDirectory, RunReader, all_runs
from promptlab.runs.annotations import ANNOTATIONS
from promptlab.runs.browsing import Selection, Survey
from promptlab.runs.directory import MANIFEST, STORE
from promptlab.runs.reading import has_results
from promptlab.ui.place import home

State = tuple[tuple[int, int], ...]
_FILES = (STORE, f"{STORE}-wal", MANIFEST, ANNOTATIONS, f"{ANNOTATIONS}-wal")


@dataclass(frozen=True)
class StoredRun:
    """A run and its manifest."""

    directory: RunDirectory
    manifest: Mapping[str, Any]

    @property
    def experiment(self) -> str:
        return str(self.manifest.get("experiment", ""))

    @property
    def started(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(float(self.manifest.get("created", 0))))

    @property
    def duration_s(self) -> float | None:
        """From its first start to its last end; None while it runs."""
        ended = self.manifest.get("ended")
        if ended is None or self.manifest.get("status") == "running":
            return None
        return max(0.0, float(ended) - float(self.manifest.get("created", ended)))


def stored_runs() -> dict[str, StoredRun]:
    """The runs of this home by id, the newest first."""
    return {run.id: StoredRun(run, run.manifest()) for run in all_runs(home())}


def state_of(run: RunDirectory) -> State:
    """Changes whenever anything of the run does, or somebody looked at a sample by hand."""
    return _stamps((*(run.path / name for name in _FILES), run.path.parent.parent / LOOKS))


def _stamps(paths: Iterable[Path]) -> State:
    found = []
    for path in paths:
        try:
            stat = path.stat()
            found.append((stat.st_mtime_ns, stat.st_size))
        except FileNotFoundError:
            found.append((0, 0))
    return tuple(found)


def comparison_of(run: RunDirectory) -> Comparison:
    """The run's comparison. UsageError, StorageError: there is none to be read."""
    return _comparison(run.path, state_of(run))


def survey_of(run: RunDirectory, chosen: Selection) -> Survey:
    """What the answers to each sample came to. StorageError: the store cannot be read."""
    return _survey(run.path, _stamps((run.store, run.path / f"{STORE}-wal")), chosen)


def compared_and_surveyed(run: RunDirectory, chosen: Selection) -> tuple[Comparison, Survey]:
    """Both, at the same time: SQLite reads for the one while Python reckons for the other."""
    with ThreadPoolExecutor(1) as beside:
        comparing = beside.submit(comparison_of, run)
        survey = survey_of(run, chosen)
        return comparing.result(), survey


def across(runs: Sequence[tuple[str, RunDirectory]], *, changed_data: bool) -> AcrossRuns:
    """Several runs side by side, under these labels."""
    return _across(tuple((label, run.path) for label, run in runs), _states(runs), changed_data)


def trend_of(runs: Sequence[RunDirectory]) -> list[TrendPoint]:
    """One experiment over its runs, the oldest first."""
    return _trend(tuple(run.path for run in runs), tuple(map(state_of, runs)))


def counts_of(run: RunDirectory) -> dict[str, int]:
    """How many of its trials have each status; nothing where there is no store yet."""
    return _counts(run.path, state_of(run))


def forget() -> None:
    """Takes all of it out of memory."""
    for each in (_comparison, _survey, _across, _trend, _counts):
        each.clear()


def _states(runs: Sequence[tuple[str, RunDirectory]]) -> tuple[State, ...]:
    return tuple(state_of(run) for _, run in runs)


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparison(path: Path, state: State) -> Comparison:
    return compare_run(RunDirectory(path))


@st.cache_resource(max_entries=8, show_spinner=False)
def _survey(path: Path, state: State, chosen: Selection) -> Survey:
    return Survey(RunDirectory(path), chosen)


@st.cache_resource(max_entries=4, show_spinner=False)
def _across(runs: tuple[tuple[str, Path], ...], states: tuple[State, ...], changed_data: bool) -> AcrossRuns:
    labelled = [LabelledRun(label, RunDirectory(path)) for label, path in runs]
    return compare_runs(labelled, allow_changed_data=changed_data)


@st.cache_resource(max_entries=4, show_spinner=False)
def _trend(paths: tuple[Path, ...], states: tuple[State, ...]) -> list[TrendPoint]:
    return trend([RunDirectory(path) for path in paths])


@st.cache_resource(max_entries=500, show_spinner=False)
def _counts(path: Path, state: State) -> dict[str, int]:
    run = RunDirectory(path)
    if not has_results(run):
        return {}
    with RunReader(run) as reader:
        return reader.counts()
