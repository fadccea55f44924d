"""Following a run from outside: the event file, what --verbose tells, and pausing."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, store_of, wait_until


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    made = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    made.write(30, model("fake-1", fake_provider.openai), "zero_shot, zero_shot_cot")
    return made


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def ask(store: Path, query: str) -> None:
    with closing(sqlite3.connect(store, timeout=20)) as connection, connection:
        connection.execute(query)


def test_the_event_file_tells_the_whole_run(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(rules=[{"fault": "400", "p": 0.1}])
    shown = command.compare("--events", "events.jsonl", code=3)
    told = events(command.folder)
    assert [told[0]["event"], told[-1]["event"]] == ["started", "ended"]
    assert {each["run"] for each in told} == {shown["run"]}
    assert (told[0]["experiment"], told[0]["planned"]) == ("loop", 60)
    assert told[-1]["status"] == "failed"
    trials = [each for each in told if each["event"] == "trial"]
    assert len({(each["variant"], each["sample"]) for each in trials}) == len(trials)
    for cell in shown["cells"]:
        own = [each for each in trials if each["variant"] == cell["variant"]]
        assert sum(each["status"] != "error" for each in own) == cell["n"]
        assert sum(each["status"] == "error" for each in own) == cell["errors"]
        (means,) = [
            sum(each["scores"]["exact_match"] for each in own if each["status"] != "error") / cell["n"]
        ]
        assert means == pytest.approx(cell["scores"]["exact_match"]["mean"])
    failed = [each for each in trials if each["status"] == "error"]
    assert failed
    assert {each["error_kind"] for each in failed} == {"bad_request"}
    last = [each for each in told if each["event"] == "progress"][-1]
    assert last["errors"] == {"bad_request": len(failed)}
    assert last["finished"] == len(trials)
    assert last["seconds_left"] is not None


def test_a_second_command_appends_and_tells_only_what_it_does(
    command: RealCommand, fake_provider: Any
) -> None:
    command.compare("--events", "events.jsonl")
    before = len(events(command.folder))
    command.compare("--events", "events.jsonl")
    assert len(events(command.folder)) == before
    command.compare("--events", "events.jsonl", "--fresh")
    added = events(command.folder)[before:]
    trials = [each for each in added if each["event"] == "trial"]
    assert len(trials) == 60
    assert all(each["cached_calls"] == each["calls"] for each in trials)


def test_an_event_file_that_cannot_be_written_is_said_before_anything_is_paid(
    command: RealCommand, fake_provider: Any
) -> None:
    _, err = command.run("compare", "exp.yaml", "--events", "nowhere/events.jsonl", code=1)
    assert "nowhere/events.jsonl cannot be written: No such file or directory" in err
    assert len(err.strip().splitlines()) == 1
    assert fake_provider.requests == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_event_file_that_is_full_ends_the_log_and_not_the_run(
    command: RealCommand, fake_provider: Any
) -> None:
    _, err = command.run("compare", "exp.yaml", "--events", "/dev/full", "--json")
    assert err.count("no more events in /dev/full: No space left on device") == 1


def test_the_events_can_be_followed_through_a_pipe(command: RealCommand, fake_provider: Any) -> None:
    pipe = command.folder / "pipe"
    os.mkfifo(pipe)
    process = command.start("compare", "exp.yaml", "--json", "--events", "pipe")
    with pipe.open() as stream:
        kinds = [json.loads(line)["event"] for line in stream]
    process.communicate()
    assert process.returncode == 0
    assert kinds.count("trial") == 60


def test_verbose_tells_each_error_as_it_happens(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(rules=[{"fault": "400", "p": 0.1}])
    _, err = command.run("compare", "exp.yaml", "--verbose", code=3)
    told = [line for line in err.splitlines() if ", sample s" in line]
    assert told
    assert all(line.startswith(("zero_shot × fake-1", "zero_shot_cot × fake-1")) for line in told)
    assert len(set(told)) == len(told)


def test_a_paused_run_sends_nothing_until_it_is_resumed(command: RealCommand, fake_provider: Any) -> None:
    fake_provider.control(latency_ms=100)
    process = command.start("compare", "exp.yaml", "--json", "--events", "events.jsonl")
    wait_until(lambda: fake_provider.requests >= 8, "the run does not get going")
    store = store_of(command.folder / ".promptlab")
    ask(store, "INSERT INTO control VALUES ('pause', 0)")

    def kinds() -> list[str]:
        return [each["event"] for each in events(command.folder)]

    wait_until(lambda: "paused" in kinds(), "it does not pause")
    wait_until(lambda: fake_provider.count()["in_flight"] == 0, "what is in flight does not end")
    while_paused = fake_provider.requests
    seen = kinds().count("progress")
    wait_until(lambda: kinds().count("progress") >= seen + 2, "it tells no progress")
    assert fake_provider.requests <= while_paused + 8  # second calls of trials that were under way
    assert fake_provider.requests < 90
    ask(store, "DELETE FROM control")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["status"] == "complete"
    assert fake_provider.requests == 90
    assert "resumed" in kinds()


def test_a_pause_of_an_earlier_command_is_forgotten(command: RealCommand, fake_provider: Any) -> None:
    command.compare("--limit", "3")
    ask(store_of(command.folder / ".promptlab"), "INSERT INTO control VALUES ('pause', 0), ('cancel', 0)")
    assert command.compare()["status"] == "complete"
