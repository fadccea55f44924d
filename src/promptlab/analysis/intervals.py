"""95 % intervals of a mean: Wilson for 0/1 scores, else Student's t over samples or over groups."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal, NamedTuple

import numpy as np

from promptlab.analysis.distributions import CONFIDENCE, normal_quantile, t_quantile
from promptlab.analysis.samples import Floats, Integers, SampleScores

IntervalMethod = Literal["wilson", "t", "cluster_t", "bootstrap"]

SMALL_SAMPLES = 100
SMALL_GROUPS = 30
SMALL_EFFECTIVE_GROUPS = 20  # among groups of uneven size
SMALL_COUNT = 10  # expected successes, and failures, below which t and its kin cover less than they say
_FLAT = 1e-12  # a standard error below this is rounding noise: the scores do not vary


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    `low` and `high` are None where no interval exists (no sample; one sample outside [0, 1]).
    `cautions` says why the interval is rough; empty: it covers what it says.
    """

    mean: float
    low: float | None
    high: float | None
    method: IntervalMethod
    n: int
    groups: int | None = None
    cautions: tuple[str, ...] = ()


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval (1927) for a share; `successes` may be fractional. `n` > 0."""
    z = normal_quantile((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends the bound is the share itself, which rounding would miss by the last digit.
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    return low, 1.0 if successes >= n else min(1.0, centre + half)


def effective_units(n: int, groups: Integers | None) -> tuple[int, float]:
    """The number of independent units of `n` samples, and the number of units of one size that weigh as much.

    Few large groups among many small ones decide nearly alone (Kish 1965: (Σ size)² / Σ size²).
    """
    if groups is None:
        return n, float(n)
    _, sizes = np.unique(groups, return_counts=True)
    return len(sizes), n * n / float(sizes @ sizes)


class StandardError(NamedTuple):
    """Of a mean: the error, and the units behind it as `effective_units` counts them."""

    error: float
    units: int
    effective: float

    @property
    def t(self) -> float:
        """The two-sided 95 % quantile of Student's t for so many units."""
        return t_quantile((1 + CONFIDENCE) / 2, max(1.0, self.effective - 1))


def standard_error(values: Floats, groups: Integers | None) -> StandardError:
    """Standard error of the mean over samples, or cluster-robust over groups.

    With groups: with the factor G/(G-1) (Miller 2024, section 2.2). `values` is not empty; with one unit the
    error is 0.
    """
    n = len(values)
    units, effective = effective_units(n, groups)
    residuals = values - values.mean()
    if units < 2:
        return StandardError(0.0, units, effective)
    if groups is None:
        return StandardError(float(np.sqrt(residuals @ residuals / (n - 1) / n)), units, effective)
    _, inverse = np.unique(groups, return_inverse=True)
    sums = np.bincount(inverse, weights=residuals)
    return StandardError(float(np.sqrt(sums @ sums * units / (units - 1))) / n, units, effective)


def mean_interval(scores: SampleScores) -> Interval | None:
    """The mean over samples with its interval; None where there is no score."""
    n = len(scores)
    if n == 0:
        return None
    mean = float(scores.values.mean())
    if scores.binary and scores.groups is None:
        low, high = wilson(float(scores.values.sum()), n)
        return Interval(mean, low, high, "wilson", n, cautions=small(n))
    spread = standard_error(scores.values, scores.groups)
    error, units = spread.error, spread.units
    groups = None if scores.groups is None else units
    cautions = small(n, groups, spread.effective)
    if error <= _FLAT:
        if not scores.bounded:
            return Interval(mean, None, None, "t", n, groups, cautions)
        low, high = wilson(mean * units, units)
        return Interval(mean, low, high, "wilson", n, groups, cautions)
    half = spread.t * error
    low, high = mean - half, mean + half
    if scores.bounded:
        low, high = max(0.0, low), min(1.0, high)
        cautions += _few(mean, error, n)
    return Interval(mean, low, high, "t" if groups is None else "cluster_t", n, groups, cautions)


def small(n: int, groups: int | None = None, effective: float = 0.0) -> tuple[str, ...]:
    """Why an interval over so few samples, or groups, is rough; empty: it is not."""
    found = []
    if n < SMALL_SAMPLES:
        found.append(f"fewer than {SMALL_SAMPLES} samples")
    if groups is not None and groups < SMALL_GROUPS:
        found.append(f"fewer than {SMALL_GROUPS} groups")
    elif groups is not None and effective < SMALL_EFFECTIVE_GROUPS:
        found.append(f"groups so uneven that they weigh like fewer than {SMALL_EFFECTIVE_GROUPS}")
    return tuple(found)


def _few(mean: float, error: float, n: int) -> tuple[str, ...]:
    """Counts successes and failures in the samples' effective number: groups that agree count once."""
    effective = min(float(n), mean * (1 - mean) / error**2)
    few = min(mean, 1 - mean) * effective < SMALL_COUNT
    return (f"fewer than {SMALL_COUNT} expected successes or failures",) if few else ()
