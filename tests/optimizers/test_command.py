"""Optimizers in the real command: killed and resumed, found once, shown, counted apart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, wait_until
from workbench import OPRO


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


def changed(command: RealCommand, old: str, new: str) -> None:
    path = command.folder / "exp.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_what_optimize_found_is_asked_by_compare_and_told_apart_from_its_samples(
    command: RealCommand, here: Any, fake_provider: Any
) -> None:
    out, err = here("optimize", "exp.yaml", "--to", "found.json")
    assert "opro × fake-1 × data" in out
    assert "round 0: best dev score" in err
    found = json.loads((command.folder / "found.json").read_text())
    searched = fake_provider.requests
    assert sum(found["provenance"]["calls"].values()) == searched <= 60
    shown = json.loads(here("compare", "exp.yaml", "--json")[0])
    trials = sum(cell["n"] for cell in shown["cells"])
    assert fake_provider.requests - searched == shown["sent_calls"] <= trials
    (search,) = shown["optimizations"]
    assert search["calls"] == searched
    assert search["cost_usd"] > 0
    assert search["break_even"]["variant"] == "zero_shot"
    text, _ = here("compare", "loop")
    assert "not in the table" in text
    prompts, _ = here("show", "loop", "--prompts")
    assert "the task's own prompt" in prompts


def test_a_variant_that_nobody_optimizes_is_refused(here: Any) -> None:
    _, err = here("optimize", "exp.yaml", "--variant", "zero_shot", code=2)
    assert err.strip() == ("promptlab: none of the chosen variants is an optimizer's. Optimizers here: opro.")


def test_the_limits_budget_ends_it_with_code_5_and_the_optimizers_own_with_0(
    command: RealCommand, here: Any, fake_provider: Any
) -> None:
    changed(command, "concurrency: 4", "budget_calls: 12")
    _, err = here("compare", "exp.yaml", "--variant", "opro", code=5)
    assert fake_provider.requests == 12
    assert "budget_calls" in err
    changed(command, "budget_calls: 12", "concurrency: 4")
    changed(command, "budget_calls: 60", "budget_calls: 12")
    _, err = here("compare", "exp.yaml", "--variant", "opro", "--fresh")
    assert "ended: budget" in err


def test_a_search_that_a_budget_stopped_goes_on_where_it_was_and_finds_the_same(
    command: RealCommand, here: Any, fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("optimize", "exp.yaml")
    whole, needed = artifact(command.folder / "home"), fake_provider.requests
    monkeypatch.setenv("PROMPTLAB_HOME", str(command.folder / "stopped"))
    changed(command, "concurrency: 4", "budget_calls: 15")
    here("optimize", "exp.yaml", code=5)
    changed(command, "budget_calls: 15", "budget_calls: 1000")
    here("optimize", "exp.yaml")
    assert artifact(command.folder / "stopped") == whole
    assert fake_provider.requests == 2 * needed


@pytest.mark.parametrize("verb", ["optimize", "compare"])
def test_each_round_is_told_in_a_plain_line_and_as_an_event(
    verb: str, command: RealCommand, here: Any
) -> None:
    _, err = here(verb, "exp.yaml", "--events", "events.jsonl")
    rounds = [line for line in err.splitlines() if "opro × fake-1 × data: round " in line]
    assert re.search(
        r": round 1: best dev score [01]\.\d{3} on 8 rows, \d+ of 60 calls, 0\.\d{4} USD$", rounds[1]
    )
    told = [json.loads(line) for line in (command.folder / "events.jsonl").read_text().splitlines()]
    events = [each for each in told if each["event"] == "round"]
    assert [each["round"] for each in events] == list(range(len(rounds)))
    assert [each["calls"] for each in events] == sorted(each["calls"] for each in events)
    assert all(each["variant"] == "opro" and each["dev_rows"] == 8 for each in events)
    assert [each["dev_score"] for each in events] == sorted(each["dev_score"] for each in events)
    (ended,) = [each for each in told if each["event"] == "optimized"]
    assert ended["calls"] == events[-1]["calls"]
    assert ended["dev"] == events[-1]["dev_score"]
    assert ended["cost_usd"] > 0
    assert (ended["run"] is None) == (verb == "optimize")


def test_a_prompt_that_is_known_already_tells_no_rounds(command: RealCommand, here: Any) -> None:
    here("optimize", "exp.yaml")
    _, err = here("optimize", "exp.yaml", "--events", "events.jsonl")
    assert "round" not in err
    assert (command.folder / "events.jsonl").read_text() == ""


def test_before_much_is_spent_optimize_asks(command: RealCommand, here: Any, fake_provider: Any) -> None:
    changed(command, "concurrency: 4", "confirm_usd: 0.000001")
    _, err = here("optimize", "exp.yaml", code=2)
    assert "promptlab: this would send 60 calls; estimated cost: " in err
    assert "--yes" in err
    assert fake_provider.requests == 0
    here("optimize", "exp.yaml", "--yes")
    assert 0 < fake_provider.requests <= 60
    here("optimize", "exp.yaml")  # nothing is left to be paid


def test_a_missing_key_is_said_before_a_search(here: Any, fake_provider: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("LOOP_KEY")
    _, err = here("optimize", "exp.yaml", code=2)
    assert "LOOP_KEY" in err
    assert fake_provider.requests == 0


def test_one_file_takes_one_prompt_and_that_is_said_before_anything_is_paid(
    command: RealCommand, here: Any, fake_provider: Any
) -> None:
    changed(command, OPRO, f"{OPRO}, {{technique: ape, budget_calls: 60}}")
    _, err = here("optimize", "exp.yaml", "--to", "found.json", code=2)
    assert "--to and --dspy write one prompt, and 2 are looked for" in err
    assert fake_provider.requests == 0
