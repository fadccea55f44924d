"""Quantiles without scipy, whose import would cost more than everything else a reprint does."""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p
from statistics import NormalDist

CONFIDENCE = 0.95
_NORMAL = NormalDist()


@lru_cache(maxsize=256)
def normal_quantile(probability: float) -> float:
    """z with P(Z ≤ z) = `probability`."""
    return _NORMAL.inv_cdf(probability)


@lru_cache(maxsize=1024)
def t_quantile(probability: float, df: float) -> float:
    """t with P(T ≤ t) = `probability` for Student's t with `df` ≥ 1 degrees of freedom, to 8 digits."""
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < probability:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if t_cdf(middle, df) < probability:
            low = middle
        else:
            high = middle
        if high - low <= 1e-13 * high:
            break
    return (low + high) / 2


def t_cdf(t: float, df: float) -> float:
    """P(T ≤ t) for Student's t with `df` degrees of freedom."""
    if t < 0:
        return 1 - t_cdf(-t, df)
    # 1 - x is computed apart from x: for small t the subtraction would lose the digits that matter.
    total = df + t * t
    tail = _incomplete_beta(df / 2, 0.5, df / total, t * t / total)
    return 1 - tail / 2


def binomial_half_pmf(k: int, n: int) -> float:
    """P(K = k) for K ~ Binomial(n, 1/2)."""
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))


def _incomplete_beta(a: float, b: float, x: float, complement: float) -> float:
    """Regularised I_x(a, b) with `complement` = 1 - x (DLMF 8.17.22, evaluated by Lentz's method)."""
    if x <= 0:
        return 0.0
    if complement <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, complement, x)
    front = exp(_log_inverse_beta(a, b) + a * log(x) + b * log(complement)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away_from_zero(1 + step * d, tiny)
            c = _away_from_zero(1 + step / c, tiny)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


def _log_inverse_beta(a: float, b: float) -> float:
    """log(1 / B(a, b)); by Stirling's series where lgamma's differences would cancel."""
    if max(a, b) < 1e5:
        return lgamma(a + b) - lgamma(a) - lgamma(b)
    large, small = max(a, b), min(a, b)
    # log Γ(large + small) - log Γ(large), Stirling to 1/x³
    grown = (large + small - 0.5) * log1p(small / large) + small * (log(large) - 1)
    grown += (1 / (large + small) - 1 / large) / 12
    return grown - lgamma(small)


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
