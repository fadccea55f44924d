"""Conversations that last: over a restart, in two tabs, beside a damaged one, and never with a key."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parts import candidate, on, rows, scripted

from promptlab.basics.errors import StorageError, UsageError
from promptlab.datasets import Question
from promptlab.models.keys import hold
from promptlab.playground import Chat, Chats, Prompt
from promptlab.playground.chat_file import ChatFile, folder_of

PROMPT = Prompt("What is {{ q }}?", system="Be brief.", instruction="One word.")
RULES = [
    {"regex": r"user: say (\w+)$", "reply": "You said {{ match[1] }}."},
    {"contains": "Therefore", "reply": "Four"},
    {"default": "4"},
]


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def restarted(chat: Chat) -> Chat:
    """The same conversation as a server sees it that knows nothing but its file."""
    again = Chat(chat.home, chat.id, ChatFile(folder_of(chat.home) / f"{chat.id}.jsonl"))
    again.refresh()
    return again


def ask(chat: Chat, *who: Any, prompt: Prompt = PROMPT, wait: bool = True, **values: str) -> None:
    chat.ask(
        who, [prompt] * len(who), Question("typed by hand", values), editor={"prompt-text": prompt.prompt}
    )
    if wait:
        chat.wait()


def texts(chat: Chat) -> list[list[str]]:
    return [[each.answer.text for each in column.talk.path()] for column in chat.columns]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_restart_loses_no_turn_no_branch_and_no_message(home: Path, tmp_path: Path) -> None:
    choice = scripted(tmp_path, RULES)
    chat = Chats(home).begin()
    ask(chat, candidate(choice), candidate(choice, "zero_shot_cot"), q="2 + 2")
    first, _ = chat.columns
    for said in ("say red", "say blue"):
        chat.follow(first, said)
        chat.wait()
    red, blue = first.talk.path()[1:]
    chat.edit(first, blue, "say green")
    chat.again(first, red)
    chat.wait()
    chat.turn_to(first, red)
    again = restarted(chat)
    assert again.title == "What is 2 + 2?"
    assert again.editor == {"prompt-text": PROMPT.prompt}
    assert texts(again) == texts(chat) == [["4", "You said red.", "You said green."], ["Four"]]
    for old, new in zip(chat.columns, again.columns, strict=True):
        assert old.name == new.name
        for one, other in zip(old.talk.exchanges, new.talk.exchanges, strict=True):
            assert (one.said, one.draw, one.parent) == (other.said, other.draw, other.parent)
            assert one.answer.calls == other.answer.calls
            assert one.answer.facts() == other.answer.facts()
    column = again.columns[0]
    assert [each.draw for each in column.talk.branches(column.talk.path()[1])] == [0, 1]
    again.again(column, column.talk.path()[0])
    again.follow(again.columns[1], "say black")
    again.wait()
    assert texts(again) == [["4"], ["Four", "You said black."]]
    assert column.talk.path()[0].draw == 1
    assert again.columns[1].talk.path()[1].answer.asked[-2].content == "Four"


def test_a_row_of_a_data_set_is_asked_again_with_its_demos(home: Path, tmp_path: Path) -> None:
    choice, source = scripted(tmp_path, RULES), rows(tmp_path)
    chat = Chats(home).begin()
    with source.open(home) as dataset:
        who = candidate(choice, "few_shot", demos={"count": 2})
        question = dataset.sample("dev", 0).question()
        chat.ask([who], [PROMPT], question, source=source, dataset=dataset)
        chat.wait()
    again = restarted(chat)
    (column,) = again.columns
    sent = column.talk.path()[0].answer.asked
    again.again(column, column.talk.path()[0])
    again.wait()
    assert len(sent) == 6
    assert column.talk.path()[0].answer.asked == sent


def test_two_tabs_add_to_the_same_conversation_and_lose_nothing(home: Path, tmp_path: Path) -> None:
    one = Chats(home).begin()
    assert Chats(home).open(one.id) is one, "the tabs of a server share it"
    ask(one, candidate(scripted(tmp_path, RULES)), q="2 + 2")
    other = restarted(one)
    for chat, said in ((one, "say red"), (other, "say blue")):
        chat.follow(chat.columns[0], said)
        chat.wait()
    one.refresh()
    other.refresh()
    for chat in (one, other, restarted(one)):
        answers = [each.answer.text for each in chat.columns[0].talk.exchanges]
        assert answers == ["4", "You said red.", "You said blue."]
        assert texts(chat) == [["4", "You said blue."]]


def test_an_answer_goes_on_without_its_tab_and_is_there(home: Path, fake_provider: Any) -> None:
    chat = Chats(home).begin()
    ask(chat, candidate(on(fake_provider)), prompt=Prompt("[[trickle:20]] tell me more"), wait=False)
    id = chat.id
    del chat
    found = Chats(home).open(id)
    found.wait()
    assert restarted(found).columns[0].talk.path()[0].answer.state == "done"
    assert texts(restarted(found)) == texts(found)


CHILD = """
    import sys
    from pathlib import Path
    from promptlab.datasets import Question
    from promptlab.playground import Candidate, Chats, ModelChoice, Prompt, build_technique
    choice = ModelChoice("fake", {"id": "openai_like/fake", "api_base": sys.argv[2]})
    chat = Chats(Path(sys.argv[1])).begin()
    who = Candidate(choice.model(), build_technique("zero_shot"), choice)
    chat.ask([who], [Prompt("[[trickle:150]] " + "word " * 40)], Question("typed by hand", {}))
    print(chat.id, flush=True)
    sys.stdin.read()
"""


def test_what_another_process_answers_is_read_along_and_interrupted_once_it_is_killed(
    home: Path, fake_provider: Any
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(home), fake_provider.openai],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    try:
        assert child.stdout is not None
        chat = Chats(home).open(child.stdout.readline().strip())
        answer = chat.columns[0].talk.path()[0].answer

        def has_come() -> bool:
            chat.refresh()
            return bool(answer.text)

        until(has_come)
        assert (answer.state, answer.can_stop) == ("answering", False)
    finally:
        child.kill()
        child.communicate()
    chat.refresh()
    (exchange,) = chat.columns[0].talk.path()
    assert exchange.answer.state == "interrupted"
    assert exchange.answer.text.startswith(answer.text)
    chat.follow(chat.columns[0], "and then?")
    chat.wait()
    assert chat.columns[0].talk.path()[1].answer.asked[-2].content == exchange.answer.text


def test_a_damaged_conversation_is_one_line_and_takes_no_other_with_it(home: Path, tmp_path: Path) -> None:
    chat = Chats(home).begin()
    ask(chat, candidate(scripted(tmp_path, RULES)), q="2 + 2")
    (folder_of(home) / "20260101-000000-abcdef.jsonl").write_bytes(b"\x00\xff nothing\n")
    good, bad = Chats(home).all()
    assert good.title == "What is 2 + 2?"
    assert "damaged" in bad.damaged
    assert "\n" not in bad.damaged
    with pytest.raises(StorageError, match="other conversations are not touched"):
        Chats(home).open(bad.id)
    Chats(home).delete(bad.id)
    assert [each.id for each in Chats(home).all()] == [chat.id]


def test_a_line_that_was_cut_short_takes_none_with_it(home: Path, tmp_path: Path) -> None:
    chat = Chats(home).begin()
    ask(chat, candidate(scripted(tmp_path, RULES)), q="2 + 2")
    path = folder_of(home) / f"{chat.id}.jsonl"
    with path.open("ab") as stream:
        stream.write(b'{"kind":"exch')
    chat.follow(chat.columns[0], "say red")
    chat.wait()
    again = restarted(chat)
    assert texts(again) == [["4", "You said red."]]
    assert again.damaged == 1


def test_no_key_is_ever_in_it(home: Path, fake_provider: Any) -> None:
    hold("SOME_KEY", "sk-held-in-memory")
    try:
        fake_provider.control(answers=[{"contains": "key", "reply": "You gave me sk-held-in-memory"}])
        choice = on(fake_provider)
        who = candidate(type(choice)(choice.label, {**choice.entry, "headers": {"X-Login": "geheim-123"}}))
        chat = Chats(home).begin()
        ask(chat, who, prompt=Prompt("Is sk-held-in-memory my key?"))
        assert texts(chat) == [["You gave me sk-held-in-memory"]]
        assert texts(restarted(chat)) == [["You gave me ***"]]
    finally:
        hold("SOME_KEY", "")
    kept = (folder_of(home) / f"{chat.id}.jsonl").read_bytes()
    assert b"sk-held-in-memory" not in kept
    assert b"geheim-123" not in kept
    assert kept.count(b"***") >= 3


def test_conversations_are_found_by_their_words_renamed_and_deleted(home: Path, tmp_path: Path) -> None:
    who = candidate(scripted(tmp_path, RULES))
    sums, red = Chats(home).begin(), Chats(home).begin()
    ask(sums, who, q="2 + 2")
    ask(red, who, prompt=Prompt("say {{ x }}"), x="red")
    assert [each.id for each in Chats(home).all()] == [red.id, sums.id]
    assert [(each.id, each.models, each.turns) for each in Chats(home).all("YOU said")] == [
        (red.id, ("script",), 1)
    ]
    Chats(home).rename(sums.id, "  Sums \n and more ")
    assert [each.title for each in Chats(home).all("and more")] == ["Sums and more"]
    assert sums.title == "Sums and more"
    with pytest.raises(UsageError, match="title"):
        Chats(home).rename(sums.id, " ")
    Chats(home).delete(red.id)
    assert [each.id for each in Chats(home).all()] == [sums.id]
    with pytest.raises(UsageError, match="was deleted"):
        red.follow(red.columns[0], "say blue")


@pytest.mark.parametrize(
    "id", ["../../secret", "", "20260101-000000-abcdef", "a" * 5000, "20260101-000000-abcdef\n"]
)
def test_an_address_that_names_none_is_told(home: Path, id: str) -> None:
    with pytest.raises(UsageError, match="no conversation") as told:
        Chats(home).open(id)
    assert len(str(told.value)) < 200


def test_what_was_refused_is_kept_as_it_was_said(home: Path) -> None:
    chat = Chats(home).begin()
    ask(chat, ("m × few_shot", UsageError("few_shot: demos: no.")))
    (column,) = restarted(chat).columns
    assert column.talk.path()[0].answer.error == "few_shot: demos: no."
