from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.analysis.holm import holm


def closed_testing(p_values: list[float]) -> list[float]:
    """Holm as the closure of Bonferroni: the worst Bonferroni p of any set of hypotheses that holds it."""
    size = len(p_values)
    adjusted = [0.0] * size
    for length in range(1, size + 1):
        for members in combinations(range(size), length):
            bonferroni = min(1.0, length * min(p_values[i] for i in members))
            for i in members:
                adjusted[i] = max(adjusted[i], bonferroni)
    return adjusted


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_holm_is_closed_bonferroni(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(closed_testing(p_values))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=7))
def test_a_member_without_p_corrects_the_others_like_p_of_one(p_values: list[float | None]) -> None:
    filled = holm([1.0 if p is None else p for p in p_values])
    assert holm(p_values) == [None if p is None else q for p, q in zip(p_values, filled, strict=True)]


def test_no_member_no_p() -> None:
    assert holm([]) == []
