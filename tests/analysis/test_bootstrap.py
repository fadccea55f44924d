import numpy as np
import pytest
from sklearn.metrics import f1_score

from promptlab.analysis.bootstrap import bootstrap_interval, paired_bootstrap
from promptlab.analysis.paired import tango

GENERATOR = np.random.default_rng(11)
GOLD = GENERATOR.integers(0, 3, 200)
GOOD = np.where(GENERATOR.random(200) < 0.85, GOLD, GENERATOR.integers(0, 3, 200))
POOR = np.where(GENERATOR.random(200) < 0.4, GOLD, GENERATOR.integers(0, 3, 200))


def test_the_interval_of_a_mean_is_near_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(5, 2, 400)
    low, high = bootstrap_interval(lambda rows: float(values[rows].mean()), 400, seed=1)
    half = 1.96 * values.std(ddof=1) / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.04)


def test_groups_are_drawn_whole() -> None:
    values = np.repeat(np.random.default_rng(4).random(20), 10)
    seen = []

    def score(rows: np.ndarray) -> float:
        seen.append(np.bincount(rows // 10, minlength=20))
        return float(values[rows].mean())

    alone = bootstrap_interval(lambda rows: float(values[rows].mean()), 200, seed=1, draws=300)
    grouped = bootstrap_interval(score, 200, seed=1, groups=np.repeat(np.arange(20), 10), draws=300)
    assert all(np.all(counts % 10 == 0) for counts in seen)
    assert grouped[1] - grouped[0] > 2 * (alone[1] - alone[0])


def test_a_clear_difference_in_macro_f1_is_found_and_its_absence_is_not() -> None:
    def f1(answers: np.ndarray):
        return lambda rows: float(f1_score(GOLD[rows], answers[rows], average="macro"))

    diff, low, high, p = paired_bootstrap(f1(GOOD), f1(POOR), 200, seed=2, draws=100)
    assert low < diff < high
    assert low > 0
    assert p == 1 / 101
    diff, low, high, p = paired_bootstrap(f1(GOOD), f1(GOOD), 200, seed=2, draws=20)
    assert (diff, p) == (0.0, 1.0)
    assert (low, high) == tango(0, 0, 200)  # no draw differs: an interval still has a width


def test_the_seed_decides_every_digit() -> None:
    values = np.random.default_rng(5).random(50)

    def interval(seed: int) -> tuple[float, float]:
        return bootstrap_interval(lambda rows: float(values[rows].mean()), 50, seed=seed, draws=100)

    assert interval(1) == interval(1)
    assert interval(1) != interval(2)
