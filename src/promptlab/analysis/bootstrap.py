"""Bootstrap over samples or groups, for corpus scores (macro F1, BLEU) that have no per-sample mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from promptlab.analysis.intervals import effective_units
from promptlab.analysis.resampling import resampled_difference, resampled_interval
from promptlab.analysis.samples import Floats, Integers

BOOTSTRAP_DRAWS = 2_000
CorpusScore = Callable[[Integers], float]
"""The corpus score of the samples at these positions; a position may come several times."""


def bootstrap_interval(
    score: CorpusScore, n: int, *, seed: int, groups: Integers | None = None, draws: int = BOOTSTRAP_DRAWS
) -> tuple[float, float]:
    """Interval of a corpus score over `n` samples; whole groups are drawn where there are any."""
    drawn = _resampled([score], n, seed, groups, draws)[0]
    units, effective = effective_units(n, groups)
    return resampled_interval(drawn, score(np.arange(n, dtype=np.int64)), units, effective=effective)


def paired_bootstrap(
    score_a: CorpusScore,
    score_b: CorpusScore,
    n: int,
    *,
    seed: int,
    groups: Integers | None = None,
    draws: int = BOOTSTRAP_DRAWS,
) -> tuple[float, float, float, float]:
    """Two cells drawn with the same samples: difference, interval, and p."""
    everything = np.arange(n, dtype=np.int64)
    observed = score_a(everything) - score_b(everything)
    drawn_a, drawn_b = _resampled([score_a, score_b], n, seed, groups, draws)
    units, effective = effective_units(n, groups)
    return (observed, *resampled_difference(drawn_a - drawn_b, observed, units, effective=effective))


def _resampled(
    scores: list[CorpusScore], n: int, seed: int, groups: Integers | None, draws: int
) -> list[Floats]:
    generator = np.random.default_rng(seed)
    if groups is None:
        members = None
        units = n
    else:
        order = np.argsort(groups, kind="stable").astype(np.int64)
        _, starts = np.unique(groups[order], return_index=True)
        members = np.split(order, starts[1:])
        units = len(members)
    results = [np.empty(draws) for _ in scores]
    for draw in range(draws):
        chosen = generator.integers(0, units, size=units)
        rows = chosen if members is None else np.concatenate([members[unit] for unit in chosen])
        for result, score in zip(results, scores, strict=True):
            result[draw] = score(rows)
    return results
