"""Bootstrap over samples or groups, for corpus scores (macro F1, BLEU) that have no per-sample mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from promptlab.analysis.distributions import CONFIDENCE
from promptlab.analysis.samples import Floats, Integers

BOOTSTRAP_DRAWS = 2_000
CorpusScore = Callable[[Integers], float]
"""The corpus score of the samples at these positions; a position may come several times."""


def bootstrap_interval(
    score: CorpusScore, n: int, *, seed: int, groups: Integers | None = None, draws: int = BOOTSTRAP_DRAWS
) -> tuple[float, float]:
    """Percentile interval of a corpus score over `n` samples; whole groups are drawn where there are any."""
    scores = _resampled([score], n, seed, groups, draws)[0]
    return _percentiles(scores)


def paired_bootstrap(
    score_a: CorpusScore,
    score_b: CorpusScore,
    n: int,
    *,
    seed: int,
    groups: Integers | None = None,
    draws: int = BOOTSTRAP_DRAWS,
) -> tuple[float, float, float, float]:
    """Two cells drawn with the same samples: difference, interval, and p = (c + 1) / (draws + 1).

    c counts draws whose difference lies as far from the observed one as that lies from 0
    (Efron and Tibshirani 1993, section 16.4: the bootstrap distribution moved to the null).
    """
    everything = np.arange(n, dtype=np.int64)
    observed = score_a(everything) - score_b(everything)
    drawn_a, drawn_b = _resampled([score_a, score_b], n, seed, groups, draws)
    differences = drawn_a - drawn_b
    extreme = int(np.sum(np.abs(differences - observed) >= abs(observed) * (1 - 1e-9)))
    return (observed, *_percentiles(differences), (extreme + 1) / (draws + 1))


def _percentiles(scores: Floats) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return float(low), float(high)


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
