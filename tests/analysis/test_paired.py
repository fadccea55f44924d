import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from promptlab.analysis.intervals import wilson
from promptlab.analysis.paired import difference, mcnemar_midp, tango
from promptlab.analysis.samples import PairedScores


def pair(
    a: list[float], b: list[float], groups: list[int] | None = None, *, binary: bool = False
) -> PairedScores:
    return PairedScores(
        a=np.array(a, dtype=np.float64),
        b=np.array(b, dtype=np.float64),
        groups=None if groups is None else np.array(groups),
        binary=binary,
        bounded=True,
        dropped=0,
    )


def midp_by_definition(wins: int, losses: int) -> float:
    """All outcomes as unlikely as this one or worse, those exactly as unlikely counted half."""
    n, k = wins + losses, min(wins, losses)
    one_side = sum(stats.binom.pmf(j, n, 0.5) for j in range(k)) + stats.binom.pmf(k, n, 0.5) / 2
    return min(1.0, 2 * float(one_side))


@given(st.integers(0, 60), st.integers(0, 60))
def test_midp_follows_its_definition_and_ignores_who_is_a(wins: int, losses: int) -> None:
    assert mcnemar_midp(wins, losses) == pytest.approx(midp_by_definition(wins, losses), rel=1e-9)
    assert mcnemar_midp(wins, losses) == mcnemar_midp(losses, wins)


@pytest.mark.parametrize(("wins", "losses"), [(600, 500), (3_000, 2_800), (60_000, 59_000)])
def test_midp_holds_for_many_pairs(wins: int, losses: int) -> None:
    n, k = wins + losses, losses
    expected = 2 * stats.binom.cdf(k, n, 0.5) - stats.binom.pmf(k, n, 0.5)
    assert mcnemar_midp(wins, losses) == pytest.approx(expected, rel=1e-7)


def test_midp_of_fagerlands_example() -> None:
    # Table 1 of Fagerland, Lydersen, Laake 2013: 1 and 7 discordant pairs of 21.
    assert mcnemar_midp(1, 7) == pytest.approx(0.0391, abs=5e-5)


def tango_by_likelihood(wins: int, losses: int, n: int, delta: float) -> float:
    """The score statistic with the nuisance share found by maximising the likelihood numerically."""

    def negative(q: float) -> float:
        both = 1 - 2 * q - delta
        return -(wins * np.log(q + delta) + losses * np.log(q) + (n - wins - losses) * np.log(both))

    low, high = max(0.0, -delta) + 1e-9, (1 - delta) / 2 - 1e-9
    q = optimize.minimize_scalar(negative, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return float((wins - losses - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta))))


@pytest.mark.parametrize(("wins", "losses", "n"), [(12, 3, 60), (5, 9, 44), (30, 28, 200), (2, 1, 25)])
def test_tangos_bounds_are_where_the_score_statistic_is_critical(wins: int, losses: int, n: int) -> None:
    low, high = tango(wins, losses, n)
    assert tango_by_likelihood(wins, losses, n, low) == pytest.approx(1.959964, abs=2e-4)
    assert tango_by_likelihood(wins, losses, n, high) == pytest.approx(-1.959964, abs=2e-4)


def test_tango_without_any_discordant_pair_has_the_width_of_its_closed_form() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    assert tango(0, 0, 100) == pytest.approx((-z2 / (100 + z2), z2 / (100 + z2)), abs=1e-9)


@given(st.integers(1, 300), st.data())
def test_tango_turns_with_its_sides_and_holds_the_difference(n: int, data: st.DataObject) -> None:
    wins = data.draw(st.integers(0, n))
    losses = data.draw(st.integers(0, n - wins))
    low, high = tango(wins, losses, n)
    turned = tango(losses, wins, n)
    assert -1 <= low <= (wins - losses) / n <= high <= 1
    assert low < high
    assert turned == pytest.approx((-high, -low), abs=1e-9)


def test_one_repeat_of_zero_or_one_gets_mcnemar_and_tango() -> None:
    a, b = [1.0] * 40 + [0.0] * 20, [0.0] * 10 + [1.0] * 33 + [0.0] * 17
    found = difference(pair(a, b, binary=True), seed=0)
    assert found is not None
    assert (found.test, found.interval) == ("mcnemar_midp", "tango")
    assert found.p == mcnemar_midp(10, 3)
    assert (found.low, found.high) == tango(10, 3, 60)
    assert found.diff == pytest.approx(7 / 60)
    assert found.discordance == pytest.approx(13 / 60)


def test_other_scores_get_sign_flips_and_scipys_paired_t_interval() -> None:
    generator = np.random.default_rng(8)
    a, b = generator.random(70), generator.random(70)
    found = difference(pair(list(a), list(b)), seed=0)
    assert found is not None
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.test, found.interval) == ("sign_flip", "t")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_whole_groups_are_flipped() -> None:
    a, b = [1.0] * 100, [0.0] * 50 + [1.0] * 50
    groups = [each // 25 for each in range(100)]
    found = difference(pair(a, b, groups, binary=True), seed=0)
    assert found is not None
    assert (found.test, found.interval, found.units) == ("sign_flip_groups_exact", "cluster_t", 4)
    assert found.p == 0.5  # two of four groups differ, both the same way: 2 of 4 patterns


@pytest.mark.parametrize("groups", [None, [each // 5 for each in range(50)]])
def test_differences_that_do_not_vary_never_get_zero_width(groups: list[int] | None) -> None:
    same = difference(pair([0.5] * 50, [0.5] * 50, groups), seed=0)
    assert same is not None
    assert same.low is not None
    assert same.high is not None
    assert same.low < 0 < same.high
    assert same.p == 1.0
    shifted = difference(pair([0.75] * 50, [0.5] * 50, groups), seed=0)
    assert shifted is not None
    assert shifted.low is not None
    assert shifted.high is not None
    assert shifted.low < 0.25 < shifted.high
    assert wilson(0, 10)[1] > shifted.low


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1, width=16), st.floats(0, 1, width=16)), min_size=1, max_size=30),
    st.booleans(),
)
def test_a_minus_b_is_minus_b_minus_a(values: list[tuple[float, float]], grouped: bool) -> None:
    a, b = [one for one, _ in values], [other for _, other in values]
    groups = [each // 3 for each in range(len(a))] if grouped else None
    one, other = difference(pair(a, b, groups), seed=4), difference(pair(b, a, groups), seed=4)
    assert one is not None
    assert other is not None
    assert one.diff == pytest.approx(-other.diff, abs=1e-12)
    assert one.p == other.p
    assert (one.low, one.high) == pytest.approx((-(other.high or 0), -(other.low or 0)), abs=1e-9)


def test_nothing_shared_is_no_difference() -> None:
    assert difference(pair([], []), seed=0) is None
