"""What a person is shown next: pairs of answers, or single ones, in a seeded order, with the names left out.

Everybody is shown the same order, so that people's ratings overlap; which answer stands on which side is
drawn for each person. The order goes round by round: each round shows every sample once, with another pair
of cells, so that samples and cells are covered evenly wherever somebody stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import orjson

from promptlab.basics.hashing import seeded
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets import Sample
from promptlab.datasets.task import template_values
from promptlab.runs.ratings import Kind, Rating
from promptlab.runs.reading import RunReader
from promptlab.runs.rows import stored_sample

_SAMPLES = "SELECT dataset, id FROM samples WHERE position IS NOT NULL ORDER BY dataset, position"
_REPEATS = "SELECT coalesce(max(repeat), -1) + 1 FROM trials"
_ANSWER = """SELECT identity, coalesce(text, '') FROM trials
    WHERE cell = ? AND sample = ? AND repeat = ? AND status != 'error'"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees: the question, the answers from left to right, and nothing of who gave them.

    `identities` belong to the answers as a Rating names them (a, then b); `swapped`: b stands on the left.
    """

    sample: str
    question: str
    reference: str
    answers: tuple[str, ...]
    identities: tuple[bytes, ...]
    swapped: bool
    seed: int

    def rated(self, rater: str, said: str, scale: tuple[str, ...] = (), comment: str = "") -> Rating:
        """The rating of it. `said` of a pair is left, right, tie or skip."""
        if len(self.identities) == 2:
            left, right = ("b", "a") if self.swapped else ("a", "b")
            said = {"left": left, "right": right}.get(said, said)
        a, b = (*self.identities, b"")[:2]
        return Rating(rater, a, b, said, scale, self.swapped, self.seed, comment=comment)


class _Unit(NamedTuple):
    """One sample (by its row) in one repeat."""

    dataset: str
    sample: int
    repeat: int


class RatingQueue:
    """The order of a run's pairs or single answers. `cells` are rows of the store: all, if none is named."""

    def __init__(
        self, reader: RunReader, kind: Kind, *, cells: Sequence[int] | None = None, seed: int = 0
    ) -> None:
        self._reader = reader
        self._kind = kind
        self._seed = seed
        chosen = [row for row in reader.cells() if cells is None or row["id"] in cells]
        size = 2 if kind == "pairs" else 1
        # Every part of a data set that is shown together: pairs of its cells, or single cells.
        self._parts: dict[str, list[tuple[int, ...]]] = {}
        for dataset in dict.fromkeys(row["dataset"] for row in chosen):
            parts = list(combinations([row["id"] for row in chosen if row["dataset"] == dataset], size))
            seeded("parts", seed, dataset).shuffle(parts)
            if parts:
                self._parts[dataset] = parts
        (repeats,) = reader.connection.execute(_REPEATS).fetchone()
        self._units = [
            _Unit(row[0], row[1], repeat)
            for row in reader.connection.execute(_SAMPLES)
            if row[0] in self._parts
            for repeat in range(repeats)
        ]
        seeded("units", seed).shuffle(self._units)
        self._questions = {
            row["dataset"]: orjson.loads(row["spec"])["variant"]["messages"][-1][1]
            for row in reversed(reader.cells())
        }

    def __len__(self) -> int:
        """How many there are at most: equal answers, and those that are missing, are passed over."""
        return sum(len(self._parts[unit.dataset]) for unit in self._units)

    def next(self, rater: str, given: Sequence[Rating]) -> Shown | None:
        """The first that this person has not rated or skipped yet (`given` are theirs); None at the end."""
        done = {(each.a, each.b) for each in given}
        for unit, part in self._order():
            found = [self._answer(cell, unit) for cell in part]
            if any(each is None for each in found):
                continue
            answers = [each for each in found if each is not None]
            identities = tuple(each[0] for each in answers)
            if (*identities, b"")[:2] in done:
                continue
            if len(answers) == 2 and answers[0][1].strip() == answers[1][1].strip():
                continue  # there is nothing to choose between
            return self._shown(rater, unit, identities, tuple(each[1] for each in answers))
        return None

    def _order(self) -> Iterator[tuple[_Unit, tuple[int, ...]]]:
        rounds = max((len(parts) for parts in self._parts.values()), default=0)
        for number in range(rounds):
            for place, unit in enumerate(self._units):
                parts = self._parts[unit.dataset]
                if number < len(parts):
                    yield unit, parts[(place + number) % len(parts)]

    def _answer(self, cell: int, unit: _Unit) -> tuple[bytes, str] | None:
        row = self._reader.connection.execute(_ANSWER, (cell, unit.sample, unit.repeat)).fetchone()
        return None if row is None else (bytes(row[0]), str(row[1]))

    def _shown(self, rater: str, unit: _Unit, identities: tuple[bytes, ...], texts: tuple[str, ...]) -> Shown:
        name, body = self._reader.connection.execute(
            "SELECT sample, body FROM samples WHERE id = ?", (unit.sample,)
        ).fetchone()
        sample = stored_sample(name, body)
        side = seeded("side", self._seed, rater.strip(), *(each.hex() for each in identities))
        swapped = self._kind == "pairs" and side.random() < 0.5
        return Shown(
            sample=name,
            question=_question(self._questions[unit.dataset], sample),
            reference=" | ".join(sample.targets),
            answers=texts[::-1] if swapped else texts,
            identities=identities,
            swapped=swapped,
            seed=self._seed,
        )


def _question(source: str, sample: Sample) -> str:
    """What the data set's first variant asks last; the inputs as they are where that cannot be rendered."""
    try:
        return template(source).render(template_values(sample.question()))
    except TemplateError:
        return "\n".join(f"{name}: {value}" for name, value in sample.inputs.items())
