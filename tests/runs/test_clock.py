"""Time that jumps: a machine that sleeps, a process that is stopped, a wall clock that is set."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, check_store, model, wait_until, whole_table

SAMPLES = 60
SLOTS = 8
CLOCK = Path(__file__).resolve().parents[1] / "servers" / "restless_clock"


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    write(command, fake_provider)
    return command


def write(command: RealCommand, provider: Any, more: str = "") -> None:
    models = model("fake-1", provider.openai)
    command.write(SAMPLES, models, "zero_shot, zero_shot_cot", f"concurrency: {SLOTS}, timeout_s: 2")
    path = command.folder / "exp.yaml"
    path.write_text(path.read_text() + more)


def at(command: RealCommand, clock: str) -> RealCommand:
    """The same command on a machine with that wall clock."""
    path = os.pathsep.join(filter(None, [str(CLOCK), os.environ.get("PYTHONPATH")]))
    return RealCommand(command.folder, **{**command.env, "PYTHONPATH": path, "WALL_CLOCK": clock})


def stand_still(*processes: subprocess.Popen[str], seconds: float) -> None:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        process.send_signal(signal.SIGCONT)


def test_a_process_that_stood_still_longer_than_its_timeouts_takes_what_came_meanwhile(
    command: RealCommand, fake_provider: Any
) -> None:
    undisturbed = whole_table(command.compare(home=command.folder / "undisturbed"))
    needed = fake_provider.requests
    fake_provider.control(reset=True, latency_ms=300)
    process = command.start("compare", "exp.yaml", "--json")
    for asked in (30, 90):
        wait_until(lambda asked=asked: fake_provider.requests >= asked, "the run does not get going")
        stand_still(process, seconds=4.5)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    shown = json.loads(out)
    assert whole_table(shown) == undisturbed
    assert fake_provider.requests == needed
    # How long the process stood still is no latency of the model.
    assert all(cell["latency_p95_s"] < 2 * 2.0 for cell in shown["cells"])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_two_processes_that_slept_together_keep_their_leases(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=400)
    processes = [command.start("compare", "exp.yaml", "--json") for _ in range(2)]
    wait_until(lambda: fake_provider.requests >= 40, "the runs do not get going")
    stand_still(*processes, seconds=30)
    shown = [json.loads(process.communicate(timeout=100)[0]) for process in processes]
    assert [each["status"] for each in shown] == ["complete", "complete"]
    assert fake_provider.requests == SAMPLES * 3


@pytest.mark.long
@pytest.mark.timeout(300)
def test_who_stands_still_alone_holds_nobody_up_and_goes_on_later(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(latency_ms=400)
    sleeper = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests >= 40, "the run does not get going")
    sleeper.send_signal(signal.SIGSTOP)
    awake = command.compare()
    assert awake["status"] == "complete"
    sleeper.send_signal(signal.SIGCONT)
    out, err = sleeper.communicate(timeout=60)
    assert sleeper.returncode == 0, err
    assert whole_table(json.loads(out)) == whole_table(awake)
    assert fake_provider.requests <= SAMPLES * 3 + SLOTS


def test_a_wall_clock_that_jumps_at_every_look_changes_nothing(
    command: RealCommand, fake_provider: Any
) -> None:
    undisturbed = whole_table(command.compare(home=command.folder / "undisturbed"))
    needed = fake_provider.requests
    fake_provider.control(reset=True, latency_ms=10)
    write(command, fake_provider, "cache: {max_age: 7d}\n")
    restless = at(command, "restless")
    processes = [restless.start("compare", "exp.yaml", "--json") for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        shown = json.loads(out)
        assert whole_table(shown) == undisturbed
        assert all(0 < cell["latency_p50_s"] <= cell["latency_p95_s"] < 10 for cell in shown["cells"])
    assert fake_provider.requests == needed
    assert restless.compare()["sent_calls"] == 0


def test_answers_from_a_clock_that_was_ahead_are_no_older_than_now(
    command: RealCommand, fake_provider: Any
) -> None:
    write(command, fake_provider, "cache: {max_age: 1h}\n")
    at(command, "86400").compare()
    asked = fake_provider.requests
    assert command.compare("--fresh")["sent_calls"] == 0
    assert at(command, "172800").compare("--fresh")["sent_calls"] == asked  # a day later, by its clock


def test_the_latest_run_is_the_one_begun_last_whatever_the_clock_said(command: RealCommand) -> None:
    first = at(command, "86400").compare()
    second = command.compare("--fresh")
    third = at(command, "-86400").compare("--fresh", "--limit", "10")
    assert len({first["run"], second["run"], third["run"]}) == 3
    listed = json.loads(command.run("runs", "--json")[0])
    assert [each["run"] for each in listed] == [third["run"], second["run"], first["run"]]
    assert command.compare()["run"] == third["run"]
    check_store(command.folder / ".promptlab" / "runs" / third["run"] / "run.sqlite")
