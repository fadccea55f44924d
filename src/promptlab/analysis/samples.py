"""From trials to samples: repeats are averaged first, everything else works on samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.cells import CellResult

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SampleScores:
    """The scores of one scorer in one cell, one entry per sample, ordered by `samples`.

    `binary` says that each sample has one score and that it is 0 or 1; `bounded`, that all lie in [0, 1].
    """

    samples: Integers
    values: Floats
    groups: Integers | None
    binary: bool
    bounded: bool

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class PairedScores:
    """Two cells on the samples they share, in the same order; `dropped` samples are in one cell only."""

    a: Floats
    b: Floats
    groups: Integers | None
    binary: bool
    bounded: bool
    dropped: int

    def __len__(self) -> int:
        return len(self.a)


def sample_scores(cell: CellResult, scorer: str) -> SampleScores:
    """Averages over the repeats of each sample; for a pass@k its estimate from them. Trials without a score
    are left out, and for pass@k samples with fewer than k."""
    trials = cell.scores.get(scorer)
    if trials is None:
        trials = np.empty(0)
    present = np.isfinite(trials)
    scores, of_sample = trials[present], cell.samples[: len(trials)][present]
    samples, first, inverse, counts = np.unique(
        of_sample, return_index=True, return_inverse=True, return_counts=True
    )
    values = np.bincount(inverse, weights=scores, minlength=len(samples)) / np.maximum(counts, 1)
    groups = None if cell.groups is None else cell.groups[present][first]
    k = cell.pass_at.get(scorer, 1)
    if k > 1:
        enough = counts >= k
        passed = np.bincount(inverse, weights=scores, minlength=len(samples)).round().astype(np.int64)
        samples, values = samples[enough], pass_at_k(counts[enough], passed[enough], k)
        groups = None if groups is None else groups[enough]
    return SampleScores(
        samples=samples,
        values=values,
        groups=groups,
        binary=bool(np.all((scores == 0) | (scores == 1)) and np.all(counts == 1)),
        bounded=bool(np.all((scores >= 0) & (scores <= 1))),
    )


def pass_at_k(draws: Integers, passed: Integers, k: int) -> Floats:
    """The unbiased estimate that one of k draws passes, per sample: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021 (arXiv 2107.03374), equation 1. `draws` n are at least `k`, of them `passed` c.
    """
    return np.array(
        [1 - comb(n - c, k) / comb(n, k) for n, c in zip(draws.tolist(), passed.tolist(), strict=True)],
        dtype=np.float64,
    )


def mean_answered(cell: CellResult, scorer: str) -> float | None:
    """The mean over answered trials (per sample first); None where nothing was answered, and for pass@k."""
    trials = cell.scores.get(scorer)
    if trials is None or scorer in cell.pass_at:
        return None
    present = np.isfinite(trials) & cell.answered
    if not present.any():
        return None
    _, inverse, counts = np.unique(cell.samples[present], return_inverse=True, return_counts=True)
    return float(np.mean(np.bincount(inverse, weights=trials[present]) / counts))


def repeat_means(cell: CellResult, scorer: str) -> Floats:
    """The mean of each repeat, in the order of the repeats: their spread is shown apart. None for pass@k."""
    trials = cell.scores.get(scorer)
    if trials is None or scorer in cell.pass_at:
        return np.empty(0)
    present = np.isfinite(trials)
    _, inverse, counts = np.unique(cell.repeats[present], return_inverse=True, return_counts=True)
    return np.bincount(inverse, weights=trials[present], minlength=len(counts)) / np.maximum(counts, 1)


def paired(a: SampleScores, b: SampleScores) -> PairedScores:
    """Both cells on the samples that they share."""
    shared, in_a, in_b = np.intersect1d(a.samples, b.samples, assume_unique=True, return_indices=True)
    groups = a.groups if a.groups is not None else b.groups
    return PairedScores(
        a=a.values[in_a],
        b=b.values[in_b],
        groups=None if groups is None else groups[in_a if a.groups is not None else in_b],
        binary=a.binary and b.binary,
        bounded=a.bounded and b.bounded,
        dropped=len(a) + len(b) - 2 * len(shared),
    )


def pooled(parts: Sequence[PairedScores]) -> PairedScores:
    """Several data sets as one: every sample weighs the same; groups stay apart per data set.

    A data set without groups enters a pool that has groups with each sample as its own group.
    """
    grouped = any(part.groups is not None for part in parts)
    labels: list[Integers] = []
    offset = 0
    for part in parts if grouped else ():
        _, own = np.unique(np.arange(len(part)) if part.groups is None else part.groups, return_inverse=True)
        labels.append(own.astype(np.int64) + offset)
        offset += int(own.max(initial=-1)) + 1
    return PairedScores(
        a=np.concatenate([part.a for part in parts]),
        b=np.concatenate([part.b for part in parts]),
        groups=np.concatenate(labels) if grouped else None,
        binary=all(part.binary for part in parts),
        bounded=all(part.bounded for part in parts),
        dropped=sum(part.dropped for part in parts),
    )
