"""`promptlab ask`: a question by hand, through the same door as everything else."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand

from promptlab.basics.loop import run_sync
from promptlab.datasets import Question
from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.playground import Asker, Candidate, ModelChoice, Prompt, build_technique, typed_rows
from promptlab.playground.reach import choice_of, first_choice

QUESTION = "What is {{ this }} {% and #} that?"


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    return RealCommand(
        tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"), PROMPTLAB_HOME=str(tmp_path / "home")
    )


def at(provider: Any) -> tuple[str, ...]:
    return ("--model", "openai_like/fake", "--api-base", provider.openai)


def test_the_reply_goes_into_the_pipe_and_what_it_took_beside_it(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(answers=[{"contains": "this", "reply": "It is\x1b[31m so."}])
    reply, took = command.run("ask", QUESTION, *at(fake_provider), "--system", "Be {brief}.")
    assert reply == "It is\x1b[31m so.\n", "a pipe gets the very text"
    assert "openai_like/fake · " in took
    assert "tokens in" in took
    sent = fake_provider.log[-1]["body"]["messages"]
    assert [each["content"] for each in sent] == ["Be {brief}.", QUESTION]
    _, again = command.run("ask", QUESTION, *at(fake_provider), "--system", "Be {brief}.")
    assert "from the cache" in again
    command.run("ask", QUESTION, *at(fake_provider), "--system", "Be {brief}.", "--again", "1")
    assert fake_provider.requests == 2


def test_what_was_asked_here_the_playground_does_not_pay_again(
    command: RealCommand, fake_provider: Any
) -> None:
    command.run("ask", "How many?", *at(fake_provider), "--temperature", "0.7")
    asker = Asker(command.folder / "home")
    choice = ModelChoice("x", {"id": "openai_like/fake", "api_base": fake_provider.openai})
    who = Candidate(choice.model({"temperature": 0.7}), build_technique("zero_shot"), choice)
    with typed_rows({}) as rows:
        answer = asker.ask(who, Prompt("How many?"), Question("typed by hand", {}), rows)
        answer.wait()
    run_sync(asker.close())
    assert answer.facts().cached_calls == 1
    assert fake_provider.requests == 1


def test_several_models_and_techniques_stand_one_after_another(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(answers=[{"contains": "Therefore", "reply": "4"}])
    asked = ("ask", "{{ a }} + 2?", "--var", "a=2", *at(fake_provider), "--model", "openai_like/other")
    how = ("-t", "zero_shot", "-t", "zero_shot_cot", "-t", "few_shot", "--set", "few_shot.demos.count=2")
    shown, problems = command.run(*asked, *how, code=3)
    names = [line for line in shown.splitlines() if line.startswith("openai_like/")]
    techniques = ("", " × zero_shot_cot", " × few_shot")
    assert names == [f"openai_like/{model}{each}" for model in ("fake", "other") for each in techniques]
    assert shown.count("2 calls · ") == 2
    assert problems.count("promptlab: ") == 2, "few_shot has no rows to take its demos from"
    found = json.loads(command.run(*asked, "-t", "zero_shot_cot", "--json", "--show-messages")[0])
    assert [each["value"] for each in found] == ["4", "4"]
    assert [len(each["calls"]) for each in found] == [2, 2]
    assert found[0]["calls"][0]["messages"][0]["content"].startswith("2 + 2?")
    assert found[0]["cached_calls"] == 2


def test_the_question_comes_from_standard_input_and_the_system_prompt_from_a_file(
    command: RealCommand, fake_provider: Any
) -> None:
    (command.folder / "system.txt").write_text("Be brief.\n")
    done = subprocess.run(
        [sys.executable, "-m", "promptlab", "ask", "-", *at(fake_provider), "--system", "@system.txt"],
        cwd=command.folder,
        env=command.env,
        input="Line one\nline two\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.strip()
    sent = fake_provider.log[-1]["body"]["messages"]
    assert [each["content"] for each in sent] == ["Be brief.", "Line one\nline two"]


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("ask", " "), 2, "there is no question"),
        (("ask", "{{ x }}{{ y }}", "--var", "x=1", "-m", "openai/x"), 2, "{{ y }} has no value"),
        (("ask", "q", "-m", "openai/x", "-t", "zero_shott"), 2, "zero_shot"),
        (("ask", "q", "-m", "openai/x", "-t", "few_shot", "--set", "demoz=2"), 2, "demoz"),
        (("ask", "q", "-m", "openai/x", "--set", "demos"), 2, "NAME=VALUE"),
        (("ask", "q", "-m", "openai/x", "--system", "@nowhere.txt"), 2, "nowhere.txt"),
        (("ask", "q", "-m", "openai/x", "-t", "opro"), 2, "promptlab optimize"),
        (("ask", "q", "-m", "openai/x"), 3, "OPENAI_API_KEY"),
    ],
)
def test_what_is_wrong_is_one_line_with_what_to_do(
    command: RealCommand, args: tuple[str, ...], code: int, told: str
) -> None:
    command.env.pop("OPENAI_API_KEY", None)
    shown, problem = command.run(*args, code=code)
    assert shown == ""
    assert told in problem
    assert problem.count("\n") == 1


def on_a_terminal(command: RealCommand, *args: str) -> tuple[subprocess.Popen[bytes], int]:
    """The command with a terminal as its output, and our end of it."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "promptlab", *args],
        cwd=command.folder,
        env={**command.env, "TERM": "xterm"},
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    return child, ours


def test_on_a_terminal_it_streams_harmlessly_and_is_interrupted_cleanly(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(answers=[{"contains": "much", "reply": "word\x1b]0;x\x07 " * 60}])
    child, terminal = on_a_terminal(command, "ask", "[[trickle:100]] much", *at(fake_provider))
    try:
        seen = b""
        while seen.count(b"word") < 3:
            seen += os.read(terminal, 1000)
        assert child.poll() is None, "it is still coming"
        assert b"\x1b]" not in seen
        assert b"\\x1b]0;x\\x07" in seen
        child.send_signal(signal.SIGINT)
        _, problem = child.communicate(timeout=20)
    finally:
        os.close(terminal)
        child.kill()
    assert child.returncode == 130
    assert problem.split(b"\n") == [b"", b"promptlab: interrupted", b""]


def test_without_a_model_an_endpoint_answers_before_the_embedded_one(tmp_path: Path) -> None:
    endpoints.save(tmp_path, [Endpoint("relay", "http://127.0.0.1:9/v1", "", ("a/b", "c"))])
    assert first_choice(tmp_path).label == "a/b (relay)"
    for name in ("c", "relay/c", "c (relay)"):
        assert choice_of(tmp_path, name).entry["api_base"] == "http://127.0.0.1:9/v1"
    assert choice_of(tmp_path, "openai/gpt-4o-mini").entry == {"id": "openai/gpt-4o-mini"}
