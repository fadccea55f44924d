"""Reflexion told by the target: one bit leaves the sample, and every row says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, build, names, text_task

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import AnswerType
from promptlab.datasets.sample import Question
from promptlab.models.transports.scripted import Expect
from promptlab.techniques import Answer, Technique, TrialContext

SECRET = [
    {"id": "a", "q": "what?", "answer": "1", "split": "train"},
    {"id": "t", "q": "which?", "answer": "4711", "split": "test"},
]


def test_attempts_end_with_the_right_one_and_no_prompt_holds_the_target(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("reflexion_oracle"), rows=SECRET).solve(
        [
            Expect("9", name="answer", lacks="4711"),
            Expect("FIRST", name="reflect", contains="A wrong answer: 9", lacks="4711"),
            Expect("The answer is 4711.", name="answer", contains="FIRST", lacks="4711"),
        ]
    )
    assert answer.reply.text == "The answer is 4711."
    assert [each["verdict"] for each in context.trace.notes["attempts"]] == ["wrong", "right"]
    assert {request.sampling["temperature"] for request in door.requests} == {0}


def test_a_right_first_attempt_costs_one_call_and_a_wrong_last_one_no_reflection(tmp_path: Path) -> None:
    bench = Bench(tmp_path, build("reflexion_oracle", attempts=2))
    assert names(bench.solve(["8"])[1]) == ["answer"]
    assert names(bench.solve(["", "why", "9"])[1]) == ["answer", "reflect", "answer"]
    planned = bench.cell.technique.planned_calls(bench.cell.task)
    assert (planned.low, planned.high) == (1, 3)


def test_whatever_holds_an_oracle_is_one(tmp_path: Path) -> None:
    votes = build("self_consistency", inner={"technique": "reflexion_oracle", "attempts": 1}, samples=2)
    assert votes.uses_target()
    assert not build("reflexion").uses_target()
    assert Bench(tmp_path, votes).solve(["8", "8"])[0].value == "8"


class Curious(Technique):
    """Would like to know."""

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        reply = await ctx.ask(ctx.prompt(question))
        return reply if ctx.is_right(Answer(reply)) else Answer(reply)


def test_nobody_else_is_told_even_beside_an_oracle(tmp_path: Path) -> None:
    members = [Curious(), build("reflexion_oracle")]
    for technique in (Curious(), build("ensemble", members=members)):
        with pytest.raises(RuntimeError, match="oracle=True"):
            Bench(tmp_path, technique).solve(["8"])


def test_programs_are_right_by_their_tests_not_by_their_text(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="right by its tests"):
        Bench(tmp_path, build("reflexion_oracle"), text_task(answer=AnswerType.CODE)).cell.check()
