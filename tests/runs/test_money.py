"""Money at the command line: the question before spending, prices that budgets need, one budget for two."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_template import run_command

SAMPLES = 40
EXPERIMENT = """\
name: money
dataset: {{path: data.jsonl, target: answer, id: id, split: split}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models:
  - {{id: openai/fake-1, name: fake, api_base: "{base}", api_key_env: MONEY_KEY, max_tokens: 50{price}}}
variants: [zero_shot, zero_shot_cot]
limits: {{concurrency: 8{limits}}}
"""
CALLS = SAMPLES * 3
DEAR = ", price: {input: 100, output: 100, request: 0.1}"


class Bench:
    """One experiment in one folder against the provider."""

    def __init__(self, folder: Path, provider: Any) -> None:
        self.folder = folder
        self.provider = provider

    def write(self, price: str = "", limits: str = "") -> None:
        base = f"{self.provider.url}/v1"
        (self.folder / "exp.yaml").write_text(EXPERIMENT.format(base=base, price=price, limits=limits))

    @property
    def env(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB")}
        return {**env, "MONEY_KEY": "sk-money"}

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "promptlab", *args],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *args: str, code: int = 0) -> tuple[str, str]:
        done = run_command(args, self.folder, self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    @property
    def runs(self) -> list[Path]:
        return list((self.folder / ".promptlab" / "runs").glob("*"))


@pytest.fixture
def bench(tmp_path: Path, fake_provider: Any) -> Bench:
    rows = [
        {
            "id": f"s{i}",
            "q": f"{i} + {i + 1}",
            "answer": str(2 * i + 1),
            "split": "test" if i < SAMPLES else "train",
        }
        for i in range(SAMPLES)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Bench(tmp_path, fake_provider)


def test_above_the_confirmation_amount_nothing_is_sent_without_yes(bench: Bench) -> None:
    bench.write(price=DEAR)
    for command in ("compare", "run"):
        _, err = bench.call(command, "exp.yaml", code=2)
        assert "limits.confirm_usd" in err
        assert "--yes" in err
    assert bench.provider.requests == 0
    assert bench.runs == []
    shown = json.loads(bench.call("compare", "exp.yaml", "--json", "--yes")[0])
    assert shown["sent_calls"] == bench.provider.requests == CALLS
    # Nothing is missing now, so there is nothing to ask.
    assert json.loads(bench.call("compare", "exp.yaml", "--json")[0])["sent_calls"] == 0


def test_a_refused_fresh_run_leaves_the_old_one_the_latest(bench: Bench) -> None:
    bench.write(price=DEAR)
    bench.call("run", "exp.yaml", "--yes")
    before = bench.runs
    bench.call("run", "exp.yaml", "--fresh", "--no-cache", code=2)
    assert bench.runs == before
    bench.call("run", "exp.yaml", "--fresh")  # from the cache it costs nothing
    assert bench.provider.requests == CALLS


def test_only_what_is_missing_counts_against_the_confirmation_amount(bench: Bench) -> None:
    bench.write(price=DEAR)
    bench.call("run", "exp.yaml", "--limit", "2")  # 6 calls at about 0.11 USD
    bench.call("run", "exp.yaml", "--limit", "4")
    bench.call("run", "exp.yaml", code=2)
    bench.write(price=DEAR, limits=", confirm_usd: 1000")
    bench.call("run", "exp.yaml")
    assert bench.provider.requests == CALLS


def test_an_unknown_price_warns_in_one_line_and_goes_on(bench: Bench) -> None:
    bench.write()
    out, err = bench.call("compare", "exp.yaml", "--limit", "3")
    assert sum("the price of fake is unknown" in line for line in err.splitlines()) == 1
    assert "cost unknown (2 cells unknown)" in " ".join(out.split())
    assert "the price of" not in bench.call("compare", "exp.yaml", "--limit", "3")[1]


def test_unknown_costs_stay_unknown_in_json_and_every_export(bench: Bench) -> None:
    bench.write()
    shown = json.loads(bench.call("compare", "exp.yaml", "--limit", "3", "--json")[0])
    assert [(cell["cost_usd"], cell["paid_usd"]) for cell in shown["cells"]] == [(None, None)] * 2
    for name, columns in (
        ("cells.csv", ("cost_usd", "paid_usd")),
        ("trials.jsonl", ("cost_usd",)),
        ("calls.csv", ("cost",)),
    ):
        path = bench.folder / name
        bench.call("export", "money", "--to", name, "--what", path.stem)
        lines = path.read_text().splitlines()
        rows = list(csv.DictReader(lines)) if path.suffix == ".csv" else [json.loads(line) for line in lines]
        assert rows
        assert {row[name] or None for row in rows for name in columns} == {None}
        assert not any(row[name] == 0 for row in rows for name in columns)


def test_a_run_from_the_cache_has_paid_nothing_even_where_the_first_price_is_unknown(bench: Bench) -> None:
    bench.write()
    bench.call("run", "exp.yaml", "--limit", "3")
    shown = json.loads(bench.call("compare", "exp.yaml", "--limit", "3", "--fresh", "--json")[0])
    assert [(cell["cost_usd"], cell["paid_usd"]) for cell in shown["cells"]] == [(None, 0.0)] * 2


def test_a_budget_within_the_confirmation_amount_needs_no_question(bench: Bench) -> None:
    bench.write(price=DEAR, limits=", budget_usd: 0.9")
    _, err = bench.call("run", "exp.yaml", code=5)
    assert "budget_usd" in err
    assert 0 < bench.provider.requests < CALLS


def test_a_budget_in_usd_with_an_unknown_price_names_the_key_before_any_call(bench: Bench) -> None:
    bench.write(limits=", budget_usd: 1")
    for command in ("validate", "compare", "run"):
        _, err = bench.call(command, "exp.yaml", code=2)
        assert "exp.yaml:5" in err
        assert "price: {" in err
    bench.write(price=", price: {input: 1, output: 1, currency: CNY}", limits=", budget_usd: 1")
    assert "limits.rates: {CNY" in bench.call("run", "exp.yaml", code=2)[1]
    assert bench.provider.requests == 0
    assert bench.runs == []


def test_estimate_prints_the_documented_object(bench: Bench) -> None:
    bench.write(price=DEAR)
    found = json.loads(bench.call("estimate", "exp.yaml", "--json")[0])
    assert found["calls"] == {"low": CALLS, "expected": CALLS, "high": CALLS}
    for part in ("tokens", "cost_usd"):
        assert 0 < found[part]["low"] <= found[part]["expected"] <= found[part]["high"]
    assert 0 < found["min_detectable"] < 1
    text, _ = bench.call("estimate", "exp.yaml")
    assert "To send: 120 calls" in text
    assert bench.provider.requests == 0


@pytest.mark.parametrize("budget", [1, 50])
def test_two_processes_share_one_budget_of_calls_to_the_call(bench: Bench, budget: int) -> None:
    bench.provider.control(latency_ms=20)
    bench.write(limits=f", budget_calls: {budget}")
    both = [bench.start("compare", "exp.yaml", "--json"), bench.start("compare", "exp.yaml", "--json")]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 5, err
        assert json.loads(out)["status"] == "stopped: budget"
    assert bench.provider.requests == budget
    bench.call("run", "exp.yaml", code=5)
    assert bench.provider.requests == budget


def test_two_processes_share_one_budget_of_money(bench: Bench) -> None:
    bench.provider.control(latency_ms=20)
    bench.write(price=", price: {input: 0, output: 0, request: 0.01}", limits=", budget_usd: 0.3")
    both = [bench.start("run", "exp.yaml"), bench.start("run", "exp.yaml")]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 5, err
        assert "budget_usd" in err
    # Every call costs the same and is known beforehand: the budget is met exactly.
    assert bench.provider.requests == 30
