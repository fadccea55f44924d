"""Answers side by side: each with its own history, streamed, stopped, branched, and paid once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from parts import candidate, on, rows, scripted

import promptlab
from promptlab.basics.errors import UsageError
from promptlab.datasets import Question
from promptlab.playground import Answering, Asker, Conversation, Prompt, build_technique, typed_rows

PROMPT = Prompt("What is {{ q }}?", system="Be brief.")


def typed(**values: str) -> Question:
    return Question("typed", values)


def until(holds: Any) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ask(asker: Asker, who: Any, prompt: Prompt = PROMPT, *, draw: int = 0, **values: str) -> Answering:
    with typed_rows(values) as dataset:
        answer = asker.ask(who, prompt, typed(**values), dataset, draw=draw)
        answer.wait()
    return answer


def test_the_exact_messages_the_reply_and_what_it_took_are_there(asker: Asker, fake_provider: Any) -> None:
    fake_provider.control(answers=[{"contains": "2 + 2", "reply": "It is four."}])
    answer = ask(asker, candidate(on(fake_provider)), q="2 + 2")
    assert (answer.state, answer.text) == ("done", "It is four.")
    assert [(each.role, each.content) for each in answer.asked] == [
        ("system", "Be brief."),
        ("user", "What is 2 + 2?"),
    ]
    facts = answer.facts()
    assert facts.calls == 1
    assert facts.cached_calls == 0
    assert facts.completion_tokens
    assert facts.cost is None, "nobody knows a relay's price"
    again = ask(asker, candidate(on(fake_provider)), q="2 + 2")
    assert again.facts().cached_calls == 1
    assert fake_provider.requests == 1


def test_three_models_stream_at_once_and_one_is_stopped(asker: Asker, fake_provider: Any) -> None:
    slow = Prompt("[[trickle:40]] " + "tell me more " * 12)
    with typed_rows({}) as dataset:
        answers = [
            asker.ask(candidate(on(fake_provider, name)), slow, typed(), dataset) for name in ("a", "b", "c")
        ]
        until(lambda: all(each.text for each in answers))
        assert [each.state for each in answers] == ["answering"] * 3
        answers[1].stop()
        for each in answers:
            each.wait()
    assert [each.state for each in answers] == ["done", "stopped", "done"]
    assert 0 < len(answers[1].text) < len(answers[0].text), "what had come stays"


def test_an_answer_stopped_before_it_began_is_stopped(asker: Asker, fake_provider: Any) -> None:
    fake_provider.control(latency_ms=300)
    with typed_rows({}) as dataset:
        answer = asker.ask(candidate(on(fake_provider)), Prompt("Hi"), typed(), dataset)
        answer.stop()
        until(lambda: answer.ended)
    assert answer.state == "stopped"


def test_each_model_goes_on_from_its_own_history(asker: Asker, tmp_path: Path) -> None:
    polite = candidate(
        scripted(tmp_path, [{"contains": "again", "reply": "Gladly."}, {"default": "Yes."}], "a")
    )
    gruff = candidate(scripted(tmp_path, [{"contains": "again", "reply": "Why?"}, {"default": "No."}], "b"))
    for who, replies in ((polite, ["Yes.", "Gladly."]), (gruff, ["No.", "Why?"])):
        talk = Conversation()
        first = talk.say("", lambda draw, who=who: ask(asker, who, q="1", draw=draw))
        history = first.continued()
        then = talk.say(
            "again", lambda draw, who=who, history=history: asker.follow(who, history, "again"), parent=first
        )
        then.answer.wait()
        assert [each.answer.text for each in talk.path()] == replies
        assert [each.content for each in then.answer.asked] == [
            "Be brief.",
            "What is 1?",
            replies[0],
            "again",
        ]


def test_an_edited_turn_is_a_branch_and_the_old_one_stays(asker: Asker, tmp_path: Path) -> None:
    who = candidate(
        scripted(
            tmp_path, [{"regex": r"user: (\w+)$", "reply": "You said {{ match[1] }}."}, {"default": "."}]
        )
    )
    talk = Conversation()
    first = talk.say("", lambda draw: ask(asker, who, q="1", draw=draw))

    def say(text: str) -> Any:
        history = first.continued()
        said = talk.say(text, lambda draw: asker.follow(who, history, text, draw=draw), parent=first)
        said.answer.wait()
        return said

    red, blue = say("red"), say("blue")
    assert [each.answer.text for each in talk.path()] == [".", "You said blue."]
    assert talk.branches(blue) == [red, blue]
    talk.turn_to(red)
    assert talk.path()[-1] is red
    again = talk.again(red)
    assert (again.draw, again.parent, talk.path()[-1]) == (1, first.number, again)


def test_asked_again_it_is_another_draw(asker: Asker, fake_provider: Any) -> None:
    who, talk = candidate(on(fake_provider)), Conversation()
    first = talk.say("", lambda draw: ask(asker, who, q="2", draw=draw))
    assert talk.again(talk.again(first)).draw == 2
    assert fake_provider.requests == 3


def test_a_technique_answers_by_its_own_calls(asker: Asker, tmp_path: Path) -> None:
    choice = scripted(
        tmp_path, [{"contains": "Therefore", "reply": "4"}, {"default": "Two and two make four."}]
    )
    answer = ask(asker, candidate(choice, "zero_shot_cot"), q="2 + 2")
    assert answer.state == "done"
    assert len(answer.calls) == 2
    assert all(call.completion is not None for call in answer.calls)
    assert answer.facts().calls == 2


def test_demos_come_from_the_train_rows_of_the_data_set(asker: Asker, tmp_path: Path) -> None:
    who = candidate(
        scripted(tmp_path, [{"default": "9"}]), "few_shot", demos={"count": 2, "select": "random"}
    )
    with rows(tmp_path).open(tmp_path / "home") as dataset:
        answer = asker.ask(who, PROMPT, dataset.sample("dev", 0).question(), dataset)
        answer.wait()
        train = {f"What is {each.inputs['q']}?" for each in dataset.samples("train")}
    asked = [each.content for each in answer.asked if each.role == "user"]
    assert len(asked) == 3
    assert set(asked[:2]) <= train


def test_without_a_data_set_demos_are_refused_in_words(asker: Asker, tmp_path: Path) -> None:
    who = candidate(scripted(tmp_path, [{"default": "9"}]), "few_shot", demos=2)
    answer = ask(asker, who, q="1")
    assert answer.state == "failed"
    assert "train" in answer.error


def test_what_was_asked_by_hand_an_experiment_does_not_pay_again(
    asker: Asker, tmp_path: Path, fake_provider: Any
) -> None:
    source = rows(tmp_path)
    with source.open(tmp_path / "home") as dataset:
        for position in range(dataset.sizes["test"]):
            question = dataset.sample("test", position).question()
            asker.ask(candidate(on(fake_provider)), PROMPT, question, dataset).wait()
    paid = fake_provider.requests
    (tmp_path / "exp.yaml").write_text(
        "name: e\ndataset: {path: data.jsonl, target: a, id: id, split: {column: split}}\n"
        'task: {system: "Be brief.", prompt: "What is {{ q }}?"}\n'
        f"models: [{{id: openai_like/fake, api_base: '{fake_provider.openai}'}}]\n"
        "variants: [zero_shot]\n"
    )
    result = promptlab.load(tmp_path / "exp.yaml", home=tmp_path / "home").run()
    assert (result.status, result.sent_calls) == ("complete", 0)
    assert fake_provider.requests == paid


def test_a_failed_call_says_what_to_do(asker: Asker, fake_provider: Any) -> None:
    answer = ask(asker, candidate(on(fake_provider)), Prompt("[[401]]"))
    assert answer.state == "failed"
    assert "key" in answer.error.lower()


def test_a_missing_value_is_told(asker: Asker, fake_provider: Any) -> None:
    answer = ask(asker, candidate(on(fake_provider)))
    assert answer.state == "failed"
    assert "q" in answer.error
    assert fake_provider.requests == 0


@pytest.mark.parametrize(
    "settings", [{}, {"inner": {"technique": "mine.py:Mine"}}, {"inner": "mine.py:Mine"}]
)
def test_a_python_file_is_run_only_where_that_was_allowed(settings: dict[str, Any]) -> None:
    name = "self_consistency" if settings else "mine.py:Mine"
    with pytest.raises(UsageError, match="--allow-code"):
        build_technique(name, settings)
