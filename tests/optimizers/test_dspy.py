"""DSPy through our door: its calls counted and bounded, its best program kept, its answers graded as ours."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
from workbench import Workbench, rows

from promptlab.basics.errors import BudgetReached, CallError, CallErrorKind, ExperimentError, Unparsed
from promptlab.models import Request
from promptlab.models.key import request_key
from promptlab.models.transports.scripted import conversation

pytest.importorskip("dspy")

MUST = (
    "labeled_few_shot",
    "bootstrap_few_shot",
    "bootstrap_few_shot_with_random_search",
    "mipro_v2",
    "gepa",
)
ALL = (*MUST, "copro", "simba", "infer_rules")


def follows(request: Request) -> str:
    """A model in DSPy's format: right where the word ends in 1x, or where the prompt says ADD S."""
    text = conversation(request.messages)
    if "new_instruction" in text:
        return '{"new_instruction": "ADD S"}'
    if "[[ ## answer ## ]]" not in text:
        names = dict.fromkeys(re.findall(r"\[\[ ## (\w+) ## \]\]", text))
        return "\n\n".join(f"[[ ## {name} ## ]]\nADD S" for name in names)
    word = text.rpartition("Plural of ")[2].partition("?")[0]
    reasoning = "[[ ## reasoning ## ]]\nIt is so.\n\n" if "## reasoning ##" in text else ""
    right = "ADD S" in text or word.endswith("1x")
    return f"{reasoning}[[ ## answer ## ]]\n{word}{'s' if right else ''}\n\n[[ ## completed ## ]]"


@pytest.mark.parametrize("optimizer", ALL)
def test_no_test_row_is_in_any_prompt_and_the_budget_holds(optimizer: str, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer=optimizer, budget_calls=24, candidates=3, trials=3)
    told = bench.compile(follows)
    assert 5 <= len(told.requests) <= 24
    assert told.artifact.provenance["calls"]["x"] == len(told.requests)
    assert not [text for text in told.texts if "testword" in text]
    assert told.artifact.ending in ("finished", "budget")
    assert told.artifact.score_before == 0.25
    assert (told.artifact.score or 0.0) >= 0.25


@pytest.mark.parametrize("optimizer", ["mipro_v2", "gepa", "copro", "infer_rules"])
def test_the_instruction_that_dspy_found_is_kept_and_asked(optimizer: str, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer=optimizer, budget_calls=150, candidates=3, trials=3)
    artifact = bench.compile(follows).artifact
    assert artifact.score == 1.0
    sent, reply = bench.solve(follows)
    assert "ADD S" in sent
    assert reply == "testword0xs"


@pytest.mark.parametrize("optimizer", ["mipro_v2", "bootstrap_few_shot_with_random_search"])
def test_the_same_seed_sends_the_same_calls(optimizer: str, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer=optimizer, budget_calls=40, candidates=3, trials=3)
    one, two = (bench.compile(follows, home=home) for home in ("one", "two"))
    first, second = ({request_key(each).text for each in told.requests} for told in (one, two))
    assert first == second
    assert one.artifact.to_json() == two.artifact.to_json()


def test_demos_of_train_are_shown_and_a_saved_program_runs_by_itself(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer="bootstrap_few_shot", program="chain_of_thought")

    def learns(request: Request) -> str:
        text = conversation(request.messages)
        shown = "trainword1xs" in text and "Plural of trainword" not in text.rpartition("Plural of ")[2]
        return follows(request).replace("x\n\n", "xs\n\n") if shown else follows(request)

    found = bench.compile(learns)
    assert found.artifact.program.demos
    (path,) = found.folder.rglob("artifact.json")
    (tmp_path / "found.json").write_bytes(path.read_bytes())
    alone = Workbench(tmp_path, "optimized", **{"from": "found.json"})
    alone.compile([])
    sent, reply = alone.solve(learns)
    assert "trainword1xs" in sent
    assert reply == "testword0xs"


def test_dspys_threads_never_run_on_the_loop(tmp_path: Path) -> None:
    seen: set[str] = set()
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot")

    def watching(request: Request) -> str:
        seen.add(threading.current_thread().name)
        return follows(request)

    bench.compile(watching)
    assert seen == {threading.main_thread().name}  # where the test's loop runs: the door is asked there only


def test_a_reply_that_dspy_cannot_read_is_no_answer_and_costs_no_second_call(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot")
    told = bench.compile(lambda request: "nonsense")
    assert told.artifact.score == 0.0
    assert len(told.requests) == 8  # 4 dev rows without demos, 4 with
    with pytest.raises(Unparsed, match="DSPy could not read the reply"):
        bench.solve(lambda request: "nonsense")


def test_a_program_that_is_right_everywhere_is_left_as_it_is(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "dspy", optimizer="mipro_v2").compile(
        lambda request: follows(request).replace("x\n\n", "xs\n\n")
    )
    assert told.artifact.ending == "nothing to improve"
    assert len(told.requests) == 4
    assert told.messages[0].startswith("cell: program 1: best dev score 1.000 on 4 rows, 4 of 300 calls")


def test_a_failing_provider_ends_it_with_the_reason(tmp_path: Path) -> None:
    calls: list[Request] = []

    def failing(request: Request) -> str | Exception:
        calls.append(request)
        return follows(request) if len(calls) < 9 else CallError(CallErrorKind.NO_QUOTA, "no quota is left.")

    told = Workbench(tmp_path, "dspy", optimizer="mipro_v2").compile(failing)
    assert (told.artifact.ending, told.artifact.message) == ("provider failed", "no quota is left.")
    assert told.artifact.score == 0.25


def test_a_provider_that_fails_at_once_is_an_error_and_the_runs_budget_ends_the_run(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy")
    with pytest.raises(CallError, match="wrong key"):
        bench.compile(lambda request: CallError(CallErrorKind.AUTH, "wrong key."))
    with pytest.raises(BudgetReached):
        bench.compile(lambda request: BudgetReached("budget_usd is reached."))


@pytest.mark.parametrize(
    ("settings", "train", "told"),
    [
        ({"program": "predcit"}, 6, "there is no such DSPy program"),
        ({"program": "mine.py:Mine"}, 6, "there is no file"),
        ({"optimizer": "mipro_v2"}, 1, "needs at least 2 train rows"),
    ],
)
def test_what_is_missing_is_said_before_the_first_call(
    settings: dict[str, str], train: int, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ExperimentError, match=told):
        Workbench(tmp_path, "dspy", rows(train=train), **settings).compile([])


def test_a_module_of_the_users_own_is_optimized_and_counts_by_its_content(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "import dspy\n"
        "class Mine(dspy.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.say = dspy.Predict('question -> answer')\n"
        "    def forward(self, question):\n"
        "        return self.say(question=question)\n"
    )
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot", program="mine.py:Mine")
    told = bench.compile(follows)
    assert told.artifact.score_before == 0.25
    before = bench.technique.identity()
    own.write_text(own.read_text() + "# changed\n")
    assert bench.technique.identity() != before


def test_the_kept_program_is_plain_json(tmp_path: Path) -> None:
    told = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot").compile(follows)
    (path,) = told.folder.rglob("artifact.json")
    kept = json.loads(path.read_text())["dspy"]
    assert kept["program"] == "predict"
    assert kept["state"]["signature"]["instructions"] == "Reply with one word."
