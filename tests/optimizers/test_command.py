"""Optimizers in the real command: killed and resumed, found once, shown, counted apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, wait_until

OPRO = "{technique: opro, budget_calls: 60, steps: 3, proposals: 3, dev_rows: 8}"


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    price = "api_key_env: LOOP_KEY, price: {input: 1, output: 1}"
    command.write(40, model("fake-1", fake_provider.openai, price), f"zero_shot, {OPRO}", "concurrency: 4")
    return command


def artifact(home: Path) -> bytes:
    (path,) = (home / "artifacts").rglob("artifact.json")
    return path.read_bytes()


def test_a_search_that_is_killed_pays_nothing_twice_and_ends_with_the_same_artifact(
    command: RealCommand, fake_provider: Any
) -> None:
    calm, killed = command.folder / "calm", command.folder / "killed"
    command.run("optimize", "exp.yaml", home=calm)
    needed = fake_provider.requests
    process = command.start("optimize", "exp.yaml", home=killed)
    wait_until(lambda: fake_provider.requests >= needed + 14, "the search does not get going")
    process.kill()
    process.communicate()
    wait_until(lambda: fake_provider.count()["in_flight"] == 0, "calls stay in flight")
    command.run("optimize", "exp.yaml", home=killed)
    assert artifact(calm) == artifact(killed)
    assert needed <= fake_provider.requests - needed <= needed + 4  # what the four slots held


@pytest.mark.long
@pytest.mark.parametrize("optimizer", ["mipro_v2", "gepa", "bootstrap_few_shot_with_random_search"])
def test_a_dspy_search_that_is_killed_pays_nothing_twice_and_ends_with_the_same_artifact(
    command: RealCommand, fake_provider: Any, optimizer: str
) -> None:
    text = (command.folder / "exp.yaml").read_text()
    settings = "candidates: 3, trials: 3, budget_calls: 60, dev_rows: 8"
    dspy = f"{{technique: dspy, optimizer: {optimizer}, {settings}}}"
    (command.folder / "exp.yaml").write_text(text.replace(OPRO, dspy))
    test_a_search_that_is_killed_pays_nothing_twice_and_ends_with_the_same_artifact(command, fake_provider)


def test_what_optimize_found_is_asked_by_compare_and_told_apart_from_its_samples(
    command: RealCommand, fake_provider: Any
) -> None:
    home = command.folder / "home"
    out, err = command.run("optimize", "exp.yaml", "--to", "found.json", home=home)
    assert "opro × fake-1 × data" in out
    assert "round 0: best dev score" in err
    found = json.loads((command.folder / "found.json").read_text())
    searched = fake_provider.requests
    assert sum(found["provenance"]["calls"].values()) == searched <= 60
    shown = json.loads(command.run("compare", "exp.yaml", "--json", home=home)[0])
    trials = sum(cell["n"] for cell in shown["cells"])
    assert fake_provider.requests - searched == shown["sent_calls"] <= trials
    (search,) = shown["optimizations"]
    assert search["calls"] == searched
    assert search["cost_usd"] > 0
    assert search["break_even"]["variant"] == "zero_shot"
    text, _ = command.run("compare", "loop", home=home)
    assert "not in the table" in text
    prompts, _ = command.run("show", "loop", "--prompts", home=home)
    assert "the task's own prompt" in prompts


def test_a_variant_that_nobody_optimizes_is_refused(command: RealCommand) -> None:
    _, err = command.run("optimize", "exp.yaml", "--variant", "zero_shot", code=2)
    assert err.strip() == ("promptlab: none of the chosen variants is an optimizer's. Optimizers here: opro.")


def test_the_limits_budget_ends_it_with_code_5_and_the_optimizers_own_with_0(
    command: RealCommand, fake_provider: Any
) -> None:
    text = (command.folder / "exp.yaml").read_text()
    (command.folder / "exp.yaml").write_text(text.replace("concurrency: 4", "budget_calls: 12"))
    _, err = command.run("compare", "exp.yaml", "--variant", "opro", code=5)
    assert fake_provider.requests == 12
    assert "budget_calls" in err
    (command.folder / "exp.yaml").write_text(text.replace("budget_calls: 60", "budget_calls: 12"))
    _, err = command.run("compare", "exp.yaml", "--variant", "opro", "--fresh", code=0)
    assert "ended: budget" in err
