"""Whatever the experiment's scorer is, it becomes the metric: judges, programs' tests, the user's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from workbench import Workbench, rows

from promptlab.basics.errors import CallError, CallErrorKind, ExperimentError, UsageError
from promptlab.datasets import AnswerType, PromptMessage, Task
from promptlab.models import Model, Request
from promptlab.models.transports.scripted import conversation
from promptlab.scoring import scorers
from promptlab.scoring.metric import Metric

JUDGE = Model("scripted/judge", "judge", "scripted", "scripted")
QUESTION = "Plural of {{ word }}?"


def judged(model: Model = JUDGE, **settings: Any) -> Metric:
    judge = scorers.get("judge").model_validate({"kind": "rubric", "model": "judge", **settings})
    return Metric("quality", judge, model, QUESTION)


def liked_if_it_ends_in_s(request: Request) -> str | Exception:
    """The judge gives 5 to what ends in s, else 1; the model adds the s where it is told to."""
    text = conversation(request.messages)
    if request.name == "quality":
        line = str(request.messages[-1].content).rpartition("\n")[2]
        grade = 5 if "xs\n" in text else 1
        return f"Because.\n{line.removesuffix('X')}{grade}"
    if request.name == "answer":
        word = text.rpartition("Plural of ")[2].partition("?")[0]
        return f"{word}s" if "ADD S" in text else word
    return "<START>ADD S<END>"


def test_a_judge_is_a_metric_and_its_calls_count_against_the_budget_of_its_model(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", metric=judged(), budget_calls=40, proposals=1)
    told = bench.compile(liked_if_it_ends_in_s)
    assert (told.artifact.score_before, told.artifact.score) == (0.0, 1.0)
    assert told.artifact.program.instruction == "ADD S"
    sent = Counter(request.model.name for request in told.requests)
    assert told.artifact.provenance["calls"] == dict(sent) == {"x": 9, "judge": 8}
    assert told.artifact.provenance["metric"]["model"] == JUDGE.identity()
    assert all("testword" not in text for text in told.texts)


def test_equal_answers_to_a_row_are_judged_once(tmp_path: Path) -> None:
    def stubborn(request: Request) -> str | Exception:
        return "x" if request.name == "answer" else liked_if_it_ends_in_s(request)

    bench = Workbench(tmp_path, "random_search", metric=judged(), budget_calls=40)
    told = bench.compile(stubborn)
    assert len(told.artifact.history) > 3
    assert len(told.named("quality")) == 4


@pytest.mark.parametrize("budget", [1, 9, 24])
def test_a_judge_that_is_the_cells_own_model_shares_its_budget(budget: int, tmp_path: Path) -> None:
    own = Workbench(tmp_path, "opro").cell.model
    bench = Workbench(tmp_path, "opro", metric=judged(own), budget_calls=budget)
    told = bench.compile(liked_if_it_ends_in_s)
    assert len(told.requests) <= budget
    assert told.artifact.provenance["calls"].get("x", 0) == len(told.requests)


def test_a_verdict_that_cannot_be_read_makes_no_prompt_win(tmp_path: Path) -> None:
    def mute_judge(request: Request) -> str | Exception:
        return "I cannot say." if request.name == "quality" else liked_if_it_ends_in_s(request)

    told = Workbench(tmp_path, "opro", metric=judged(), budget_calls=40).compile(mute_judge)
    assert told.artifact.program.instruction == ""
    assert told.artifact.score == 0.0


def test_a_judge_that_fails_ends_the_search_with_the_best_prompt_so_far(tmp_path: Path) -> None:
    seen = Counter[str]()

    def failing_judge(request: Request) -> str | Exception:
        seen[request.name] += 1
        if seen["quality"] > 4:
            return CallError(CallErrorKind.NO_QUOTA, "no quota is left.")
        return liked_if_it_ends_in_s(request)

    told = Workbench(tmp_path, "opro", metric=judged()).compile(failing_judge)
    assert (told.artifact.ending, told.artifact.message) == ("provider failed", "no quota is left.")
    assert told.artifact.score == 0.0


def test_a_judge_that_compares_with_another_variant_is_refused_before_the_first_call(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", metric=judged(kind="pairwise", against="x"))
    with pytest.raises(ExperimentError, match="compares with another variant's answers"):
        bench.compile([])


def test_programs_are_run_against_their_tests_for_the_metric(tmp_path: Path) -> None:
    data = [
        {"id": f"{row['id']}", "word": row["word"], "split": row["split"], "answer": "assert f(2) == 4"}
        for row in rows()
    ]
    task = Task((PromptMessage("user", "Write f, see {{ word }}."),), AnswerType.CODE)
    metric = Metric("tests", scorers.get("code_tests")())

    def codes(request: Request) -> str:
        if request.name != "answer":
            return "<START>DOUBLE<END>"
        doubled = "DOUBLE" in conversation(request.messages)
        return f"```python\ndef f(n):\n    return {'2 * n' if doubled else 'open(n)'}\n```"

    told = Workbench(tmp_path, "opro", data, task, metric, budget_calls=40).compile(codes)
    assert (told.artifact.score_before, told.artifact.score) == (0.0, 1.0)
    assert told.artifact.program.instruction == "DOUBLE"


def test_a_scorer_of_the_users_own_that_fails_is_named_with_its_sample(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def broken(answer, target):\n    raise ValueError('oh')\n")
    own = scorers.get("mine.py:broken", folder=tmp_path)()
    bench = Workbench(tmp_path, "opro", metric=Metric("mine", own))
    with pytest.raises(UsageError, match="the scorer 'mine' failed on sample 'dev0': ValueError: oh"):
        bench.compile(liked_if_it_ends_in_s)


def test_an_optimizer_may_name_another_scorer_than_the_headline(tmp_path: Path) -> None:
    bench = Workbench(tmp_path, "opro", metric=judged(), budget_calls=40)
    length = Metric("brief", scorers.get("length").model_validate({"max": 1}))
    bench.cell.metrics = {**bench.cell.metrics, "brief": length}
    bench.technique = bench.cell.technique = bench.technique.model_copy(update={"metric": "brief"})
    told = bench.compile(liked_if_it_ends_in_s)
    assert told.artifact.ending == "nothing to improve"
    assert not told.named("quality")
    bench.technique = bench.cell.technique = bench.technique.model_copy(update={"metric": "breif"})
    with pytest.raises(ExperimentError, match="no such scorer") as caught:
        bench.cell.check()
    assert "brief" in caught.value.remedy


def test_a_judge_is_dspys_metric_too(tmp_path: Path) -> None:
    pytest.importorskip("dspy")
    reflections: list[str] = []

    def follows(request: Request) -> str | Exception:
        text = conversation(request.messages)
        if request.name == "quality":
            return liked_if_it_ends_in_s(request)
        if "new_instruction" in text:
            reflections.append(text)
            return '{"new_instruction": "ADD S"}'
        word = text.rpartition("Plural of ")[2].partition("?")[0]
        return f"[[ ## answer ## ]]\n{word}{'s' if 'ADD S' in text else ''}\n\n[[ ## completed ## ]]"

    bench = Workbench(tmp_path, "dspy", metric=judged(), optimizer="gepa", budget_calls=60)
    told = bench.compile(follows)
    assert (told.artifact.score_before, told.artifact.score) == (0.0, 1.0)
    assert 0 < told.artifact.provenance["calls"]["judge"] <= 60
    assert any("Scored 0.00 of 1. Because." in text for text in reflections)
