"""What all optimizers share: the loop, the budget, split hygiene, failures, the artifact."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from workbench import TASK, Workbench, plural_model, rows

from promptlab.basics.errors import BudgetReached, CallError, CallErrorKind, ExperimentError
from promptlab.models import Request
from promptlab.models.key import request_key
from promptlab.optimizers import clean_splits, read_artifact

OURS = ("random_search", "ape", "opro", "prompt_wizard", "reprompt")


def never_right(request: Request) -> str:
    return "nonsense" if request.name == "answer" else f"Try this {request.draw.scope[-9:]}"


def always_right(request: Request) -> str:
    text = str(request.messages[-1].content)
    return text.partition("Plural of ")[2].partition("?")[0] + "s"


@pytest.mark.parametrize("name", OURS)
def test_no_test_input_and_no_test_target_is_in_any_prompt(name: str, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name, budget_calls=80).compile(never_right)
    assert len(told.requests) > 8
    assert not [text for text in told.texts if "testword" in text]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("budget", [1, 7, 40])
def test_the_budget_is_a_hard_stop_and_a_normal_end(name: str, budget: int, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name, budget_calls=budget).compile(never_right)
    assert len(told.requests) <= budget
    assert told.artifact.provenance["calls"] == {"x": len(told.requests)}
    assert told.artifact.score == 0.0
    if budget < 10:
        assert told.artifact.ending == "budget"


@pytest.mark.parametrize("name", OURS)
def test_a_perfect_prompt_ends_the_search_before_it_costs_more(name: str, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name).compile(always_right)
    assert len(told.requests) == 4
    assert told.artifact.ending == "nothing to improve"
    assert told.artifact.program.instruction == ""


@pytest.mark.parametrize("name", OURS)
def test_a_model_that_never_follows_leaves_the_tasks_own_prompt(name: str, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name, budget_calls=60).compile(lambda request: "")
    assert told.artifact.program.instruction == ""
    assert told.artifact.score == 0.0
    assert told.artifact.ending in ("budget", "finished")


@pytest.mark.parametrize("name", OURS)
def test_three_train_rows_are_enough(name: str, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name, rows(train=3, dev=2), budget_calls=60).compile(plural_model)
    assert told.artifact.score_before == 0.0
    assert told.artifact.score is not None


@pytest.mark.parametrize("name", OURS)
def test_a_provider_that_fails_later_ends_it_with_the_best_so_far_and_the_reason(
    name: str, tmp_path: Path
) -> None:
    seen = Counter[str]()

    def failing(request: Request) -> str | Exception:
        seen["calls"] += 1
        if seen["calls"] > 9:
            return CallError(CallErrorKind.NO_QUOTA, "no quota is left.")
        return never_right(request)

    told = Workbench(tmp_path, name).compile(failing)
    assert (told.artifact.ending, told.artifact.message) == ("provider failed", "no quota is left.")
    assert told.artifact.score == 0.0


def test_a_provider_that_fails_at_once_leaves_no_artifact(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro")
    with pytest.raises(CallError, match="wrong key"):
        bench.compile(lambda request: CallError(CallErrorKind.AUTH, "wrong key."))
    assert not list(tmp_path.rglob("artifact.json"))


def test_the_experiments_own_budget_stops_the_run_and_not_only_the_search(tmp_path: Path) -> None:
    with pytest.raises(BudgetReached):
        Workbench(tmp_path, "opro").compile(lambda request: BudgetReached("budget_usd is reached."))


def test_a_candidate_that_cannot_be_sent_is_rejected_and_the_search_goes_on(tmp_path: Path) -> None:
    def short_window(request: Request) -> str | Exception:
        if request.name == "answer" and "ADD S" in str(request.messages[-1].content):
            return CallError(CallErrorKind.CONTEXT_OVERFLOW, "the prompt is too long.")
        return plural_model(request)

    told = Workbench(tmp_path, "opro", budget_calls=60, steps=1).compile(short_window)
    assert told.artifact.ending == "finished"
    assert {row["why"] for row in told.artifact.history[1:]} == {
        "it could not be sent: the prompt is too long."
    }


@pytest.mark.parametrize("name", OURS)
def test_the_same_seed_asks_the_same_and_finds_the_same(name: str, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, name, budget_calls=50)
    first = bench.compile(never_right, home="one")
    second = bench.compile(never_right, home="two")
    assert [request_key(each).text for each in first.requests] == [
        request_key(each).text for each in second.requests
    ]
    (one,), (two,) = first.folder.rglob("artifact.json"), second.folder.rglob("artifact.json")
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", OURS)
def test_no_two_calls_of_a_search_share_a_key(name: str, tmp_path: Path) -> None:
    told = Workbench(tmp_path, name, budget_calls=60).compile(never_right)
    keys = [request_key(each).text for each in told.requests]
    assert len(set(keys)) == len(keys)


def test_other_settings_seed_or_rows_are_another_optimization(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    benches = [
        Workbench(tmp_path, "opro"),
        Workbench(tmp_path, "opro", search_seed=1),
        Workbench(tmp_path, "opro", steps=3),
        Workbench(tmp_path, "ape"),
    ]
    hashes = [bench.technique.artifact_hash(bench.cell) for bench in benches]  # type: ignore[attr-defined]
    assert len(set(hashes)) == len(hashes)


def test_a_prompt_that_was_found_is_not_looked_for_again(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", budget_calls=60)
    found = bench.compile(plural_model).artifact
    again = bench.compile([])
    assert again.artifact.to_json() == found.to_json()


def test_rows_that_stand_in_two_splits_are_taken_out_and_that_is_said(tmp_path: Path) -> None:
    data: list[dict[str, Any]] = [
        *rows(),
        {"id": "twin1", "word": "TESTWORD0X ", "answer": "stolen", "split": "train"},
        {"id": "twin2", "word": "devword1x", "answer": "stolen", "split": "train"},
        {"id": "twin3", "word": "testword2x", "answer": "stolen", "split": "dev"},
    ]
    bench = Workbench(tmp_path, "random_search", data, budget_calls=60)
    splits = clean_splits(bench.dataset, TASK)
    assert {each.id for each in (*splits.train, *splits.dev)}.isdisjoint({"twin1", "twin2", "twin3"})
    told = bench.compile(never_right)
    assert told.messages[:2] == [
        "cell: 1 dev row asks what a test row asks, left out of optimization",
        "cell: 2 train rows ask what a test or dev row asks, left out of optimization",
    ]
    assert not [text for text in told.texts if "stolen" in text]
    assert told.artifact.provenance["data"]["notices"]


def test_no_dev_rows_is_an_error_before_the_first_call(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="needs at least 1 dev rows with a target"):
        Workbench(tmp_path, "ape", rows(dev=0)).compile([])


def test_patience_ends_a_search_that_does_not_get_better(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "opro", budget_calls=400, patience=2, proposals=2).compile(never_right)
    assert (told.artifact.ending, told.artifact.message) == (
        "no improvement",
        "no better prompt in 2 rounds",
    )
    assert max(row["step"] for row in told.artifact.history) == 2


def test_the_artifact_tells_the_search_and_every_call_lies_beside_it(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "opro", budget_calls=60).compile(plural_model)
    (path,) = told.folder.rglob("artifact.json")
    assert read_artifact(path).to_json() == told.artifact.to_json()
    kept = json.loads(path.read_text())
    assert kept["dev"]["label"] == "selected, optimistic"
    assert [point["score"] for point in kept["dev"]["curve"]] == [0.0, 1.0]
    assert kept["history"][-1]["accepted"]
    assert kept["history"][-1]["why"] == "better than 0.000"
    assert kept["provenance"]["cost_usd"] == pytest.approx(0.001 * len(told.requests))
    calls = [json.loads(line) for line in (path.parent / "calls.jsonl").read_text().splitlines()]
    assert len(calls) == len(told.requests)
    assert {call["name"] for call in calls} == {"answer", "propose"}


def test_the_trial_asks_what_was_found(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", budget_calls=60)
    bench.compile(plural_model)
    sent, reply = bench.solve(plural_model)
    assert sent.startswith("user: ADD S")
    assert sent.endswith("\n\nPlural of testword0x?\n\nReply with one word.")
    assert reply == "testword0xs"


def test_an_artifact_runs_by_itself_on_another_model(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "random_search", budget_calls=60).compile(plural_model)
    (path,) = told.folder.rglob("artifact.json")
    (tmp_path / "found.json").write_bytes(path.read_bytes())
    bench = Workbench(tmp_path, "optimized", **{"from": "found.json"})
    bench.compile([])
    sent, reply = bench.solve(plural_model)
    assert "ADD S" in sent
    assert reply == "testword0xs"


def test_a_program_that_dspy_saved_can_be_asked(tmp_path: Path) -> None:
    state = {
        "predict": {
            "demos": [
                {"augmented": True, "question": "ox", "reasoning": "It is irregular.", "answer": "oxen"}
            ],
            "signature": {"instructions": "ADD S to it.", "fields": []},
            "lm": None,
        }
    }
    (tmp_path / "dspy.json").write_text(json.dumps(state))
    bench = Workbench(tmp_path, "optimized", **{"from": "dspy.json"})
    bench.compile([])
    sent, _ = bench.solve(plural_model)
    assert "user: ox\n\nassistant: It is irregular. The answer is oxen." in sent
    assert "ADD S to it." in sent


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"artifact": 9}', '{"artifact": 1, "program": {}}'])
def test_a_file_that_is_no_artifact_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^x\.json is n") as caught:
        read_artifact(path)
    assert "\n" not in str(caught.value)
