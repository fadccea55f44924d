"""What a number of samples can find: for planning before a run, and beside a difference that was not found.

Nothing here uses the observed difference: power computed from it says nothing that p has not said.
"""

from __future__ import annotations

from math import ceil, sqrt

from promptlab.analysis.distributions import normal_quantile

POWER = 0.8
ALPHA = 0.05
ASSUMED_DISCORDANCE = 0.3
"""Before a run: the share of samples on which two variants are taken to differ."""


def min_detectable(
    n: int,
    discordance: float = ASSUMED_DISCORDANCE,
    *,
    comparisons: int = 1,
    binary: bool = True,
    power: float = POWER,
) -> float | None:
    """The smallest difference that `n` pairs find with `power`, at level 0.05 / `comparisons`.

    `discordance` is the share of pairs that differ; for scores that are not 0/1 (`binary=False`) the mean
    square of the differences. None where not even the largest possible difference would be found.
    Source: Connor 1987 (paired proportions, normal approximation), solved for the difference.
    """
    if n < 1:
        return None
    z_alpha, z_beta = _quantiles(comparisons, power)

    def found(diff: float) -> bool:
        # 0/1 scores that differ by `diff` on average differ on at least that share of pairs.
        spread = max(discordance, diff if binary else diff * diff)
        return diff * sqrt(n) >= z_alpha * sqrt(spread) + z_beta * sqrt(max(spread - diff * diff, 0.0))

    low, high = 0.0, 1.0 if binary else max(1.0, sqrt(discordance))
    if not found(high):
        return None
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def samples_needed(
    effect: float,
    discordance: float = ASSUMED_DISCORDANCE,
    *,
    comparisons: int = 1,
    binary: bool = True,
    power: float = POWER,
) -> int:
    """The number of pairs that finds a difference of `effect` > 0: `min_detectable` turned round."""
    z_alpha, z_beta = _quantiles(comparisons, power)
    spread = max(discordance, effect if binary else effect * effect)
    root = z_alpha * sqrt(spread) + z_beta * sqrt(max(spread - effect * effect, 0.0))
    return ceil((root / effect) ** 2 * (1 - 1e-12))


def _quantiles(comparisons: int, power: float) -> tuple[float, float]:
    return normal_quantile(1 - ALPHA / max(1, comparisons) / 2), normal_quantile(power)
