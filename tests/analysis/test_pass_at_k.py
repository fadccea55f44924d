"""pass@k: the unbiased estimate from n draws, per sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from promptlab.analysis.cells import CellResult
from promptlab.analysis.samples import mean_answered, pass_at_k, repeat_means, sample_scores


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_it_is_the_share_of_k_draws_in_which_one_passes(n: int) -> None:
    for k in range(1, n + 1):
        for c in range(n + 1):
            draws = list(combinations([True] * c + [False] * (n - c), k))
            expected = np.mean([any(drawn) for drawn in draws])
            found = pass_at_k(np.array([n]), np.array([c]), k)
            assert found[0] == pytest.approx(expected, abs=1e-12)


def test_it_equals_the_product_of_the_paper_where_factorials_are_large() -> None:
    n, c, k = 200, 7, 100
    product = 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))
    assert pass_at_k(np.array([n]), np.array([c]), k)[0] == pytest.approx(product, abs=1e-12)


def test_a_sample_counts_by_its_estimate_and_only_with_k_draws(cell: Callable[..., CellResult]) -> None:
    scores = {"pass@2": [1, 0, 0, 1, 1, 1, 0, 0, 0, 1]}
    made = replace(cell("v", scores, samples=[0, 0, 0, 1, 1, 1, 2, 2, 2, 3]), pass_at={"pass@2": 2})
    found = sample_scores(made, "pass@2")
    assert found.samples.tolist() == [0, 1, 2]
    assert found.values.tolist() == pytest.approx([1 - 1 / 3, 1.0, 0.0])
    assert mean_answered(made, "pass@2") is None
    assert repeat_means(made, "pass@2").size == 0


def test_pass_at_1_is_the_mean_of_the_repeats(cell: Callable[..., CellResult]) -> None:
    made = cell("v", {"code_tests": [1, 0, 0, 1]}, repeats=2)
    assert sample_scores(made, "code_tests").values.tolist() == [0.5, 0.5]
