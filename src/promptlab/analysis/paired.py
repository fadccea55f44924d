"""Paired differences: the test that gives the verdict and the interval that is shown with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np

from promptlab.analysis.distributions import CONFIDENCE, binomial_half_pmf, normal_quantile
from promptlab.analysis.intervals import standard_error
from promptlab.analysis.samples import Floats, Integers, PairedScores
from promptlab.analysis.sign_flips import DRAWS, sign_flips

TestName = Literal[
    "mcnemar_midp", "sign_flip_exact", "sign_flip", "sign_flip_groups_exact", "sign_flip_groups", "bootstrap"
]
DifferenceInterval = Literal["tango", "t", "cluster_t", "bootstrap"]


@dataclass(frozen=True)
class Difference:
    """The mean of a - b over the shared samples, its 95 % interval, p, and what planning needs.

    `units` counts what the test moves freely (samples, or groups); `discordance` is the mean square of a
    unit's difference (for 0/1 scores: the share of samples on which a and b differ).
    """

    n: int
    mean_a: float
    mean_b: float
    diff: float
    low: float | None
    high: float | None
    p: float
    test: TestName
    interval: DifferenceInterval
    units: int
    discordance: float
    binary: bool


def difference(pair: PairedScores, seed: int, draws: int = DRAWS) -> Difference | None:
    """Compares two cells on their shared samples; None where they share none."""
    return differences([pair], seed, draws)[0]


def differences(pairs: Sequence[PairedScores], seed: int, draws: int = DRAWS) -> list[Difference | None]:
    """Compares the two cells of each pair on their shared samples; None where they share none.

    0/1 scores, one repeat, no groups: mid-p McNemar with Tango's interval. Otherwise the signs of whole
    units (samples or groups) are flipped: all patterns where they are few, else `draws` seeded ones.
    """
    flipped = [pair for pair in pairs if len(pair) and not _by_mcnemar(pair)]
    sums = [
        pair.a - pair.b if pair.groups is None else _sums(pair.a - pair.b, pair.groups) for pair in flipped
    ]
    tested = zip(sums, sign_flips(sums, seed, draws), strict=True)
    return [
        None if not len(pair) else _mcnemar(pair) if _by_mcnemar(pair) else _flipped(pair, *next(tested))
        for pair in pairs
    ]


def _by_mcnemar(pair: PairedScores) -> bool:
    return pair.binary and pair.groups is None


def _mcnemar(pair: PairedScores) -> Difference:
    n = len(pair)
    wins, losses = int(np.sum(pair.a > pair.b)), int(np.sum(pair.a < pair.b))
    low, high = tango(wins, losses, n)
    return Difference(
        n=n,
        mean_a=float(pair.a.mean()),
        mean_b=float(pair.b.mean()),
        diff=(wins - losses) / n,
        low=low,
        high=high,
        p=mcnemar_midp(wins, losses),
        test="mcnemar_midp",
        interval="tango",
        units=n,
        discordance=(wins + losses) / n,
        binary=True,
    )


def _flipped(pair: PairedScores, sums: Floats, test: tuple[float, bool]) -> Difference:
    n, units = len(pair), len(sums)
    values = pair.a - pair.b
    p, exact = test
    (low, high), method = _mean_difference_interval(values, pair)
    return Difference(
        n=n,
        mean_a=float(pair.a.mean()),
        mean_b=float(pair.b.mean()),
        diff=float(values.mean()),
        low=low,
        high=high,
        p=p,
        test=_TESTS[pair.groups is not None, exact],
        interval=method,
        units=units,
        discordance=float(sums @ sums) * units / n**2,
        binary=False,
    )


_TESTS: dict[tuple[bool, bool], TestName] = {
    (False, True): "sign_flip_exact",
    (False, False): "sign_flip",
    (True, True): "sign_flip_groups_exact",
    (True, False): "sign_flip_groups",
}


def _sums(values: Floats, groups: Integers) -> Floats:
    _, inverse = np.unique(groups, return_inverse=True)
    return np.bincount(inverse, weights=values).astype(np.float64)


def _mean_difference_interval(
    values: Floats, pair: PairedScores
) -> tuple[tuple[float | None, float | None], DifferenceInterval]:
    spread = standard_error(values, pair.groups)
    units = spread.units
    mean = float(values.mean())
    if spread.error > 1e-12:
        half = spread.t * spread.error
        low, high = mean - half, mean + half
        if pair.bounded:
            low, high = max(-1.0, low), min(1.0, high)
        return (low, high), "t" if pair.groups is None else "cluster_t"
    if not pair.bounded:
        return (None, None), "t"
    # The differences do not vary: Tango's interval for as many units never has zero width.
    return tango(max(mean, 0.0) * units, max(-mean, 0.0) * units, units), "tango"


def mcnemar_midp(wins: int, losses: int) -> float:
    """Two-sided mid-p McNemar test (Fagerland, Lydersen, Laake 2013, section 2.4)."""
    if wins == losses:
        return 1.0
    n, k = wins + losses, min(wins, losses)
    at_k = term = tail = binomial_half_pmf(k, n)
    for i in range(k, 0, -1):  # downward from k: the largest terms first, and none out of a float's range
        term *= i / (n - i + 1)
        tail += term
    return min(1.0, 2 * tail - at_k)


def tango(wins: float, losses: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval for a paired difference of shares (Tango 1998, equations 9 and 10)."""
    z = normal_quantile((1 + confidence) / 2)
    diff = (wins - losses) / n
    return _tango_bound(wins, losses, n, z, diff, -1.0), _tango_bound(wins, losses, n, -z, diff, 1.0)


def _tango_bound(wins: float, losses: float, n: float, z: float, near: float, far: float) -> float:
    """The Δ between `near` and `far` at which the score statistic equals `z`, by bisection."""
    if abs(near - far) < 1e-15:
        return far
    for _ in range(60):
        middle = (near + far) / 2
        if abs(_tango_statistic(wins, losses, n, middle)) < abs(z):
            near = middle
        else:
            far = middle
    return (near + far) / 2


def _tango_statistic(wins: float, losses: float, n: float, delta: float) -> float:
    linear = -wins - losses + (2 * n - wins + losses) * delta
    constant = -losses * delta * (1 - delta)
    root = (sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * root + delta * (1 - delta))
    return (wins - losses - n * delta) / sqrt(variance) if variance > 0 else float("inf")
