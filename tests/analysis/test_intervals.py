import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from promptlab.analysis.intervals import mean_interval, standard_error, wilson
from promptlab.analysis.samples import SampleScores


def scores(values: list[float], groups: list[int] | None = None, *, binary: bool = False) -> SampleScores:
    array = np.array(values, dtype=np.float64)
    return SampleScores(
        samples=np.arange(len(array)),
        values=array,
        groups=None if groups is None else np.array(groups),
        binary=binary,
        bounded=bool(np.all((array >= 0) & (array <= 1))),
    )


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (30, 60), (60, 60), (997, 1000)])
def test_wilson_is_scipys(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.integers(1, 2000), st.data())
def test_wilson_holds_the_share_and_mirrors(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high
    mirrored = wilson(n - k, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_one_repeat_of_zero_or_one_gets_wilson() -> None:
    found = mean_interval(scores([1.0] * 45 + [0.0] * 15, binary=True))
    assert found is not None
    assert found.method == "wilson"
    assert (found.low, found.high) == wilson(45, 60)
    assert found.cautions == ("fewer than 100 samples",)


def test_other_scores_get_t_over_samples_as_scipy_has_it() -> None:
    values = np.random.default_rng(1).beta(4, 3, size=150)
    found = mean_interval(scores(list(values)))
    assert found is not None
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.method, found.cautions) == ("t", ())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_groups_of_equal_size_get_t_over_the_groups_means() -> None:
    generator = np.random.default_rng(2)
    values = np.repeat(generator.random(40), 5) * 0.8 + generator.random(200) * 0.2
    groups = np.repeat(np.arange(40), 5)
    found = mean_interval(scores(list(values), list(groups)))
    assert found is not None
    expected = stats.ttest_1samp(values.reshape(40, 5).mean(axis=1), 0).confidence_interval(0.95)
    assert (found.method, found.n, found.groups) == ("cluster_t", 200, 40)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_groups_that_agree_widen_the_interval() -> None:
    values = [1.0] * 50 + [0.0] * 50
    alone, clustered = (
        standard_error(np.array(values), None),
        standard_error(np.array(values), np.repeat(np.arange(20), 5)),
    )
    assert clustered[0] > 2 * alone[0]
    assert (alone[1], clustered[1]) == (100, 20)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("groups", [None, [each // 4 for each in range(40)]])
def test_scores_that_do_not_vary_never_get_zero_width(value: float, groups: list[int] | None) -> None:
    found = mean_interval(scores([value] * 40, groups))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    units = 40 if groups is None else 10
    assert (found.low, found.high) == pytest.approx(wilson(value * units, units))
    assert found.high - found.low > 0.05
    assert found.low <= value <= found.high


def test_a_single_sample_has_a_wide_interval_and_no_sample_none() -> None:
    one = mean_interval(scores([0.7]))
    assert one is not None
    assert one.low is not None
    assert one.high is not None
    assert one.high - one.low > 0.5
    assert mean_interval(scores([])) is None


def test_constant_scores_outside_zero_and_one_have_no_interval() -> None:
    found = mean_interval(scores([3.0, 3.0, 3.0]))
    assert found is not None
    assert (found.mean, found.low, found.high) == (3.0, None, None)


def test_rough_intervals_are_marked() -> None:
    few_groups = mean_interval(scores([0.2, 0.8] * 60, [each // 6 for each in range(120)]))
    assert few_groups is not None
    assert "fewer than 30 groups" in few_groups.cautions
    rare = mean_interval(scores([1.0] * 195 + [0.5] * 5))
    assert rare is not None
    assert rare.cautions == ("fewer than 10 expected successes or failures",)
    plenty = mean_interval(scores([1.0, 0.5, 0.0, 0.0] * 50))
    assert plenty is not None
    assert plenty.cautions == ()


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60))
def test_the_interval_holds_its_mean_and_stays_in_range(values: list[float]) -> None:
    found = mean_interval(scores(values))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert -1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 1 + 1e-9
    assert found.low < found.high
