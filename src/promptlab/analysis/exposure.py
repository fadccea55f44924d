"""How often a test set has been used up to now: what a p-value cannot know, and a reader should."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from promptlab.analysis import words
from promptlab.analysis.tested import runs_tested
from promptlab.playground import Looks, read_looks
from promptlab.runs import RunDirectory
from promptlab.runs.database import connect

_IN_TEST = """SELECT 1 FROM samples WHERE dataset = ? AND sample = ? AND content = ?
    AND position IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Tried:
    """How many variants have answered test samples of a data set, in how many of the runs beside this one.

    A variant is its technique, settings and prompt; that a file no longer names it changes nothing.
    `unreadable` runs could not be counted. `looked_at` of the samples were shown in the playground, `looks`
    times in all.
    """

    dataset: str
    variants: int
    runs: int
    unreadable: int = 0
    looked_at: int = 0
    looks: int = 0

    def sentence(self, *, named: bool) -> str:
        """`named`: there are several data sets."""
        least = "at least " if self.unreadable else ""
        variants = f"{words.count(self.variants)} variant{'' if self.variants == 1 else 's'}"
        have = "has" if self.variants == 1 else "have"
        runs = "" if self.runs == 1 else f", in {words.count(self.runs)} runs"
        where = f"the test samples of {self.dataset}" if named else "these test samples"
        tried = f"{least}{variants} {have} been tried on {where} so far{runs}"
        if not self.looks:
            return f"{tried}."
        were = "was" if self.looked_at == 1 else "were"
        times = f"{words.count(self.looks)} look{'' if self.looks == 1 else 's'}"
        return f"{tried}; {words.count(self.looked_at)} of them {were} looked at in the playground ({times})."


def tried_on_test(run: RunDirectory) -> tuple[Tried, ...]:
    """Over all runs in the folder of this one whose test samples of a data set are the same."""
    tried = tried_over({run.path.parent}, {name: {tests} for name, tests in _tests(run).items()})
    looks = read_looks(run.path.parent.parent)
    return tuple(_with_looks(each, run, looks) for each in tried)


def with_looks(
    tried: Iterable[Tried], folders: Iterable[Path], samples: Mapping[str, Collection[tuple[str, str]]]
) -> tuple[Tried, ...]:
    """The same with the looks of the homes of these run folders, each look once.

    `samples`: data set → the test samples (id, hash of the content) of all the runs that are compared.
    """
    times: Counter[tuple[str, str]] = Counter()
    for home in {folder.resolve().parent for folder in folders}:
        times += read_looks(home).times
    return tuple(_counting(each, [times[ident] for ident in samples[each.dataset]]) for each in tried)


def tried_over(folders: Iterable[Path], tests: Mapping[str, Collection[str]]) -> tuple[Tried, ...]:
    """Over all runs in these folders. `tests`: data set → the hashes of its test samples."""
    variants: dict[str, set[str]] = {name: set() for name in tests}
    runs: dict[str, set[str]] = {name: set() for name in tests}  # a bundle may hold a run that is here too
    unreadable = 0
    for run, tested in (each for folder in sorted(folders) for each in runs_tested(folder)):
        if tested is None:
            unreadable += 1
            continue
        for name, hashes in tests.items():
            found = {variant for each in hashes for variant in tested.get(each, ())}
            variants[name] |= found
            runs[name] |= {run} if found else set()
    return tuple(
        Tried(name, len(variants[name]), len(runs[name]), unreadable) for name in tests if variants[name]
    )


def extensions(manifest: Mapping[str, Any]) -> list[str]:
    """What was added to a run whose results were there already: one sentence each."""
    return [
        f"extended on {time.strftime('%Y-%m-%d', time.gmtime(each['at']))} (UTC) after it was complete, from "
        f"{words.count(each['from'])} to {words.count(each['to'])} trials in the cells it had: who looks and "
        "then adds finds more differences than are there"
        for each in manifest.get("extended", ())
    ]


def _tests(run: RunDirectory) -> dict[str, str]:
    """Data set → hash of its test samples."""
    with closing(connect(run.store, read_only=True)) as connection:
        rows = connection.execute("SELECT key, value FROM meta WHERE key LIKE 'dataset:%'").fetchall()
    return {key.removeprefix("dataset:"): orjson.loads(value) for key, value in rows}


def _with_looks(tried: Tried, run: RunDirectory, looks: Looks) -> Tried:
    """The same with how many of the run's test samples were shown by hand, and how often in all."""
    with closing(connect(run.store, read_only=True)) as connection:
        found = [
            times
            for (sample, content), times in looks.times.items()
            if connection.execute(_IN_TEST, (tried.dataset, sample, content)).fetchone()
        ]
    return _counting(tried, found)


def _counting(tried: Tried, times: Iterable[int]) -> Tried:
    """`times`: how often each sample was shown; most never were."""
    shown = [each for each in times if each]
    return replace(tried, looked_at=len(shown), looks=sum(shown))
