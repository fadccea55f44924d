"""What a run has already of one cell: read only, so that an estimate makes and locks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from promptlab.basics.hashing import canonical
from promptlab.experiment import Cell, Plan
from promptlab.runs.directory import RunDirectory
from promptlab.runs.reading import RunReader, has_results

# The usual lengths are those of the last trials.
OBSERVED_TRIALS = 300

_DONE = """SELECT samples.position, trials.repeat FROM trials JOIN samples ON samples.id = trials.sample
    WHERE trials.cell = ? AND samples.position < ? AND trials.repeat < ? AND trials.status != 'error'"""
_KNOWN = "SELECT 1 FROM trials WHERE identity = ? AND status != 'error'"
_SCORED = """SELECT count(*) FROM scores JOIN trials ON trials.id = scores.trial
        JOIN samples ON samples.id = trials.sample
    WHERE scores.scorer = (SELECT id FROM scorers WHERE spec = ?) AND trials.cell = ?
        AND samples.position < ? AND trials.repeat < ?"""
# The last part of a name: `sample 2/reason` is a `reason`.
_USUAL = """SELECT replace(name, rtrim(name, replace(name, '/', '')), '') AS step,
        avg(prompt_tokens), avg(completion_tokens) FROM calls
    WHERE trial IN (SELECT id FROM trials WHERE cell = ? ORDER BY id DESC LIMIT ?) GROUP BY step"""

_TOKENS = """SELECT cells.hash, count(*), sum(trials.prompt_tokens + trials.completion_tokens),
        sum(trials.prompt_tokens IS NULL OR trials.completion_tokens IS NULL)
    FROM trials JOIN cells ON cells.id = trials.cell
    WHERE cells.position IS NOT NULL AND trials.status != 'error' GROUP BY cells.id"""


def tokens_per_trial(run: RunDirectory, names: Mapping[str, str]) -> dict[str, float]:
    """The mean tokens of a trial by variant, over its cells (`names`: by their hash); unknown is left out."""
    totals: dict[str, tuple[int, float]] = {}
    unknown: set[str] = set()
    with RunReader(run) as reader:
        for cell, count, tokens, gaps in reader.connection.execute(_TOKENS):
            name = names.get(cell)
            if name is None:
                continue
            trials, spent = totals.get(name, (0, 0.0))
            totals[name] = (trials + count, spent + (tokens or 0))
            if gaps:
                unknown.add(name)
    return {name: spent / n for name, (n, spent) in totals.items() if spent and name not in unknown}


@dataclass(frozen=True, slots=True)
class Usual:
    """Mean tokens of the calls of one name; None where the provider did not count."""

    prompt: float | None
    reply: float | None


class Finished:
    """One cell in the store of its latest run; nothing where there is no such run."""

    def __init__(self, plan: Plan, cell: Cell, run: RunDirectory | None) -> None:
        self._plan = plan
        self._cell = cell
        self._reader = None if run is None or not has_results(run) else RunReader(run)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.__exit__(kind, error, trace)

    @cached_property
    def _row(self) -> int | None:
        """The cell's row in the store."""
        if self._reader is None:
            return None
        query = "SELECT id FROM cells WHERE hash = ?"
        found = self._reader.connection.execute(query, (self._cell.hash,)).fetchone()
        return None if found is None else int(found[0])

    def missing(self) -> list[int]:
        """The numbers of the trials that are not known to be finished: position × repeats + repeat.

        Where the data set has changed since, positions say nothing: then all, and `has` tells each.
        """
        plan, cell = self._plan, self._cell
        samples, repeats = plan.samples_in(cell.dataset), plan.spec.repeats
        done = bytearray(samples * repeats)
        reader = self._reader
        if (
            reader is not None
            and self._row is not None
            and reader.meta(f"dataset:{cell.dataset.name}") == cell.dataset.split_hash("test")
        ):
            for position, repeat in reader.connection.execute(_DONE, (self._row, samples, repeats)):
                done[position * repeats + repeat] = 1
        return [number for number, is_done in enumerate(done) if not is_done]

    def has(self, identity: bytes) -> bool:
        """Whether that trial is finished, wherever its sample stood."""
        if self._reader is None or self._row is None:
            return False
        return self._reader.connection.execute(_KNOWN, (identity,)).fetchone() is not None

    def scored(self, scorer: Mapping[str, Any]) -> int:
        """How many of the wanted trials have a score of the scorer of that identity."""
        if self._reader is None or self._row is None:
            return 0
        samples, repeats = self._plan.samples_in(self._cell.dataset), self._plan.spec.repeats
        found = self._reader.connection.execute(
            _SCORED, (canonical(dict(scorer)).decode(), self._row, samples, repeats)
        )
        return int(found.fetchone()[0])

    def usual(self) -> dict[str, Usual]:
        """What the cell's calls used so far, by their names."""
        if self._reader is None or self._row is None:
            return {}
        found = self._reader.connection.execute(_USUAL, (self._row, OBSERVED_TRIALS))
        return {name: Usual(prompt, reply) for name, prompt, reply in found}
