"""How often a test set has been used up to now: what a p-value cannot know, and a reader should."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.analysis import words
from promptlab.basics.errors import StorageError
from promptlab.basics.hashing import short_digest
from promptlab.runs import RunDirectory
from promptlab.runs.database import connect

_TESTED = """SELECT DISTINCT spec FROM cells WHERE dataset = ? AND EXISTS
    (SELECT 1 FROM trials WHERE trials.cell = cells.id AND trials.status != 'error')"""


@dataclass(frozen=True, slots=True)
class Tried:
    """How many variants have answered test samples of a data set, in how many of the runs beside this one.

    A variant is its technique, settings and prompt; that a file no longer names it changes nothing.
    `unreadable` runs could not be counted.
    """

    dataset: str
    variants: int
    runs: int
    unreadable: int = 0

    def sentence(self, *, named: bool) -> str:
        """`named`: there are several data sets."""
        least = "at least " if self.unreadable else ""
        variants = f"{words.count(self.variants)} variant{'' if self.variants == 1 else 's'}"
        have = "has" if self.variants == 1 else "have"
        runs = "" if self.runs == 1 else f", in {words.count(self.runs)} runs"
        where = f"the test samples of {self.dataset}" if named else "these test samples"
        return f"{least}{variants} {have} been tried on {where} so far{runs}."


def tried_on_test(run: RunDirectory) -> tuple[Tried, ...]:
    """Over all runs in the folder of this one whose test samples of a data set are the same."""
    own = _tests(run)
    variants: dict[str, set[str]] = {name: set() for name in own}
    runs = dict.fromkeys(own, 0)
    unreadable = 0
    for path in sorted(run.path.parent.iterdir()):
        other = RunDirectory(path)
        if not other.store.is_file():
            continue
        try:
            for name, found in _tried(other, own):
                variants[name] |= found
                runs[name] += bool(found)
        except (StorageError, sqlite3.Error, orjson.JSONDecodeError):
            unreadable += 1
    return tuple(Tried(name, len(variants[name]), runs[name], unreadable) for name in own if variants[name])


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
    return {key.removeprefix("dataset:"): value for key, value in rows}


def _tried(run: RunDirectory, wanted: Mapping[str, str]) -> Iterator[tuple[str, set[str]]]:
    """Data set of `wanted` → the variants that this run has tried on it, under whatever name."""
    known = _tests(run)
    for name, tests in wanted.items():
        found: set[str] = set()
        with closing(connect(run.store, read_only=True)) as connection:
            for there in (each for each, value in known.items() if value == tests):
                for (spec,) in connection.execute(_TESTED, (there,)):
                    found.add(short_digest(orjson.loads(spec)["variant"]))
        yield name, found
