"""What a planned experiment can find, from the file alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.families import planned_pairs
from promptlab.analysis.planning import family_size


@pytest.mark.parametrize(("variants", "models", "datasets"), list(product((1, 2, 4), (1, 3), (1, 2))))
@pytest.mark.parametrize("baseline", [None, "v0"])
def test_the_family_has_as_many_pairs_as_the_comparison_tests(
    variants: int, models: int, datasets: int, baseline: str | None, cell: Callable[..., CellResult]
) -> None:
    cells = [
        cell(f"v{v}", {"s": [1.0]}, model=f"m{m}", dataset=f"d{d}")
        for v, m, d in product(range(variants), range(models), range(datasets))
    ]
    family = Family(primary="s", baseline=baseline, scorers=("s",))
    tested = sum(pair.in_family for pair in planned_pairs(cells, family))
    assert family_size(variants, models, datasets, baseline=baseline is not None) == tested
