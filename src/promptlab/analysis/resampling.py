"""The bootstrap's arithmetic: sums over drawn samples, and what the drawn scores say.

A score of a whole cell follows from sums over its samples (a mean from values and their number, F1 from hits,
BLEU from n-gram counts), so a draw is a weighted sum, and all draws of all cells are matrix products.
"""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from promptlab.analysis.distributions import CONFIDENCE, normal_quantile, t_quantile
from promptlab.analysis.intervals import wilson
from promptlab.analysis.paired import tango
from promptlab.analysis.samples import Floats, Integers

_WEIGHTS = 2_000_000  # weights in memory at a time: 16 MB ...
_DRAWN = 32_768  # ... made from so many drawn numbers at a time, which stay in the processor's cache
_TIE = 1e-9  # differences that differ by less, relatively, are equal: rounding must not decide


def resampled_sums(parts: Floats, seed: int, *, groups: Integers | None = None, draws: int) -> Floats:
    """Sums of `parts`, [samples, k], over samples drawn with replacement: [draws, k].

    With `groups` whole groups are drawn. Put cells side by side that are to be drawn with the same samples.
    """
    if groups is not None:
        _, inverse = np.unique(groups, return_inverse=True)
        parts = np.stack([np.bincount(inverse, weights=column) for column in parts.T], axis=1)
    units = len(parts)
    generator = np.random.default_rng(seed)
    sums = np.empty((draws, parts.shape[1]))
    at_once = max(1, _DRAWN // units)
    block = max(1, _WEIGHTS // (units * at_once)) * at_once
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        weights = np.empty((rows, units))
        for row in range(0, rows, at_once):
            some = weights[row : row + at_once]
            chosen = generator.integers(0, units, some.shape)
            chosen += np.arange(len(some))[:, None] * units
            some[:] = np.bincount(chosen.ravel(), minlength=some.size).reshape(some.shape)
        sums[start : start + rows] = weights @ parts
    return sums


def resampled_interval(
    drawn: Floats, score: float, units: int, *, effective: float | None = None, top: float = 1.0
) -> tuple[float, float]:
    """The 95 % interval of a cell's score from its drawn scores: expanded percentiles.

    Plain percentiles are narrower by what Student's t corrects (Hesterberg 2015, section 3.4.1). `units` and
    `effective` are those of `effective_units`. Scores from 0 to `top` that do not vary get Wilson's interval
    for as many units, never one without width.
    """
    low, high = _expanded(drawn, units, effective)
    if high - low <= _TIE * top and 0 <= score <= top:
        below, above = wilson(score / top * units, units)
        return below * top, above * top
    return low, high


def resampled_difference(
    drawn: Floats, diff: float, units: int, *, effective: float | None = None, top: float = 1.0
) -> tuple[float, float, float]:
    """The 95 % interval of a difference of two cells drawn together, and p = (c + 1) / (draws + 1).

    c counts draws that lie as far from the observed difference as that lies from 0 (Efron and Tibshirani
    1993, section 16.4: the bootstrap distribution moved to the null), stretched as the interval is.
    """
    low, high = _expanded(drawn, units, effective)
    moved = np.abs(drawn - diff) * _stretch(units, effective)
    extreme = int(np.sum(moved >= abs(diff) * (1 - _TIE)))
    if high - low <= _TIE * top and abs(diff) <= top:
        share = diff / top * units
        below, above = tango(max(share, 0.0), max(-share, 0.0), units)
        low, high = below * top, above * top
    return low, high, (extreme + 1) / (len(drawn) + 1)


def _expanded(drawn: Floats, units: int, effective: float | None) -> tuple[float, float]:
    tail = normal_quantile((1 - CONFIDENCE) / 2) * _stretch(units, effective)
    beyond = erfc(-tail / sqrt(2)) / 2
    low, high = np.quantile(drawn, [beyond, 1 - beyond])
    return float(low), float(high)


def _stretch(units: int, effective: float | None) -> float:
    """How much wider Student's t with the unbiased variance is than what draws of these units show."""
    if units < 2:
        return 1.0
    t = t_quantile((1 + CONFIDENCE) / 2, max(1.0, (effective or units) - 1))
    return t / normal_quantile((1 + CONFIDENCE) / 2) * sqrt(units / (units - 1))
