"""The real command over real HTTP where the provider is slow, refuses, breaks, or hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, table, wait_until

FOUL = [
    {"fault": "429", "p": 0.10},
    {"fault": "500", "p": 0.05},
    {"fault": "hang", "p": 0.01},
    {"fault": "truncated", "p": 0.01},
]
PROVIDER = Path(__file__).resolve().parents[1] / "servers" / "fake_provider.py"


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    return RealCommand(tmp_path, LOOP_KEY="sk-loop")


@pytest.fixture
def other_provider() -> Iterator[str]:
    """A second provider, in a process of its own."""
    process = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.communicate()


def weather(command: RealCommand, provider: Any, trials: int, limits: str) -> None:
    command.write(trials, model("fake-1", provider.openai), limits=limits)
    fair = command.compare(home=command.folder / "fair")
    assert fair["cells"][0]["n"] == provider.requests == trials
    provider.control(reset=True, seed=3, rules=FOUL)
    foul = command.compare(home=command.folder / "foul")
    assert foul["status"] == "complete"
    assert table(foul) == table(fair)
    count = provider.count()
    assert {"429", "500", "truncated"} <= set(count["outcomes"])
    assert any(entry["fault"] == "hang" for entry in provider.log)
    assert count["distinct"] == trials
    assert foul["cells"][0]["errors"] == 0


def test_300_trials_in_bad_weather_end_complete_and_correct(command: RealCommand, fake_provider: Any) -> None:
    weather(command, fake_provider, 300, "concurrency: 32, timeout_s: 1")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_2000_trials_in_bad_weather_end_complete_and_correct(
    command: RealCommand, fake_provider: Any
) -> None:
    weather(command, fake_provider, 2000, "concurrency: 64, timeout_s: 2")


def test_four_processes_pay_once_and_one_that_is_killed_costs_only_what_it_held(
    command: RealCommand, fake_provider: Any
) -> None:
    command.write(120, model("fake-1", fake_provider.openai), "zero_shot, zero_shot_cot")
    fake_provider.control(latency_ms=40)
    args = ("compare", "exp.yaml", "--json")
    processes = [command.start(*args) for _ in range(4)]
    wait_until(lambda: fake_provider.requests >= 60, "the runs do not get going")
    processes[1].kill()
    done = [process.communicate(timeout=60) for process in processes]
    shown = [json.loads(out) for index, (out, _) in enumerate(done) if index != 1]
    assert [each["status"] for each in shown] == ["complete"] * 3
    assert table(shown[0]) == table(shown[1]) == table(shown[2])
    # A trial of zero_shot_cot asks twice; the second question holds the first reply.
    distinct = fake_provider.count()["distinct"]
    assert distinct == 120 * 3
    assert distinct <= fake_provider.requests <= distinct + 8


def test_an_endpoint_that_refuses_everything_is_hardly_asked_and_can_be_left(
    command: RealCommand, fake_provider: Any
) -> None:
    command.write(300, model("fake-1", fake_provider.openai), limits="concurrency: 64")
    fake_provider.control(rules=[{"fault": "429", "p": 1.0}])
    process = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests > 0, "the run does not get going")
    time.sleep(10)
    asked = fake_provider.requests
    assert 4 <= asked <= 60
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    left = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - left < 5
    assert process.returncode == 130, err
    assert json.loads(out)["status"] == "interrupted"
    fake_provider.control(reset=True)
    assert command.compare()["status"] == "complete"
    assert fake_provider.requests == 300


def test_a_slow_endpoint_never_starves_a_fast_one(
    command: RealCommand, fake_provider: Any, other_provider: str
) -> None:
    fake_provider.control(latency_ms=1000)  # this one is slow, the other is not
    models = f"{model('slow', fake_provider.openai)}, {model('fast', other_provider + '/v1')}"
    command.write(60, models, limits="concurrency: 16")
    shown = command.compare()
    assert [cell["n"] for cell in shown["cells"]] == [60, 60]
    with urllib.request.urlopen(f"{other_provider}/_log") as reply:
        fast = [entry["at"] for entry in json.load(reply)]
    slow = [entry["at"] for entry in fake_provider.log]
    assert len(fast) == len(slow) == 60
    assert max(slow) - min(slow) > 3.0
    assert max(fast) - min(fast) < 2.0
    assert max(fast) < max(slow) - 1.5


@pytest.mark.long
@pytest.mark.timeout(300)
def test_stated_requests_per_minute_are_kept_and_used_for_a_minute(
    command: RealCommand, fake_provider: Any
) -> None:
    rpm = 600
    command.write(900, model("fake-1", fake_provider.openai), limits=f"concurrency: 32, rpm: {rpm}")
    assert command.compare()["status"] == "complete"
    times = sorted(entry["at"] for entry in fake_provider.log)
    assert len(times) == 900
    # The provider's clock ticks when a request has arrived: a few may stray over the edge of a window.
    most = max(sum(start <= at < start + 60 for at in times) for start in times[:: rpm // 20])
    assert most <= rpm + 5
    assert times[-1] - times[0] <= 90 / 0.9


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_a_run_leaves_no_process_behind_when_it_is_killed(command: RealCommand, fake_provider: Any) -> None:
    command.write(60, model("fake-1", fake_provider.openai))
    fake_provider.control(latency_ms=200)
    process = command.start("compare", "exp.yaml", "--json")
    wait_until(lambda: fake_provider.requests > 4, "the run does not get going")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "a child lives on", 10)
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
