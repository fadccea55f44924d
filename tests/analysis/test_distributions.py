import pytest
from scipy import stats

from promptlab.analysis.distributions import binomial_half_pmf, normal_quantile, t_cdf, t_quantile


@pytest.mark.parametrize("df", [1, 2, 3, 7, 29, 99, 1_000, 99_999, 10**6])
@pytest.mark.parametrize("probability", [0.025, 0.5, 0.6, 0.9, 0.975, 0.9999])
def test_t_quantile_is_scipys(df: int, probability: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("df", [1, 4, 60])
@pytest.mark.parametrize("t", [-30.0, -1.3, 0.0, 1e-6, 0.7, 2.0, 50.0])
def test_t_cdf_is_scipys(df: int, t: float) -> None:
    assert t_cdf(t, df) == pytest.approx(stats.t.cdf(t, df), rel=1e-10, abs=1e-14)


def test_normal_quantile_is_scipys() -> None:
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), rel=1e-14)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 10), (500, 1000), (2_800, 5_800)])
def test_fair_coin_probabilities_are_scipys(k: int, n: int) -> None:
    assert binomial_half_pmf(k, n) == pytest.approx(stats.binom.pmf(k, n, 0.5), rel=1e-9)
