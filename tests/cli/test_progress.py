"""The line that tells how far a run is."""

from __future__ import annotations

import pytest

from promptlab.cli.progress import line
from promptlab.runs import Progress
from promptlab.techniques.compiling import Round


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


def test_while_a_prompt_is_looked_for_the_line_tells_of_the_search() -> None:
    progress = Progress(planned=10, search=("opro × a", Round("round", 2, 0.75, 12, 34, 60, 0.0012, False)))
    assert line(progress) == "opro × a · round 2 · best dev 0.750 · 34 of 60 calls · 0.0012 USD"
    progress.search = ("opro × a", Round("round", 0, None, 12, 3, 60, None, False))
    assert line(progress) == "opro × a · round 0 · no dev score yet · 3 of 60 calls · cost unknown"
