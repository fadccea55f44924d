"""Agreement with people: equal to published examples and to scikit-learn; corrected means cover the truth."""

from __future__ import annotations

import numpy as np
import pytest

from promptlab.analysis.agreement import agreement, cohen_kappa, corrected_mean, fleiss_kappa


def ratings(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Two raters' grades from their table of counts."""
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return np.array([i for i, _ in pairs], dtype=float), np.array([j for _, j in pairs], dtype=float)


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        ([[20, 5], [10, 15]], 0.4),  # Cohen's own kind of example: 0.70 observed, 0.50 by chance
        ([[45, 15], [25, 15]], 0.1304),
        ([[25, 35], [5, 35]], 0.2593),  # the same agreement, other margins
        ([[10, 0], [0, 10]], 1.0),
    ],
)
def test_kappa_of_published_examples(table: list[list[int]], kappa: float) -> None:
    assert cohen_kappa(*ratings(table)) == pytest.approx(kappa, abs=5e-5)


@pytest.mark.parametrize("weights", [None, "quadratic"])
def test_kappa_equals_scikit_learns(weights: str | None) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(0)
    for size in (2, 5, 40, 500):
        human = rng.integers(0, 5, size)
        judge = np.where(rng.random(size) < 0.6, human, rng.integers(0, 5, size))
        if len(set(human) | set(judge)) < 2:
            continue
        wanted = metrics.cohen_kappa_score(judge, human, weights=weights)
        found = cohen_kappa(judge.astype(float), human.astype(float), weights=weights)
        assert found == pytest.approx(wanted, abs=1e-12)


def test_kappa_does_not_exist_where_both_say_one_thing_only() -> None:
    ones = np.ones(5)
    assert cohen_kappa(ones, ones) is None
    assert agreement(ones, ones) == 1.0
    assert cohen_kappa(np.array([]), np.array([])) is None
    assert agreement(np.array([]), np.array([])) is None


def test_a_judge_that_is_always_too_kind_is_corrected() -> None:
    judge = np.array([1.0] * 10)
    human = np.array([0.0, 1.0, 0.0, 1.0] + [np.nan] * 6)
    found = corrected_mean(judge, human)
    assert found is not None
    assert (found.mean, found.n, found.labelled) == (0.5, 10, 4)


def test_with_every_answer_labelled_the_corrected_mean_is_the_peoples() -> None:
    rng = np.random.default_rng(1)
    human, judge = rng.random(50), rng.random(50)
    found = corrected_mean(judge, human)
    assert found is not None
    assert found.mean == pytest.approx(human.mean())
    from scipy import stats

    low, high = stats.t.interval(0.95, 49, human.mean(), stats.sem(human))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_one_label_gives_no_interval_and_none_gives_nothing() -> None:
    judge = np.array([1.0, 0.0, 1.0])
    one = corrected_mean(judge, np.array([0.0, np.nan, np.nan]))
    assert one is not None
    assert (one.low, one.high) == (None, None)
    assert corrected_mean(judge, np.full(3, np.nan)) is None


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_of_corrected_means_cover_the_truth(clustered: bool) -> None:
    rng = np.random.default_rng(2)
    units, members, labelled = 300, 3 if clustered else 1, 60
    covered = 0
    rounds = 600
    for _ in range(rounds):
        quality = np.repeat(rng.normal(0, 1, units), members) + rng.normal(0, 0.3, units * members)
        human = (quality + rng.normal(0, 0.5, quality.size) > 0).astype(float)
        judge = (quality + 0.4 > 0).astype(float)  # too kind
        groups = np.repeat(np.arange(units), members)
        chosen = np.isin(groups, rng.choice(units, labelled, replace=False))
        found = corrected_mean(judge, np.where(chosen, human, np.nan), groups if clustered else None)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.5 <= found.high
    assert 0.92 <= covered / rounds <= 0.98


def test_fleiss_kappa_of_the_published_example() -> None:
    """Ten subjects, fourteen raters, five categories."""
    table = """0 0 0 0 14; 0 2 6 4 2; 0 0 3 5 6; 0 3 9 2 0; 2 2 8 1 1; 7 7 0 0 0; 3 2 6 3 0; 2 5 3 2 2;
        6 5 2 1 0; 0 2 2 3 7"""
    counts = np.array([[int(each) for each in row.split()] for row in table.split(";")])
    assert fleiss_kappa(counts) == pytest.approx(0.2099, abs=5e-5)


def test_fleiss_kappa_of_two_people_is_scotts_pi() -> None:
    """Cohen's with the mean of both margins: 20 yes-yes, 5 and 10 mixed, 15 no-no."""
    counts = np.array([[2, 0]] * 20 + [[1, 1]] * 15 + [[0, 2]] * 15)
    chance = 0.55**2 + 0.45**2
    assert fleiss_kappa(counts) == pytest.approx((0.7 - chance) / (1 - chance))


def test_fleiss_kappa_leaves_out_what_one_person_rated_and_may_not_exist() -> None:
    shared = np.array([[2, 0], [0, 2], [1, 1], [0, 3]])
    assert fleiss_kappa(np.vstack([shared, [[1, 0], [0, 0]]])) == fleiss_kappa(shared)
    assert fleiss_kappa(np.array([[1, 0]])) is None
    assert fleiss_kappa(np.array([[2, 0], [3, 0]])) is None
