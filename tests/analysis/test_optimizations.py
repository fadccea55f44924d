"""What is said of searches: their cost apart, when it is earned back, who beats random search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.comparing import compare
from promptlab.analysis.comparison import Comparison
from promptlab.analysis.families import CellName
from promptlab.analysis.optimizations import (
    Optimization,
    break_even,
    optimization_sentences,
)

N = 100


def cell(variant: str, right: int, cost_usd: float | None) -> CellResult:
    scores = np.zeros(N)
    scores[:right] = 1.0
    return CellResult(
        variant=variant,
        model="m",
        dataset="d",
        planned=N,
        n=N,
        errors=0,
        unparsed=0,
        refused=0,
        truncated=0,
        sandbox=0,
        calls=N,
        cached_calls=0,
        prompt_tokens=N,
        completion_tokens=N,
        cost_usd=cost_usd,
        unknown_cost_calls=0,
        paid_usd=cost_usd,
        latency_p50_s=0.1,
        latency_p95_s=0.1,
        samples=np.arange(N),
        repeats=np.zeros(N, dtype=np.int64),
        groups=None,
        answered=np.ones(N, dtype=np.bool_),
        scores={"s": scores},
    )


def search(
    variant: str, cost_usd: float | None = 1.0, technique: str = "opro", budget: int = 300
) -> Optimization:
    return Optimization(CellName(variant, "m", "d"), technique, 280, budget, cost_usd, 0.8, 0.4, "budget", "")


def shown(
    *searches: Optimization, baseline: str | None = "plain", cost_usd: float | None = 1.0
) -> Comparison:
    cells = [cell("plain", 40, 3.0), cell("found", 80, cost_usd), cell("chance", 45, 1.0)]
    family = Family(primary="s", baseline=baseline, scorers=("s",))
    made = compare(cells, family, seed=0, status="complete", run="r", experiment="e", sent_calls=0)
    return replace(made, optimizations=searches)


@pytest.mark.parametrize(
    ("per_cell", "searched", "samples"),
    [(1.0, 1.0, 50), (1.0, 0.5, 25), (3.0, 1.0, None), (4.0, 1.0, None), (1.0, 0.0, 0)],
)
def test_the_break_even_is_the_searchs_cost_over_what_each_sample_saves(
    per_cell: float, searched: float, samples: int | None
) -> None:
    found = search("found", searched)
    even = break_even(found, shown(found, cost_usd=per_cell))
    assert even is not None
    assert (even.variant, even.samples) == ("plain", samples)


@pytest.mark.parametrize(("per_cell", "searched"), [(None, 1.0), (1.0, None)])
def test_what_costs_nobody_knows_never_breaks_even(per_cell: float | None, searched: float | None) -> None:
    found = search("found", searched)
    assert break_even(found, shown(found, cost_usd=per_cell)) is None


def test_the_sentences_name_the_cost_apart_and_who_beats_random_search() -> None:
    comparison = shown(search("found"), search("chance", technique="random_search"), baseline=None)
    first, _, against = optimization_sentences(comparison)
    assert first == (
        "found: its prompt took 280 of 300 calls to find (1.00 USD, not in the table); "
        "dev score 0.40 to 0.80, selected, so optimistic; ended by budget. "
        "It breaks even with plain after 50 samples."
    )
    assert against.startswith("Against chance, the baseline of all searches: found beats it (+0.35 [")


def test_another_budget_is_said_and_a_pair_outside_the_family_is_no_verdict() -> None:
    comparison = shown(search("found", budget=100), search("chance", technique="random_search"))
    *_, against = optimization_sentences(comparison)
    assert (
        "found (at 100 calls) is above it, outside the family of tests" in against or "no verdict" in against
    )


def test_a_comparison_without_searches_says_nothing_of_them() -> None:
    assert list(optimization_sentences(shown())) == []
    assert "optimizations" not in shown().to_json()
