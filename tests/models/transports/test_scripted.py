"""The scripted model: strict in tests, a rule file in experiments."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.models.catalog import resolve
from promptlab.models.request import Completion, Draw, Message, Model, Request
from promptlab.models.transports import make_transport
from promptlab.models.transports.scripted import Expect, ScriptedTransport, UnexpectedCall

MODEL = Model(id="scripted/test", name="test", transport="scripted", endpoint="script:test")


def request(text: str, model: Model = MODEL, **fields: object) -> Request:
    return Request(model, (Message("user", text),), **fields)  # type: ignore[arg-type]


def ask(transport: ScriptedTransport, text: str, **fields: object) -> Completion:
    return asyncio.run(transport.send(request(text, **fields)))


def test_calls_come_in_their_order_and_are_recorded() -> None:
    sampling = {"temperature": 0.7, "stop": ["."]}
    with ScriptedTransport([Expect("4. Or so", contains="2 + 2", sampling=sampling), "fine"]) as script:
        assert ask(script, "2 + 2?", sampling=sampling, draw=Draw(ordinal=3)).text == "4"
        assert ask(script, "and you?").text == "fine"
    first = script.requests[0]
    assert (first.messages[0].content, first.sampling["temperature"]) == ("2 + 2?", 0.7)
    assert (first.sampling["stop"], first.draw.ordinal) == (["."], 3)


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        (Expect("x", contains="three"), "does not contain 'three'"),
        (Expect("x", lacks="two"), "contains 'two'"),
        (Expect("x", matches=r"^\d+$"), "does not match"),
        (Expect("x", sampling={"temperature": 0}), "temperature is None, not 0"),
        (Expect("x", name="reason"), "name is 'answer'"),
    ],
)
def test_an_unexpected_call_fails_and_says_why(expected: Expect, why: str) -> None:
    with pytest.raises(UnexpectedCall, match=why):
        ask(ScriptedTransport([expected]), "one two")


def test_one_call_too_many_fails() -> None:
    with ScriptedTransport(["a"]) as script:
        ask(script, "hi")
        with pytest.raises(UnexpectedCall, match="one too many"):
            ask(script, "hi")


def test_a_call_that_never_came_fails() -> None:
    with pytest.raises(UnexpectedCall, match="1 expected calls never came"), ScriptedTransport(["a"]):
        pass


def test_without_order_the_first_that_fits_answers() -> None:
    calls = [Expect("A", contains="a"), Expect("B", contains="b")]
    with ScriptedTransport(calls, ordered=False) as script:
        assert ask(script, "b").text == "B"
        assert ask(script, "a").text == "A"


def test_an_exception_is_raised_and_a_function_is_asked() -> None:
    fault = CallError(CallErrorKind.SERVER, "down")
    with ScriptedTransport([Expect(fault), Expect(lambda asked: asked.name.upper())]) as script:
        with pytest.raises(CallError, match="down"):
            ask(script, "hi")
        assert ask(script, "hi", name="reason").text == "REASON"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(
        """
- {contains: "plural of ox", reply: oxen}
- {regex: "plural of (?P<word>\\\\w+)", reply: "{{ word }}s"}
- {contains: coin, reply: [heads, tails]}
""",
        encoding="utf-8",
    )
    return path


def scripted(path: Path) -> Model:
    return resolve(f"scripted/{path.name}", settings={"folder": str(path.parent)})


def from_file(model: Model, text: str, **fields: object) -> str:
    async def run() -> str:
        return (await make_transport("scripted").send(request(text, model, **fields))).text

    return asyncio.run(run())


def test_rules_of_a_file_answer_in_their_order(rules: Path) -> None:
    model = scripted(rules)
    assert from_file(model, "The plural of ox?") == "oxen"
    assert from_file(model, "The plural of cat?") == "cats"


def test_several_replies_differ_by_draw_and_repeat_exactly(rules: Path) -> None:
    model = scripted(rules)
    draws = [from_file(model, "Toss a coin.", draw=Draw(ordinal=each)) for each in range(20)]
    assert set(draws) == {"heads", "tails"}
    assert draws == [from_file(model, "Toss a coin.", draw=Draw(ordinal=each)) for each in range(20)]


def test_what_no_rule_fits_is_a_bad_request(rules: Path) -> None:
    with pytest.raises(CallError, match="no rule of") as failed:
        from_file(scripted(rules), "What?")
    assert failed.value.kind is CallErrorKind.BAD_REQUEST


def test_a_default_answers_everything(rules: Path) -> None:
    rules.write_text("- default: 'You said: {{ prompt }}'\n")
    assert from_file(scripted(rules), "Hm.") == "You said: Hm."


def test_another_script_is_another_model(rules: Path) -> None:
    before = scripted(rules).endpoint
    rules.write_text("- default: x\n")
    assert scripted(rules).endpoint != before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "a list of rules"),
        ("- [", "no YAML"),
        ("- {contains: a}", "rule 1"),
        ("- {reply: a}", "rule 1 has none of contains"),
        ("- {contains: a, reply: '{{'}", "rule 1: template syntax"),
        ("- {regex: '(', reply: a}", "rule 1"),
        ("- {contains: a, reply: []}", "rule 1 has no reply"),
    ],
)
def test_a_bad_script_says_where(rules: Path, text: str, why: str) -> None:
    rules.write_text(text)
    with pytest.raises(UsageError, match=why):
        from_file(scripted(rules), "hi")
