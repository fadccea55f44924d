from itertools import product

import numpy as np
import pytest
from scipy import stats

from promptlab.analysis.sign_flips import sign_flips


def sign_flip(values: np.ndarray, seed: int, draws: int = 9_999) -> tuple[float, bool]:
    return sign_flips([values], seed, draws)[0]


def test_few_units_are_enumerated_as_scipy_does() -> None:
    values = np.array([0.3, -0.1, 0.5, 0.2, 0.0, -0.4, 0.6, 0.1, 0.25])
    p, exact = sign_flip(values, seed=1)
    expected = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    ).pvalue
    by_hand = np.mean(
        [abs(np.dot(signs, values)) >= abs(values.sum()) - 1e-12 for signs in product((1, -1), repeat=9)]
    )
    assert exact
    assert p == pytest.approx(by_hand)
    assert p == pytest.approx(expected, abs=1e-9)


def test_drawn_p_is_near_the_exact_one_and_never_zero() -> None:
    values = np.random.default_rng(5).normal(0.25, 1, size=80)
    p, exact = sign_flip(values, seed=3)
    assert not exact
    assert p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.01)
    overwhelming, _ = sign_flip(np.ones(50), seed=3, draws=999)
    assert overwhelming == 1 / 1000


def test_draws_come_from_the_seed_alone() -> None:
    values = np.random.default_rng(6).normal(0.1, 1, size=300)
    assert sign_flip(values, seed=9) == sign_flip(values, seed=9)
    assert sign_flip(values, seed=9) != sign_flip(values, seed=10)


def test_ties_are_counted_although_sums_are_rounded() -> None:
    # 0.1 + 0.2 - 0.3 is 5e-17, not 0: patterns that equal the observed sum must count.
    p, _ = sign_flip(np.array([0.1, 0.2, -0.3]), seed=0)
    assert p == 1.0


def test_a_column_gets_the_same_p_alone_and_among_others() -> None:
    generator = np.random.default_rng(7)
    columns = [generator.normal(0.1, 1, size=n) for n in (40, 700, 90)]
    columns += [generator.integers(-3, 4, size=500) / 3, np.array([0.5, -0.25]), np.zeros(30)]
    together = sign_flips(columns, seed=2, draws=499)
    assert together == [sign_flip(each, 2, 499) for each in columns]
    assert [exact for _, exact in together] == [False, False, False, False, True, True]


def test_few_distinct_sizes_are_drawn_as_binomials_with_the_same_result() -> None:
    values = np.random.default_rng(9).choice([-1.0, -2 / 3, -1 / 3, 1 / 3, 2 / 3, 1.0, 1.0], size=400)
    jittered = values + np.random.default_rng(10).normal(0, 1e-6, size=400)  # as many sizes as values
    assert sign_flip(values, 1, 40_000)[0] == pytest.approx(sign_flip(jittered, 2, 40_000)[0], abs=0.01)


def test_many_columns_do_not_take_more_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [np.random.default_rng(each).normal(size=300) for each in range(9)]
    at_once = sign_flips(columns, seed=5, draws=199)
    monkeypatch.setattr("promptlab.analysis.sign_flips._MOST_CELLS", 700)  # two columns at a time
    assert sign_flips(columns, seed=5, draws=199) == at_once
