"""One judgement, call by call, against a scripted judge."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models import Completion, Model, Request
from promptlab.models.transports.scripted import Expect, ScriptedTransport
from promptlab.scoring.judging import Exhibit, Judge
from promptlab.scoring.judging.judgement import Asking, Judgement

MODEL = Model("scripted/judge", "judge", "scripted", "scripted")
SHOWN = Exhibit(question="What is 2 + 2?", answer="It is 4.", target="4", other="It is 5.")


def says(verdict: str, **more: Any) -> Any:
    """A reply that ends with the verdict in the form that was asked for."""

    def reply(request: Request) -> Completion:
        line = str(request.messages[-1].content).rpartition("\n")[2]
        return Completion(text=f"Because.\n{line.removesuffix('X')}{verdict}", **more)

    return reply


def says_expect(verdict: str) -> Expect:
    return Expect(says(verdict))


def judged(script: list[Any], shown: Exhibit = SHOWN, **settings: Any) -> Judgement:
    judge = Judge.model_validate({"model": "judge", **settings})
    with ScriptedTransport(script) as door:
        return asyncio.run(Asking(judge, MODEL, door, "quality").judgement(shown, "s1"))


def test_a_rubric_grade_lies_between_the_ends_of_its_scale() -> None:
    for grade, value in (("1", 0.0), ("4", 0.75), ("5", 1.0)):
        assert judged([Expect(says(grade), contains="It is 4.")], kind="rubric").value == value
    assert (
        judged([says_expect("fair")], kind="rubric", verdicts={"good": 1, "fair": 0.3, "bad": 0}).value == 0.3
    )


def test_a_reference_judge_sees_the_target() -> None:
    found = judged([Expect(says("CORRECT"), contains=["REFERENCE", "\n4\n"])], kind="reference")
    assert found.value == 1.0
    assert judged([Expect(says("incorrect"))], kind="reference").value == 0.0


@pytest.mark.parametrize("verdict", ["6", "0", "good", ""])
def test_a_verdict_outside_the_set_is_missing_and_never_0(verdict: str) -> None:
    found = judged([says_expect(verdict)], kind="rubric")
    assert (found.value, found.status, found.verdicts) == (None, "unscored", [None])


def test_a_cut_off_verdict_does_not_count() -> None:
    assert judged([Expect(says("1", finish_reason="length"))], kind="rubric", scale=[1, 10]).value is None


def test_an_error_is_missing_and_keeps_what_was_asked() -> None:
    failure = CallError(CallErrorKind.SERVER, "down.")
    found = judged([says_expect("5"), Expect(failure)], kind="rubric", repeats=3)
    assert (found.value, found.status, found.failure) == (None, "error", failure)
    assert [call.error for call in found.calls] == ["", "down."]


def test_draws_are_independent_calls_whose_readable_verdicts_are_averaged() -> None:
    script = [Expect(says(each), sampling={"temperature": 1}) for each in ("5", "seven", "4", "5")]
    with ScriptedTransport(script) as door:
        judge = Judge(kind="rubric", model="judge", repeats=4)
        found = asyncio.run(Asking(judge, MODEL, door, "quality").judgement(SHOWN, "s1"))
    assert found.value == pytest.approx((1 + 0.75 + 1) / 3)
    assert found.method == "draws"
    assert found.agreement == pytest.approx(1 / 3)
    assert [request.draw.ordinal for request in door.requests] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("straight", "crossed", "value", "flips"),
    [
        ("A", "B", 1.0, 0),  # A in both orders: it is B when it stands second
        ("B", "A", 0.0, 0),
        ("TIE", "TIE", 0.5, 0),
        ("A", "A", 0.5, 1),  # the first one, whichever it is
        ("B", "B", 0.5, 1),
        ("A", "TIE", 0.5, 1),
    ],
)
def test_a_preference_that_changes_with_the_order_is_a_tie(
    straight: str, crossed: str, value: float, flips: int
) -> None:
    script = [
        Expect(says(straight), matches=r"(?s)It is 4\..*It is 5\.", name="quality, A first"),
        Expect(says(crossed), matches=r"(?s)It is 5\..*It is 4\.", name="quality, B first"),
    ]
    found = judged(script, kind="pairwise")
    assert (found.value, found.orders, found.flips) == (value, 1, flips)


def test_half_a_pair_of_orders_is_no_verdict() -> None:
    found = judged([says_expect("A"), says_expect("both")], kind="pairwise")
    assert (found.value, found.status, found.orders) == (None, "unscored", 0)


def test_equal_answers_are_a_tie_that_asks_nobody() -> None:
    found = judged([], Exhibit("q", "same ", other="same"), kind="pairwise")
    assert (found.value, found.method, found.calls) == (0.5, "equal", [])


def with_probabilities(top: dict[str, float]) -> Any:
    def reply(request: Request) -> Completion:
        line = str(request.messages[-1].content).rpartition("\n")[2].removesuffix("X")
        tops = [{"token": each, "logprob": math.log(p)} for each, p in top.items()]
        best = max(top, key=lambda each: top[each])
        tokens = [{"token": line}, {"token": best, "top_logprobs": tops}]
        return Completion(text=line + best, logprobs={"content": tokens})

    return reply


def test_g_eval_weighs_grades_in_one_call_where_probabilities_are_told() -> None:
    script = [
        Expect(
            with_probabilities({"4": 0.5, "2": 0.5}),
            contains="Evaluation steps:\n1. ",
            sampling={"logprobs": True, "top_logprobs": 20},
        )
    ]
    found = judged(script, kind="g_eval")
    assert (found.method, found.value) == ("logprobs", pytest.approx(0.5))


def test_g_eval_takes_the_mean_of_draws_where_they_are_not() -> None:
    found = judged([says_expect(each) for each in "12345"], kind="g_eval")
    assert (found.method, found.value) == ("draws", pytest.approx(0.5))
    assert judged([says_expect("3")] * 2, kind="g_eval", repeats=2, steps=["Look."]).value == 0.5


def test_what_the_models_entry_says_is_stronger_than_the_judges_default() -> None:
    model = Model("scripted/judge", "judge", "scripted", "scripted", sampling={"temperature": 0.3})
    judge = Judge(kind="rubric", model="judge")
    with ScriptedTransport([Expect(says("3"), sampling={"temperature": 0.3})]) as door:
        asyncio.run(Asking(judge, model, door, "quality").judgement(SHOWN, "s1"))
    assert door.requests[0].defaults == frozenset()
