"""DSPy through our door: its calls counted and bounded, its best program kept, its answers graded as ours."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench import Workbench, rows

from promptlab.basics.errors import (
    BudgetReached,
    CallError,
    CallErrorKind,
    ExperimentError,
    SandboxFailure,
    Unparsed,
    UsageError,
)
from promptlab.models import Request
from promptlab.models.key import request_key
from promptlab.models.transports.scripted import conversation
from promptlab.optimizers.artifact import dspy_state
from promptlab.scoring import scorers
from promptlab.scoring.metric import Metric

pytest.importorskip("dspy")

MUST = (
    "labeled_few_shot",
    "bootstrap_few_shot",
    "bootstrap_few_shot_with_random_search",
    "mipro_v2",
    "gepa",
)
ALL = (*MUST, "copro", "simba", "infer_rules", "knn_few_shot")


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
    budget = 64 if optimizer == "knn_few_shot" else 24  # which takes several calls a row
    bench = Workbench(tmp_path, "dspy", optimizer=optimizer, budget_calls=budget, candidates=3, trials=3)
    told = bench.compile(follows)
    assert 5 <= len(told.requests) <= budget
    assert told.artifact.provenance["calls"]["x"] == len(told.requests)
    assert not [text for text in told.texts if "testword" in text]
    assert told.artifact.ending in ("finished", "budget")
    assert told.artifact.score_before == 0.25
    assert (told.artifact.score or 0.0) >= 0.25


@pytest.mark.parametrize("optimizer", ALL)
def test_three_train_rows_and_a_model_that_never_follows_are_a_clear_end(
    optimizer: str, tmp_path: Path
) -> None:
    settings = {"optimizer": optimizer, "budget_calls": 40, "candidates": 3, "trials": 3}
    told = Workbench(tmp_path, "dspy", rows(train=3, dev=2), **settings).compile(lambda request: "nonsense")
    assert 2 <= len(told.requests) <= 40
    assert told.artifact.score == 0.0
    assert told.artifact.program.instruction == "Reply with one word."
    assert told.artifact.ending in ("finished", "budget", "library")
    assert told.artifact.message or told.artifact.ending == "finished"


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


def test_knn_few_shot_shows_the_train_rows_nearest_to_each_question(tmp_path: Path) -> None:
    data = [
        *rows(train=0),
        *(
            {"id": f"t{n}", "word": f"{word}", "answer": f"{word}s", "split": "train"}
            for n, word in enumerate(["devword2", "kitten", "testword", "sparrow", "lantern"])
        ),
    ]

    def sees_near(request: Request) -> str:
        text = conversation(request.messages)
        word = text.rpartition("Plural of ")[2].partition("?")[0]
        right = word in ("devword2", "testword", "kitten", "sparrow", "lantern") or "words\n" in text
        return f"[[ ## answer ## ]]\n{word}{'s' if right else ''}\n\n[[ ## completed ## ]]"

    settings = {"optimizer": "knn_few_shot", "neighbours": 2, "labeled_demos": 2}
    bench = Workbench(tmp_path, "dspy", data, **settings)
    found = bench.compile(sees_near)
    assert found.artifact.score_before == 0.0
    assert found.artifact.score is not None
    assert found.artifact.score > 0
    assert [row["why"] for row in found.artifact.history] == ["the task's own prompt", "better than 0.000"]
    kept = found.artifact.dspy or {}
    assert [row["question"] for row in kept["neighbours"]["train"]][:2] == [
        "Plural of devword2?",
        "Plural of kitten?",
    ]
    sent, reply = bench.solve(sees_near)
    assert "Plural of testword?" in sent
    assert "Plural of kitten?" not in sent or "Plural of lantern?" not in sent
    assert reply == "testword0xs"

    with pytest.raises(UsageError, match="its demos are chosen at every question"):
        dspy_state(found.artifact)
    (path,) = found.folder.rglob("artifact.json")
    (tmp_path / "found.json").write_bytes(path.read_bytes())
    alone = Workbench(tmp_path, "optimized", data, **{"from": "found.json"})
    alone.compile([])
    assert alone.solve(sees_near)[0] == sent


PROGRAM = """[[ ## reasoning ## ]]
It is so.

[[ ## generated_code ## ]]
```python
{code}
```

[[ ## completed ## ]]"""
ANSWER = "[[ ## reasoning ## ]]\nIt is so.\n\n[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]"


def programs(code: str) -> Callable[[Request], str]:
    """A model that writes this program, and then repeats what it gave."""

    def reply(request: Request) -> str:
        text = conversation(request.messages)
        given = re.search(r"## code_output ## \]\]\n(.*)", text.rpartition("final_generated_code ## ]]")[2])
        if "`code_output`" in text.partition("[[ ## ")[0] or given:
            return ANSWER.format(answer=json.loads(given[1]) if given else "?")
        return PROGRAM.format(code=code)

    return reply


@pytest.mark.parametrize(
    "code",
    [
        "SUBMIT({'answer': 'testword' + '0' + 'xs'})",
        "SUBMIT(answer='testword0xs')",
        "word = 'testword0x'\nplural = word + 's'",
        "print('testword0xs')",
    ],
)
def test_program_of_thought_runs_its_program_in_our_sandbox(code: str, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot", program="program_of_thought")
    bench.compile(lambda request: "nonsense")
    asked: list[str] = []

    def watching(request: Request) -> str:
        asked.append(conversation(request.messages))
        return programs(code)(request)

    bench.solve(watching)
    assert len(asked) == 2
    assert "testword0xs" in asked[1].rpartition("code_output ## ]]")[2]


def test_a_program_that_wants_out_is_a_sandbox_failure_told_to_the_model(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot", program="program_of_thought")
    bench.compile(lambda request: "nonsense")
    asked: list[str] = []

    def reaching_out(request: Request) -> str:
        asked.append(conversation(request.messages))
        return PROGRAM.format(code="print(open('/etc/passwd').read())")

    with pytest.raises(SandboxFailure, match="the program failed"):
        bench.solve(reaching_out)
    assert len(asked) == 3  # it may mend it twice
    assert "root:" not in "".join(asked)
    assert bench.technique.may_run_code()


def test_react_uses_its_tool_and_answers(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "dspy", optimizer="labeled_few_shot", program="react")
    bench.compile(lambda request: "nonsense")
    asked: list[str] = []

    def acting(request: Request) -> str:
        text = conversation(request.messages)
        asked.append(text)
        if "next_tool_name" not in text.partition("[[ ## ")[2]:
            return ANSWER.format(answer="testword0xs")
        step = len(asked)
        tool, args = ("calculator", '{"expression": "6 * 7"}') if step == 1 else ("finish", "{}")
        return (
            f"[[ ## next_thought ## ]]\nLet me see.\n\n[[ ## next_tool_name ## ]]\n{tool}\n\n"
            f"[[ ## next_tool_args ## ]]\n{args}\n\n[[ ## completed ## ]]"
        )

    _, reply = bench.solve(acting)
    assert reply
    assert "42" in asked[1]
    assert len(asked) == 3


def test_latency_is_no_metric_for_dspy(tmp_path: Path) -> None:
    slow = Metric("fast", scorers.get("latency").model_validate({"max_s": 1}))
    with pytest.raises(ExperimentError, match="'fast' looks at its calls"):
        Workbench(tmp_path, "dspy", metric=slow).compile([])
