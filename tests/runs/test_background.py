"""Runs as processes of their own: found again by anybody, steered, and without a trace of a key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, check_store, model, store_of, wait_until

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.process import this_process
from promptlab.runs import RunDirectory, control
from promptlab.runs.background import Job, JobOptions, jobs, start
from promptlab.runs.directory import note_of, read_process

KEY = "sk-stdin-0123456789"
STARTER = """
import json, os, sys
from pathlib import Path
from promptlab.runs.background import start
job = start(Path("home").resolve(), Path("exp.yaml"), json.loads(sys.stdin.readline()))
print(job.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    fake_provider.control(key=KEY)
    made = RealCommand(tmp_path, PROMPTLAB_HOME=str(tmp_path / "home"))
    made.write(40, model("fake-1", fake_provider.openai), limits="concurrency: 4")
    return made


def start_by_another(command: RealCommand) -> tuple[subprocess.Popen[str], Job]:
    """A job whose starter is a process that waits to be ended."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=command.folder,
        env=command.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    starter.stdin.write(json.dumps({"LOOP_KEY": KEY}) + "\n")
    starter.stdin.flush()
    return starter, Job(Path(starter.stdout.readline().strip()))


def start_here(command: RealCommand) -> Job:
    return start(command.folder / "home", command.folder / "exp.yaml", {"LOOP_KEY": KEY})


def ended(job: Job) -> int | None:
    wait_until(lambda: job.process is None, "the job does not end")
    return job.exit_code


def test_a_job_outlives_its_starter_and_its_key_is_nowhere_to_be_found(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=150)
    starter, job = start_by_another(command)
    wait_until(lambda: fake_provider.requests >= 4, "the run does not get going")
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()
    process = job.process
    assert process is not None
    assert job.state() == "running"
    for name in ("cmdline", "environ"):
        assert KEY.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    (found,) = jobs(command.folder / "home")
    assert found == job
    assert ended(job) == 0, job.messages()
    assert fake_provider.requests == 40
    files = [path for path in command.folder.rglob("*") if path.is_file()]
    assert all(KEY.encode() not in path.read_bytes() for path in files)
    told, offset = job.events()
    assert [told[0]["event"], told[-1]["event"]] == ["started", "ended"]
    assert job.events(offset) == ([], offset)
    assert job.state() == "ended"
    assert "loop" in job.output()


def test_cancel_finishes_what_is_in_flight_and_the_same_command_goes_on(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=150)
    job = start_here(command)
    wait_until(lambda: fake_provider.requests >= 4, "the run does not get going")
    job.cancel()
    assert ended(job) == 130
    sent = fake_provider.requests
    assert sent < 40
    check_store(store_of(command.folder / "home"))
    latest = job.latest("progress")
    assert latest is not None
    assert latest["finished"] == sent
    fake_provider.control(latency_ms=0)
    again = start_here(command)
    assert ended(again) == 0
    assert fake_provider.requests == 40
    assert again.run() == job.run()
    with pytest.raises(UsageError, match="is over"):
        job.pause()


def test_a_job_is_paused_and_its_run_is_seen_and_resumed_from_the_command_line(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=150)
    job = start_here(command)
    wait_until(lambda: fake_provider.requests >= 4, "the run does not get going")
    job.pause()
    wait_until(lambda: job.latest("paused") is not None, "it does not pause")
    wait_until(lambda: fake_provider.count()["in_flight"] == 0, "what is in flight does not end")
    (row,) = json.loads(command.run("runs", "--json")[0])
    assert row["status"] == "paused" == job.state()
    command.run("runs", "resume", job.id)
    assert ended(job) == 0
    assert job.latest("resumed") is not None
    with pytest.raises(UsageError, match=r"nothing works on run loop-.*it is complete"):
        control.pause(RunDirectory(command.folder / "home" / "runs" / row["run"]))


def test_a_killed_job_is_told_from_one_that_ended_and_its_run_from_one_that_goes_on(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=150)
    job = start_here(command)
    wait_until(lambda: fake_provider.requests >= 4, "the run does not get going")
    assert job.process is not None
    os.kill(job.process.pid, signal.SIGKILL)
    wait_until(lambda: job.process is None, "it does not die")
    assert (job.state(), job.exit_code) == ("killed", None)
    run = job.run()
    assert run is not None
    assert control.state_of(run) == "interrupted"


def test_a_job_that_has_no_run_yet_is_cancelled_at_once(command: RealCommand, fake_provider: Any) -> None:
    job = start_here(command)
    assert job.state() == "starting"
    with pytest.raises(UsageError, match="has not begun yet"):
        job.pause()
    wait_until(lambda: "cli.job" in command_line(job), "it does not start")
    job.cancel()
    assert ended(job) in (130, None)  # None: it was ended before it could say so
    assert fake_provider.requests == 0


def command_line(job: Job) -> str:
    process = job.process
    return Path(f"/proc/{process.pid}/cmdline").read_text() if process else "over"


def test_detach_prints_the_job_and_takes_keys_from_standard_input(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=50)
    process = subprocess.Popen(
        [sys.executable, "-m", "promptlab", "compare", "exp.yaml", "--detach", "--json", "--keys-stdin"],
        cwd=command.folder,
        env=command.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate(json.dumps({"LOOP_KEY": KEY}))
    assert process.returncode == 0, err
    job = Job(command.folder / "home" / "jobs" / out.strip())
    assert f"cancel {job.id}" in err
    assert ended(job) == 0
    assert json.loads(job.output())["status"] == "complete"


def test_a_job_that_may_not_load_code_loads_none(command: RealCommand) -> None:
    (command.folder / "mine.py").write_text(f"open({str(command.folder / 'ran')!r}, 'w')\n")
    text = (command.folder / "exp.yaml").read_text()
    (command.folder / "exp.yaml").write_text(text.replace("[zero_shot]", "['mine.py:Mine']"))
    job = start(command.folder / "home", command.folder / "exp.yaml", {}, JobOptions(own_code=False))
    assert ended(job) == 2
    assert "'mine.py:Mine' is a Python file, and none is run here" in job.messages()
    assert not (command.folder / "ran").exists()


def test_detach_says_at_once_what_is_wrong(command: RealCommand) -> None:
    out, err = command.run("compare", "exp.yaml", "--detach", code=2)
    assert "LOOP_KEY" in err  # found by the job itself, before its first call
    assert Job(command.folder / "home" / "jobs" / out.strip()).exit_code == 2


def test_a_wrong_file_starts_nothing(command: RealCommand) -> None:
    (command.folder / "exp.yaml").write_text("name: [\n")
    with pytest.raises(ExperimentError):
        start(command.folder / "home", command.folder / "exp.yaml")
    assert not list(jobs(command.folder / "home"))


def test_a_later_process_with_the_same_number_is_not_the_job(tmp_path: Path) -> None:
    note = tmp_path / "process.json"
    note.write_bytes(note_of(this_process()))
    assert read_process(note) == this_process()
    note.write_bytes(note_of(replace(this_process(), start="1")))
    assert read_process(note) is None
    note.write_bytes(note_of(replace(this_process(), host="elsewhere")))
    assert read_process(note) is None


def test_a_run_is_paused_and_cancelled_while_its_judge_is_asked_too(
    command: RealCommand, fake_provider: Any
) -> None:
    judge = f"{{scorer: judge, kind: rubric, model: {model('judge-1', fake_provider.openai)}}}"
    text = (command.folder / "exp.yaml").read_text()
    (command.folder / "exp.yaml").write_text(f"{text}scorers: [exact_match, {judge}]\n")
    fake_provider.control(latency_ms=400)
    job = start_here(command)
    wait_until(lambda: (job.latest("progress") or {}).get("unit") == "judgements", "nothing is judged")
    job.pause()
    wait_until(lambda: (job.latest("progress") or {}).get("paused") is True, "the judge does not pause")
    wait_until(lambda: fake_provider.count()["in_flight"] == 0, "what is in flight does not end")
    job.cancel()
    assert ended(job) == 130, job.messages()
    assert 40 < fake_provider.requests < 80
