"""Paired differences: the test that gives the verdict and the interval that is shown with it."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np

from promptlab.analysis.distributions import CONFIDENCE, binomial_half_pmf, normal_quantile, t_quantile
from promptlab.analysis.intervals import standard_error
from promptlab.analysis.samples import Floats, Integers, PairedScores

TestName = Literal[
    "mcnemar_midp", "sign_flip_exact", "sign_flip", "sign_flip_groups_exact", "sign_flip_groups", "bootstrap"
]
DifferenceInterval = Literal["tango", "t", "cluster_t", "bootstrap"]

EXACT_UNITS = 16  # 2^16 sign patterns are enumerated; beyond that they are drawn
DRAWS = 9_999
_BLOCK = 1_000_000  # table look-ups in flight: bounds memory to some 16 MB
_TIE = 1e-9  # sums that differ by less, relatively, are equal: rounding must not decide


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
    """Compares two cells on their shared samples; None where they share none.

    0/1 scores, one repeat, no groups: mid-p McNemar with Tango's interval. Otherwise the signs of whole
    units (samples or groups) are flipped: all patterns where they are few, else `draws` seeded ones.
    """
    n = len(pair)
    if n == 0:
        return None
    values = pair.a - pair.b
    if pair.binary and pair.groups is None:
        wins, losses = int(np.sum(values > 0)), int(np.sum(values < 0))
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
    sums = values if pair.groups is None else _sums(values, pair.groups)
    p, exact = sign_flip(sums, seed, draws)
    low_high, method = _mean_difference_interval(values, pair)
    units = len(sums)
    return Difference(
        n=n,
        mean_a=float(pair.a.mean()),
        mean_b=float(pair.b.mean()),
        diff=float(values.mean()),
        low=low_high[0],
        high=low_high[1],
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
    error, units = standard_error(values, pair.groups)
    mean = float(values.mean())
    if error > 1e-12:
        half = t_quantile((1 + CONFIDENCE) / 2, units - 1) * error
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


def sign_flip(sums: Floats, seed: int, draws: int = DRAWS) -> tuple[float, bool]:
    """Two-sided sign-flip permutation test of a mean of zero over independent units.

    Returns p and whether all patterns were enumerated; drawn, p = (c + 1) / (draws + 1).
    """
    moved = sums[sums != 0]
    observed = abs(float(moved.sum())) * (1 - _TIE)
    if len(moved) <= EXACT_UNITS:
        patterns = np.zeros(1)
        for value in moved:
            patterns = np.concatenate((patterns + value, patterns - value))
        return float(np.mean(np.abs(patterns) >= observed)), True
    # Signs come eight to a random byte; a table holds the signed sums of eight units for its 256 values.
    octets = -(-len(moved) // 8)
    padded = np.zeros(octets * 8)
    padded[: len(moved)] = moved
    signs = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    table = (padded.reshape(octets, 8) @ signs.T).ravel()
    starts = np.arange(octets) * 256
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // octets)
    extreme = 0
    for done in range(0, draws, block):
        rows = min(block, draws - done)
        drawn = generator.integers(0, 256, size=(rows, octets), dtype=np.uint8)
        extreme += int(np.sum(np.abs(table[drawn + starts].sum(axis=1)) >= observed))
    return (extreme + 1) / (draws + 1), False
