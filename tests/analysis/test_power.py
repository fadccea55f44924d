import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.paired import mcnemar_midp
from promptlab.analysis.power import min_detectable, samples_needed


@pytest.mark.parametrize(("n", "discordance"), [(60, 0.3), (100, 0.2), (300, 0.3), (500, 0.1)])
def test_the_smallest_difference_is_found_four_times_in_five(n: int, discordance: float) -> None:
    effect = min_detectable(n, discordance)
    assert effect is not None
    generator = np.random.default_rng(n)
    spread = max(discordance, effect)
    shares = [(spread + effect) / 2, (spread - effect) / 2, 1 - spread]
    drawn = generator.multinomial(n, shares, size=4000)
    found = np.mean([mcnemar_midp(int(wins), int(losses)) < 0.05 for wins, losses, _ in drawn])
    assert 0.76 <= found <= 0.86


@given(st.floats(0.02, 0.3), st.floats(0, 1), st.integers(1, 50))
def test_samples_needed_is_the_inverse(effect: float, discordance: float, comparisons: int) -> None:
    n = samples_needed(effect, discordance, comparisons=comparisons)
    found = min_detectable(n, discordance, comparisons=comparisons)
    assert found is not None
    assert found <= effect + 1e-6
    fewer = min_detectable(n - 1, discordance, comparisons=comparisons)
    assert fewer is None or fewer >= effect - 1e-6


def test_more_comparisons_and_fewer_samples_find_less() -> None:
    assert (min_detectable(100, 0.3, comparisons=10) or 0) > (min_detectable(100, 0.3) or 1)
    assert (min_detectable(50, 0.3) or 0) > (min_detectable(100, 0.3) or 1)


def test_too_few_samples_find_nothing() -> None:
    assert min_detectable(3) is None
    assert min_detectable(0) is None


def test_graded_scores_may_differ_by_less_than_any_share_of_samples() -> None:
    # 100 differences with a spread of 0.01: the classic formula (1.96 + 0.84) * 0.01 / 10.
    assert min_detectable(100, 0.01**2, binary=False) == pytest.approx(0.0028, rel=0.03)
