"""The line that tells how far a run is."""

from __future__ import annotations

import pytest

from promptlab.cli.progress import line
from promptlab.runs import Progress


@pytest.mark.parametrize(
    ("paid_usd", "unknown", "told"),
    [
        (0.5, 0, "0.5000 USD"),
        (0.12, 3, "at least 0.1200 USD, 3 calls unknown"),
        (0.0, 1, "cost unknown (1 call unknown)"),
    ],
)
def test_what_a_call_cost_and_nobody_knows_is_never_counted_as_0(
    paid_usd: float, unknown: int, told: str
) -> None:
    assert told in line(Progress(planned=10, paid_usd=paid_usd, unknown_costs=unknown)).split(" · ")


def test_a_run_that_costs_nothing_says_nothing_of_money() -> None:
    assert "USD" not in line(Progress(planned=10))
