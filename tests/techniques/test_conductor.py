"""Meta-prompting against a script: who sees what, how it ends, what happens without the format."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, build, names, texts

from promptlab.models.transports.scripted import Expect

FINAL = '>> FINAL ANSWER:\n"""\n8\n"""'


def test_experts_see_their_instructions_only_and_their_replies_go_back(tmp_path: Path) -> None:
    answer, context, door = Bench(tmp_path, build("conductor")).solve(
        [
            Expect('Let me ask.\nExpert Adder:\n"""\nADD SEVEN AND ONE\n"""', name="round 1"),
            Expect("EIGHT", name="expert"),
            Expect('Expert Checker:\n"""\nIS IT RIGHT\n"""', name="round 2", contains="EIGHT"),
            Expect("YES IT IS", name="expert", lacks=["EIGHT", "ADD SEVEN"]),
            Expect(FINAL, name="round 3", contains=["ADD SEVEN", "EIGHT", "YES IT IS"]),
        ]
    )
    assert answer.value == "8"
    assert names(context) == ["round 1", "expert", "round 2", "expert", "round 3"]
    assert texts(door, 1) == [("user", "You are Expert Adder.\n\nADD SEVEN AND ONE")]
    assert texts(door, 0)[0] == ("system", "You add.")
    assert texts(door, 0)[-1][1].startswith("What is 7 + 1?\n\n")
    assert texts(door, 0)[-1][1].endswith("Reply with the number only.")
    assert [role for role, _ in texts(door, 4)] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert texts(door, 2)[-1] == ("user", 'The Expert Adder says:\n"""\nEIGHT\n"""')
    assert context.trace.notes["rounds"][0] == {
        "expert": "Expert Adder",
        "told": "ADD SEVEN AND ONE",
        "replied": "EIGHT",
    }
    assert {request.sampling["temperature"] for request in door.requests} == {0}


def test_a_reply_without_expert_or_answer_costs_a_round_and_is_told_so(tmp_path: Path) -> None:
    answer, context, _ = Bench(tmp_path, build("conductor")).solve(
        ["I think it is 8.", Expect("FINAL ANSWER: 8", contains="calls no expert and states no answer")]
    )
    assert answer.value == "8"
    assert context.trace.notes["rounds"] == [{"said": "I think it is 8."}, {"answered": "8"}]


def test_a_reply_that_makes_up_the_experts_answer_is_read_no_further_than_the_call(tmp_path: Path) -> None:
    made_up = 'Expert Adder:\n"""\nadd\n"""\nThe Expert says 9.\n>> FINAL ANSWER:\n"""\n9\n"""'
    answer, context, _ = Bench(tmp_path, build("conductor")).solve([made_up, "eight", FINAL])
    assert (answer.value, names(context)) == ("8", ["round 1", "expert", "round 2"])


def test_the_last_round_is_announced_and_asks_no_expert_anymore(tmp_path: Path) -> None:
    call = 'Expert Adder:\n"""\nadd\n"""'
    technique = build("conductor", rounds=2)
    failure, context, _ = Bench(tmp_path, technique).fails(
        [call, "eight", Expect(call, contains="This is the last round")]
    )
    assert (failure.kind, names(context)) == ("unparsed", ["round 1", "expert", "round 2"])
    assert technique.planned_calls(Bench(tmp_path, technique).cell.task).high == 3


@pytest.mark.parametrize("reply", ["", "不知道", "x" * 100_000, 'Expert A:\n"""', '"""' * 30_000])
def test_a_conductor_without_the_format_ends_as_a_failure(tmp_path: Path, reply: str) -> None:
    calls_expert = reply.startswith("Expert")
    script = [reply, "reply", reply] if calls_expert else [reply, reply]
    assert Bench(tmp_path, build("conductor", rounds=2)).fails(script)[0].kind == "unparsed"


def test_a_final_answer_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    answer, _, _ = Bench(tmp_path, build("conductor")).solve(['FINAL ANSWER:\n"""\nnobody knows\n"""'])
    assert answer.value is None
