"""Single samples: which flipped between two cells, which all cells get wrong, on which they disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.comparison import CellSummary, Comparison
from promptlab.analysis.families import CellName
from promptlab.analysis.samples import SampleScores, sample_scores
from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.runs import RunDirectory, RunReader

SampleNames = Mapping[str, Sequence[str]]
"""Data set → sample ids by position."""

MOST_ITEMS = 10
# Sums of equal scores do not come out at exactly no spread.
_DUST = 1e-9


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
    items = _over_cells(comparison)
    chosen = np.flatnonzero(items.mean < 1)
    return items.named(chosen[np.argsort(items.mean[chosen], kind="stable")][:most], names)


def disputed(comparison: Comparison, names: SampleNames, most: int = MOST_ITEMS) -> list[Item]:
    """The samples on which the cells disagree most; none on which they agree."""
    items = _over_cells(comparison)
    chosen = np.flatnonzero(items.spread > _DUST)
    return items.named(chosen[np.argsort(-items.spread[chosen], kind="stable")][:most], names)


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


@dataclass(frozen=True, slots=True)
class _Items:
    """All samples over the cells that scored them, in the order of the data sets and their files."""

    dataset: Sequence[str]
    place: NDArray[np.int64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    cells: NDArray[np.int64]

    def named(self, chosen: Iterable[np.int64], names: SampleNames) -> list[Item]:
        return [
            Item(
                dataset=self.dataset[int(at)],
                sample=names[self.dataset[int(at)]][int(self.place[at])],
                mean=float(self.mean[at]),
                spread=float(self.spread[at]),
                cells=int(self.cells[at]),
            )
            for at in chosen
        ]


def _over_cells(comparison: Comparison) -> _Items:
    found: dict[str, list[SampleScores]] = {}
    for cell in comparison.cells:
        of_dataset = found.setdefault(cell.result.dataset, [])
        if not cell.result.oracle:
            of_dataset.append(sample_scores(cell.result, comparison.primary))
    datasets: list[str] = []
    places, means, spreads, counts = [], [], [], []
    for dataset, scores in found.items():
        if not scores:
            continue
        place, at = np.unique(np.concatenate([each.samples for each in scores]), return_inverse=True)
        values = np.concatenate([each.values for each in scores])
        count = np.bincount(at, minlength=len(place))
        mean = np.bincount(at, values, len(place)) / count
        squares = np.bincount(at, (values - mean[at]) ** 2, len(place))
        datasets += [dataset] * len(place)
        places.append(place.astype(np.int64))
        means.append(mean)
        spreads.append(np.sqrt(squares / count))
        counts.append(count.astype(np.int64))
    if not datasets:
        nothing, none = np.empty(0), np.empty(0, np.int64)
        return _Items([], none, nothing, nothing, none)
    joined = np.concatenate
    return _Items(datasets, joined(places), joined(means), joined(spreads), joined(counts))
