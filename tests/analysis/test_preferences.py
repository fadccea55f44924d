"""Bradley and Terry's strengths: equal to exact cases and to scikit-learn, and honest where none exist."""

from __future__ import annotations

from itertools import combinations
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy import stats

from promptlab.analysis.preferences import BradleyTerry, bradley_terry


def fitted(said: list[tuple[int, int, float]], size: int, clusters: list[int] | None = None) -> BradleyTerry:
    first, second, outcome = (np.array(each) for each in zip(*said, strict=True))
    units = np.arange(len(said)) if clusters is None else np.array(clusters)
    return bradley_terry(first.astype(int), second.astype(int), outcome.astype(float), units, size)


def drawn(size: int, n: int, seed: int, ties: float = 0.0) -> list[tuple[int, int, float]]:
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 0.5, size)
    said = []
    for _ in range(n):
        a, b = rng.choice(size, 2, replace=False)
        won = float(rng.random() < 1 / (1 + exp(theta[b] - theta[a])))
        said.append((int(a), int(b), 0.5 if rng.random() < ties else won))
    return said


def test_two_sides_have_the_log_odds_of_their_wins() -> None:
    found = fitted([(0, 1, 1.0)] * 12 + [(1, 0, 1.0)] * 4 + [(0, 1, 0.0)] * 4, 2)
    (pair,) = found.pairs
    assert pair.diff == pytest.approx(log(12 / 8))
    error = sqrt((1 / 12 + 1 / 8) * 20 / 19)
    reach = stats.t.ppf(0.975, 19) * error
    assert pair.low == pytest.approx(pair.diff - reach)
    assert pair.high == pytest.approx(pair.diff + reach)
    assert pair.p == pytest.approx(2 * stats.t.sf(pair.diff / error, 19))
    one, other = found.strengths
    assert (one.strength, other.strength) == (pytest.approx(pair.diff / 2), pytest.approx(-pair.diff / 2))
    assert (one.wins, one.losses, one.ties) == (12, 8, 0)
    assert (other.wins, other.losses, other.share) == (8, 12, pytest.approx(0.4))


@pytest.mark.parametrize(("size", "ties"), [(3, 0.0), (5, 0.3), (8, 0.1)])
def test_strengths_are_those_of_scikit_learns_logistic_regression(size: int, ties: float) -> None:
    from sklearn.linear_model import LogisticRegression

    said = drawn(size, 60 * size, seed=size, ties=ties)
    rows, labels, weights = [], [], []
    for a, b, outcome in said:
        for label in (1, 0):  # a tie is half of each
            rows.append(np.eye(size)[a] - np.eye(size)[b])
            labels.append(label)
            weights.append(outcome if label else 1 - outcome)
    oracle = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=10_000)
    oracle.fit(np.array(rows)[:, 1:], labels, sample_weight=weights)
    wanted = np.concatenate([[0.0], oracle.coef_[0]])
    found = [each.strength for each in fitted(said, size).strengths]
    assert found == pytest.approx(list(wanted - wanted.mean()), abs=1e-5)


def test_standard_errors_are_those_of_the_information() -> None:
    """Without ties and clusters the robust error is the model's but for G/(G-1): the larger is known."""
    said = drawn(4, 4000, seed=1)
    found = fitted(said, 4)
    theta = np.array([each.strength for each in found.strengths])
    information = np.zeros((4, 4))
    for a, b, _ in said:
        side = np.eye(4)[a] - np.eye(4)[b]
        chance = 1 / (1 + exp(theta[b] - theta[a]))
        information += chance * (1 - chance) * np.outer(side, side)
    covariance = np.linalg.inv(information[1:, 1:])  # the first side as the origin
    for pair in found.pairs:
        if pair.a == 0:
            error = sqrt(covariance[pair.b - 1, pair.b - 1])
            assert pair.high is not None
            assert pair.high - pair.diff == pytest.approx(1.96 * error, rel=0.06)


def test_several_people_on_one_sample_are_no_new_evidence() -> None:
    said = drawn(3, 40, seed=2)
    alone, repeated = fitted(said, 3), fitted(said * 5, 3, clusters=[*range(40)] * 5)
    for one, many in zip(alone.pairs, repeated.pairs, strict=True):
        assert many.diff == pytest.approx(one.diff)
        assert many.high is not None
        assert one.high is not None
        assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)  # type: ignore[operator]


def test_who_never_lost_has_a_finite_strength_and_it_is_said() -> None:
    found = fitted([(0, 1, 1.0)] * 3, 2)
    (pair,) = found.pairs
    assert pair.diff == pytest.approx(log(3.5 / 0.5))
    assert pair.low is not None
    assert pair.low < 0 < pair.diff
    assert any("half a win" in each for each in found.cautions)


def test_sides_that_were_never_compared_have_no_strengths() -> None:
    found = fitted([(0, 1, 1.0), (2, 3, 0.0)], 4)
    assert [each.strength for each in found.strengths] == [None] * 4
    assert not found.pairs
    assert found.strengths[0].share == 1.0
    assert any("there are no strengths" in each for each in found.cautions)


def test_one_sample_gives_no_interval() -> None:
    found = fitted([(0, 1, 1.0), (0, 1, 0.0)], 2, clusters=[7, 7])
    assert found.strengths[0].low is None
    assert found.pairs[0].p is None


def test_only_ties_are_no_difference() -> None:
    found = fitted([(0, 1, 0.5)] * 10, 2)
    assert found.pairs[0].diff == pytest.approx(0)
    assert found.strengths[0].ties == 10
    assert not any("half a win" in each for each in found.cautions)


def test_all_pairs_are_corrected_together() -> None:
    found = fitted(drawn(4, 300, seed=3), 4)
    assert len(found.pairs) == len(list(combinations(range(4), 2)))
    assert all(each.p_adjusted >= each.p for each in found.pairs)  # type: ignore[operator]


@pytest.mark.long
def test_intervals_cover_the_true_difference() -> None:
    rng = np.random.default_rng(0)
    theta = np.array([0.8, 0.0, -0.3])
    covered = 0
    for _ in range(600):
        said = []
        for _ in range(60):
            a, b = rng.choice(3, 2, replace=False)
            said.append((int(a), int(b), float(rng.random() < 1 / (1 + exp(theta[b] - theta[a])))))
        pair = next(each for each in fitted(said, 3).pairs if (each.a, each.b) == (0, 1))
        covered += pair.low < 0.8 < pair.high  # type: ignore[operator]
    assert covered / 600 > 0.93
