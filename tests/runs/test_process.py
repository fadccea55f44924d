"""The real command against a provider on loopback: interrupted, refused, out of budget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_template import run_command

SAMPLES = 60
EXPERIMENT = """\
name: loop
dataset: {{path: data.jsonl, target: answer, id: id, split: split}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models:
  - {{id: openai/fake-1, name: fake, api_base: "{base}", api_key_env: LOOP_KEY}}
variants: [zero_shot, zero_shot_cot, {{technique: few_shot, demos: 2}}]
limits: {{concurrency: 8{limits}}}
"""
CALLS = SAMPLES * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"s{i}",
            "q": f"{i} + {i + 1}",
            "answer": str(2 * i + 1),
            "split": "test" if i < SAMPLES else "train",
        }
        for i in range(SAMPLES + 5)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


class Bench:
    """One experiment in one folder against the provider."""

    def __init__(self, folder: Path, provider: Any) -> None:
        self.folder = folder
        self.provider = provider
        self.write()

    def write(self, limits: str = "") -> None:
        base = f"{self.provider.url}/v1"
        (self.folder / "exp.yaml").write_text(EXPERIMENT.format(base=base, limits=limits))

    def env(self, key: str) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB")}
        return {**env, "LOOP_KEY": key}

    def start(self, *args: str, key: str = "sk-loop") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "promptlab", "compare", "exp.yaml", "--json", *args],
            cwd=self.folder,
            env=self.env(key),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def compare(self, *args: str, code: int = 0, key: str = "sk-loop") -> tuple[dict[str, Any], str]:
        done = run_command(("compare", "exp.yaml", "--json", *args), self.folder, self.env(key))
        assert done.returncode == code, done.stdout + done.stderr
        return (json.loads(done.stdout) if done.stdout else {}), done.stderr

    def wait_for(self, requests: int) -> None:
        deadline = time.monotonic() + 30
        while self.provider.count()["requests"] < requests:
            assert time.monotonic() < deadline, "the run does not get going"
            time.sleep(0.005)


@pytest.fixture
def bench(folder: Path, fake_provider: Any) -> Bench:
    fake_provider.control(reset=True)
    return Bench(folder, fake_provider)


def table(shown: dict[str, Any]) -> Any:
    """What must be equal between an undisturbed run and a disturbed one."""
    same = ("variant", "n", "errors", "unparsed", "scores", "calls", "prompt_tokens", "completion_tokens")
    return [{key: cell[key] for key in same} for cell in shown["cells"]], [
        {key: pair[key] for key in ("scorer", "a", "b", "n", "diff", "p_adjusted")} for pair in shown["pairs"]
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_finishes_what_is_in_flight_and_pays_nothing_twice(bench: Bench, number: int) -> None:
    bench.provider.control(latency_ms=20)
    process = bench.start()
    bench.wait_for(20)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    shown = json.loads(out)
    assert shown["status"] == "interrupted"
    assert "run the same command again" in err
    sent = bench.provider.count()["requests"]
    assert sent < CALLS
    rest, _ = bench.compare()
    assert rest["status"] == "complete"
    assert sent + rest["sent_calls"] == bench.provider.count()["requests"] == CALLS


def test_two_interrupts_end_at_once(bench: Bench) -> None:
    bench.provider.control(rules=[{"fault": "hang", "p": 1.0}])
    process = bench.start()
    bench.wait_for(4)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err


def test_a_wrong_key_stops_after_a_handful_of_requests_and_names_the_variable(bench: Bench) -> None:
    bench.provider.control(key="sk-right")
    shown, err = bench.compare(code=3, key="sk-wrong-0123456789")
    assert shown["status"] == "failed"
    assert bench.provider.count()["requests"] <= 10
    assert "LOOP_KEY" in err
    everything = b"".join(path.read_bytes() for path in bench.folder.rglob("*") if path.is_file())
    assert b"sk-wrong-0123456789" not in everything
    assert "sk-wrong-0123456789" not in err
    bench.provider.control(key="")
    again, _ = bench.compare()
    assert again["status"] == "complete"
    assert all(cell["n"] == SAMPLES for cell in again["cells"])


def test_a_missing_key_is_said_before_any_call(bench: Bench) -> None:
    env = {name: value for name, value in os.environ.items() if name != "LOOP_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "promptlab", "compare", "exp.yaml"],
        cwd=bench.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "LOOP_KEY" in done.stderr
    assert bench.provider.count()["requests"] == 0


def test_a_budget_of_calls_is_exact_and_the_run_goes_on_with_a_higher_one(bench: Bench) -> None:
    bench.write(", budget_calls: 50")
    shown, err = bench.compare(code=5)
    assert shown["status"] == "stopped: budget"
    assert bench.provider.count()["requests"] == 50
    assert "budget_calls" in err
    bench.write(f", budget_calls: {CALLS}")
    rest, _ = bench.compare()
    assert rest["status"] == "complete"
    assert bench.provider.count()["requests"] == CALLS


def test_bad_weather_ends_complete_and_correct(bench: Bench) -> None:
    fair, _ = bench.compare()
    bench.provider.control(
        reset=True,
        seed=1,
        rules=[{"fault": "429", "p": 0.1}, {"fault": "500", "p": 0.05}, {"fault": "truncated", "p": 0.02}],
    )
    foul, _ = bench.compare("--fresh", "--no-cache")
    assert foul["status"] == "complete"
    assert table(foul) == table(fair)
    assert bench.provider.count()["requests"] > CALLS


def test_bad_requests_end_the_cell_early_with_the_providers_words(bench: Bench) -> None:
    bench.provider.control(rules=[{"fault": "400", "p": 1.0}])
    shown, err = bench.compare(code=3)
    assert shown["status"] == "failed"
    assert bench.provider.count()["requests"] <= 20
    assert "stopped early" in err
