import json
import subprocess
import sys

import jsonschema
import numpy as np
import pytest

from promptlab.analysis import Family, Verdict, compare

ALL = {"seed": 0, "status": "complete", "run": "r1", "experiment": "e", "sent_calls": 7}
NUMBER = {"type": ["number", "null"]}
COUNT = {"type": "integer", "minimum": 0}
SIDE = {
    "type": "object",
    "required": ["variant", "model", "dataset"],
    "additionalProperties": False,
    "properties": {
        "variant": {"type": "string"},
        "model": {"type": "string"},
        "dataset": {"type": ["string", "null"]},
    },
}


def closed(properties: dict) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


SCORE = closed({"mean": NUMBER, "ci_low": NUMBER, "ci_high": NUMBER, "n": COUNT, "mean_answered": NUMBER})
CELL = closed(
    {
        **SIDE["properties"],
        **dict.fromkeys(("n", "errors", "unparsed", "refused", "truncated", "sandbox"), COUNT),
        "scores": {"type": "object", "additionalProperties": SCORE},
        **dict.fromkeys(("calls", "cached_calls"), COUNT),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "cost_usd", "paid_usd"), NUMBER),
        **dict.fromkeys(("latency_p50_s", "latency_p95_s"), NUMBER),
    }
)
PAIR = closed(
    {
        "scorer": {"type": "string"},
        "a": SIDE,
        "b": SIDE,
        "n": COUNT,
        **dict.fromkeys(("diff", "ci_low", "ci_high", "p", "p_adjusted"), NUMBER),
        "test": {"type": ["string", "null"]},
    }
)
SCHEMA = closed(
    {
        "run": {"type": "string"},
        "experiment": {"type": "string"},
        "status": {"enum": ["complete", "stopped: budget", "interrupted", "failed"]},
        "sent_calls": COUNT,
        "cells": {"type": "array", "items": CELL},
        "pairs": {"type": "array", "items": PAIR},
    }
)


def ones(share: float, n: int = 100) -> list[float]:
    return [1.0] * round(share * n) + [0.0] * (n - round(share * n))


def named(comparison, a: str, b: str, scorer: str = "s", dataset: str | None = "d", model: str = "m"):
    return next(
        pair
        for pair in comparison.pairs
        if (pair.scorer, pair.a.variant, pair.b.variant) == (scorer, a, b)
        and pair.a.dataset == dataset
        and pair.a.model == model
    )


@pytest.fixture
def three(cell):
    return [
        cell("base", {"s": ones(0.3), "t": ones(0.3)}),
        cell("better", {"s": ones(0.8), "t": ones(0.4)}),
        cell("same", {"s": ones(0.3), "t": ones(0.3)}),
    ]


def test_json_has_the_promised_fields_and_no_others(cell, three) -> None:
    empty = cell("never ran", {}, pending=10, tokens=None, cost_usd=None)
    for cells in ([], [empty], [*three, empty], three):
        made = compare(cells, Family("s", "base", ("s", "t")), **ALL).to_json()
        # NaN is not JSON, and numpy's numbers are not Python's.
        jsonschema.validate(json.loads(json.dumps(made, allow_nan=False)), SCHEMA)


def test_numbers_that_do_not_exist_are_null(cell) -> None:
    cells = [cell("a", {"s": [1.0, 0.0]}), cell("b", {}, pending=2)]
    made = compare(cells, Family(None, None, ("s",)), **ALL).to_json()
    assert made["cells"][1]["scores"]["s"] == {
        "mean": None, "ci_low": None, "ci_high": None, "n": 0, "mean_answered": None
    }  # fmt: skip
    assert made["pairs"][0] | {"scorer": "", "a": 0, "b": 0} == {
        "scorer": "", "a": 0, "b": 0, "n": 0, "diff": None, "ci_low": None, "ci_high": None,
        "p": None, "p_adjusted": None, "test": None,
    }  # fmt: skip


def test_n_of_a_cell_counts_trials_and_n_of_a_score_samples(cell) -> None:
    made = compare([cell("a", {"s": ones(0.5, 60)}, repeats=3)], Family(None, None, ("s",)), **ALL).to_json()
    assert (made["cells"][0]["n"], made["cells"][0]["scores"]["s"]["n"]) == (60, 20)


def test_by_default_each_scorer_is_a_family_of_all_pairs(three) -> None:
    found = compare(three, Family(None, None, ("s", "t")), **ALL)
    assert found.family_sizes == {"s": 3, "t": 3}
    assert all(pair.p_adjusted is not None for pair in found.pairs)
    better = named(found, "better", "base")
    assert better.p_adjusted == pytest.approx(3 * better.found.p)


def test_a_baseline_and_a_primary_leave_only_their_pairs_in_the_family(three) -> None:
    found = compare(three, Family("s", "base", ("s", "t")), **ALL)
    adjusted = {(p.scorer, p.a.variant, p.b.variant) for p in found.pairs if p.p_adjusted is not None}
    assert adjusted == {("s", "better", "base"), ("s", "same", "base")}
    better = named(found, "better", "base")
    assert better.p_adjusted == pytest.approx(2 * better.found.p)
    outside = named(found, "better", "base", "t")
    assert outside.verdict is Verdict.NOT_TESTED
    assert outside.found.p is not None


def test_the_baseline_is_always_b(cell) -> None:
    cells = [cell("x", {"s": ones(0.3)}), cell("base", {"s": ones(0.5)}), cell("y", {"s": ones(0.7)})]
    found = compare(cells, Family("s", "base", ("s",)), **ALL)
    in_family = [
        (pair.a.variant, pair.b.variant, round(pair.diff, 2)) for pair in found.pairs if pair.in_family
    ]
    assert in_family == [("x", "base", -0.2), ("y", "base", 0.2)]


def test_models_are_compared_within_each_variant(cell) -> None:
    cells = [cell(v, {"s": ones(0.5)}, model=m) for m in ("m1", "m2") for v in ("a", "b")]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    sides = [(p.a.variant, p.a.model, p.b.variant, p.b.model) for p in found.pairs]
    assert sides == [
        ("b", "m1", "a", "m1"),
        ("b", "m2", "a", "m2"),
        ("a", "m2", "a", "m1"),
        ("b", "m2", "b", "m1"),
    ]


def test_with_two_data_sets_there_are_pairs_over_both(cell) -> None:
    cells = [
        cell("a", {"s": ones(0.5, 50)}, dataset="d1"),
        cell("b", {"s": ones(0.7, 50)}, dataset="d1"),
        cell("a", {"s": ones(0.5, 150)}, dataset="d2"),
        cell("b", {"s": ones(0.6, 150)}, dataset="d2"),
    ]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    over = named(found, "b", "a", dataset=None)
    assert found.family_sizes == {"s": 3}
    assert over.found.n == 200
    assert over.diff == pytest.approx((0.2 * 50 + 0.1 * 150) / 200)
    assert over.found.test == "mcnemar_midp"
    assert found.to_json()["pairs"][-1]["a"] == {"variant": "b", "model": "m", "dataset": None}


def test_one_data_set_has_no_pairs_over_all(three) -> None:
    assert all(pair.a.dataset == "d" for pair in compare(three, Family(None, None, ("s",)), **ALL).pairs)


def test_filters_never_change_the_adjusted_p(three) -> None:
    whole = compare(three, Family(None, None, ("s", "t")), **ALL)
    shown = whole.filtered(variants=["better", "base"])
    assert [cell.result.variant for cell in shown.cells] == ["base", "better"]
    assert len(shown.pairs) == 2
    assert named(shown, "better", "base").p_adjusted == named(whole, "better", "base").p_adjusted
    assert "Holm over 3" in shown.sentences[0]


def test_a_planned_cell_that_has_not_run_still_counts_in_the_family(cell, three) -> None:
    waiting = cell("later", {}, pending=100)
    found = compare([*three, waiting], Family("s", "base", ("s",)), **ALL)
    better = named(found, "better", "base")
    assert better.p_adjusted == pytest.approx(3 * better.found.p)
    assert named(found, "later", "base").verdict is Verdict.UNFINISHED


def test_no_verdict_before_the_planned_trials_are_finished(cell) -> None:
    cells = [cell("a", {"s": ones(0.2, 60)}), cell("b", {"s": ones(0.9, 60)}, pending=1)]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    assert found.pairs[0].found.p < 0.001
    assert found.pairs[0].verdict is Verdict.UNFINISHED
    assert found.headline == (
        "No verdict yet: 120 of 121 trials are finished, and the comparison waits for all of them.",
    )


@pytest.mark.parametrize(("errors", "verdict"), [(10, Verdict.BEATS), (90, Verdict.ERRORS)])
def test_no_winner_where_errors_differ_by_more_than_the_difference(cell, errors, verdict) -> None:
    cells = [
        cell("a", {"s": ([1.0, 0.0] * 100)[errors:]}, samples=range(errors, 200), errors=errors),
        cell("b", {"s": [1.0, 1.0, 1.0, 0.0] * 50}),
    ]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    assert found.pairs[0].found.p < 0.001
    assert found.pairs[0].verdict is verdict


def test_a_judge_that_failed_counts_as_missing(cell) -> None:
    judged = [np.nan] * 60 + ones(0.5, 140)
    found = compare(
        [cell("a", {"s": judged}), cell("b", {"s": ones(0.7, 200)})], Family(None, None, ("s",)), **ALL
    )
    pair = found.pairs[0]
    assert (pair.missing_a, pair.missing_b, pair.dropped, pair.found.n) == (0, 60, 60, 140)


def test_no_shared_sample_is_no_verdict(cell) -> None:
    cells = [cell("a", {"s": [1.0, 1.0]}, samples=[0, 1]), cell("b", {"s": [0.0]}, samples=[5])]
    found = compare(cells, Family(None, None, ("s",)), **ALL)
    assert found.pairs[0].verdict is Verdict.NO_DATA
    assert "no sample has a score in both" in found.sentences[0]


def test_turned_round_the_cells_give_the_same_numbers_negated(cell) -> None:
    generator = np.random.default_rng(3)
    one, other = (cell(name, {"s": generator.random(90)}, repeats=3) for name in "ab")
    forth = compare([one, other], Family(None, None, ("s",)), **ALL).pairs[0].found
    back = compare([other, one], Family(None, None, ("s",)), **ALL).pairs[0].found
    assert forth.diff == pytest.approx(-back.diff)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert forth.p == pytest.approx(back.p, abs=0.02)


def test_the_same_run_gives_the_same_numbers_to_the_last_digit(cell) -> None:
    def made() -> str:
        generator = np.random.default_rng(1)
        cells = [cell(name, {"s": generator.random(300)}, repeats=3) for name in "abc"]
        return json.dumps(compare(cells, Family(None, None, ("s",)), **ALL).to_json())

    assert made() == made()


def test_non_inferiority_needs_the_lower_bound_not_a_missing_difference(cell) -> None:
    few = compare(
        [cell("old", {"s": ones(0.5, 20)}), cell("new", {"s": [0.0, *ones(0.5, 19)]})],
        Family(None, None, ("s",)),
        **ALL,
    ).pairs[0]
    assert few.verdict is Verdict.NOT_DISTINGUISHABLE
    assert not few.no_worse_than(0.05)
    many = [1.0, 0.0] * 400
    same = compare([cell("old", {"s": many}), cell("new", {"s": many})], Family(None, None, ("s",)), **ALL)
    assert same.pairs[0].no_worse_than(0.05)


def test_two_cells_of_one_name_are_refused(cell) -> None:
    with pytest.raises(ValueError, match="two cells"):
        compare([cell("a", {"s": [1.0]})] * 2, Family(None, None, ("s",)), **ALL)


def test_analysis_imports_nothing_heavy() -> None:
    code = (
        "import sys, promptlab.analysis as a; a.compare, a.Comparison;"
        "import promptlab.analysis.verdict, promptlab.analysis.headline;"
        "print([m for m in ('scipy', 'pandas', 'litellm', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
