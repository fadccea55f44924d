"""Single samples: which flipped between two cells, which all cells get wrong, on which they disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from promptlab.analysis.comparison import CellSummary, Comparison
from promptlab.analysis.families import CellName
from promptlab.analysis.samples import sample_scores
from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.runs import RunDirectory, RunReader

SampleNames = Mapping[str, Sequence[str]]
"""Data set → sample ids by position."""

MOST_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Flip:
    """One sample whose score differs: `a` and `b` are its scores, averaged over repeats."""

    sample: str
    a: float
    b: float

    def to_json(self) -> dict[str, Any]:
        return {"sample": self.sample, "a": self.a, "b": self.b}


@dataclass(frozen=True, slots=True)
class Flips:
    """Two cells on the `n` samples they share: where a is better and where b is, the largest first."""

    scorer: str
    a: CellName
    b: CellName
    n: int
    a_better: tuple[Flip, ...]
    b_better: tuple[Flip, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "scorer": self.scorer,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "n": self.n,
            "a_better": [each.to_json() for each in self.a_better],
            "b_better": [each.to_json() for each in self.b_better],
        }


@dataclass(frozen=True, slots=True)
class Item:
    """One sample over the `cells` that scored it: mean and spread (standard deviation) of its scores."""

    dataset: str
    sample: str
    mean: float
    spread: float
    cells: int

    def to_json(self) -> dict[str, Any]:
        return {each: getattr(self, each) for each in ("dataset", "sample", "mean", "spread", "cells")}


def sample_names(run: RunDirectory) -> dict[str, list[str]]:
    """The ids of a run's test samples, by position."""
    names: dict[str, list[str]] = {}
    query = (
        "SELECT dataset, position, sample FROM samples WHERE position IS NOT NULL ORDER BY dataset, position"
    )
    with RunReader(run) as reader:
        for dataset, position, sample in reader.connection.execute(query):
            known = names.setdefault(dataset, [])
            known += [""] * (position - len(known))
            known.append(sample)
    return names


def flips(comparison: Comparison, a: str, b: str, names: SampleNames) -> list[Flips]:
    """The samples that flipped on the primary scorer between two variants or models, in each setting.

    UsageError where the comparison has no such names.
    """
    scorer = comparison.primary
    found = []
    for one, other in _sides(comparison, a, b):
        scores_a, scores_b = sample_scores(one.result, scorer), sample_scores(other.result, scorer)
        shared, in_a, in_b = np.intersect1d(scores_a.samples, scores_b.samples, return_indices=True)
        ids = names[one.result.dataset]
        changed = [
            Flip(ids[int(place)], float(scores_a.values[i]), float(scores_b.values[j]))
            for place, i, j in zip(shared, in_a, in_b, strict=True)
            if scores_a.values[i] != scores_b.values[j]
        ]
        changed.sort(key=lambda each: -abs(each.a - each.b))  # stable: else in the file's order
        found.append(
            Flips(
                scorer,
                one.name,
                other.name,
                len(shared),
                tuple(each for each in changed if each.a > each.b),
                tuple(each for each in changed if each.a < each.b),
            )
        )
    return found


def worst(comparison: Comparison, names: SampleNames, most: int = MOST_ITEMS) -> list[Item]:
    """The samples with the lowest mean over all cells, the worst first; none that every cell gets right."""
    items = [each for each in _items(comparison, names) if each.mean < 1]
    return sorted(items, key=lambda each: each.mean)[:most]


def disputed(comparison: Comparison, names: SampleNames, most: int = MOST_ITEMS) -> list[Item]:
    """The samples on which the cells disagree most; none on which they agree."""
    items = [each for each in _items(comparison, names) if each.spread > 0]
    return sorted(items, key=lambda each: -each.spread)[:most]


def _sides(comparison: Comparison, a: str, b: str) -> list[tuple[CellSummary, CellSummary]]:
    cells = comparison.cells
    variants = list(dict.fromkeys(cell.result.variant for cell in cells))
    models = list(dict.fromkeys(cell.result.model for cell in cells))
    if a == b:
        raise UsageError(f"--flips needs two names, and {a!r} is one.")
    kind = "model" if a in models and b in models else "variant"
    for name in (a, b):
        if name not in (variants if kind == "variant" else models):
            raise UsageError(
                f"no variant or model here is named {name!r}.",
                remedy=did_you_mean(name, [*variants, *models]),
            )
    other = "model" if kind == "variant" else "variant"
    of_a = [cell for cell in cells if getattr(cell.result, kind) == a]
    of_b = [cell for cell in cells if getattr(cell.result, kind) == b]
    found = [
        (one, two)
        for one in of_a
        for two in of_b
        if one.result.dataset == two.result.dataset
        and (getattr(one.result, other) == getattr(two.result, other) or len(of_a) == len(of_b) == 1)
    ]
    if not found:
        raise UsageError(f"{a!r} and {b!r} share no setting in which they could be compared.")
    return found


def _items(comparison: Comparison, names: SampleNames) -> Iterator[Item]:
    for dataset in dict.fromkeys(cell.result.dataset for cell in comparison.cells):
        cells = [cell.result for cell in comparison.cells if cell.result.dataset == dataset]
        scores: dict[int, list[float]] = {}
        for cell in cells:
            if not cell.oracle:
                found = sample_scores(cell, comparison.primary)
                for place, value in zip(found.samples, found.values, strict=True):
                    scores.setdefault(int(place), []).append(float(value))
        for place in sorted(scores):
            values = np.array(scores[place])
            yield Item(dataset, names[dataset][place], float(values.mean()), float(values.std()), len(values))
