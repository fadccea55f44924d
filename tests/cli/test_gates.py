"""Gates as a build meets them: exit code 4, a reason, JUnit XML; what cannot be judged is not met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from real_command import RealCommand, model


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, provider_in_a_thread: Any) -> RealCommand:
    """A finished run of 12 samples, its baseline file, and no price for its model."""
    provider_in_a_thread.reset()
    made = RealCommand(tmp_path_factory.mktemp("gates"), LOOP_KEY="sk-loop-0123456789")
    made.write(12, model("fake-1", provider_in_a_thread.openai))
    made.compare("-q")
    made.run("export", "loop", "--to", "baseline.json")
    return made


def gated(command: RealCommand, gates: str, code: int, *args: str) -> tuple[dict[str, Any], str]:
    path = command.folder / "gated.yaml"
    text = (command.folder / "exp.yaml").read_text()
    path.write_text(f"{text}gates: [{gates}]\n")
    out, err = command.run("compare", "gated.yaml", "-q", "--json", *args, code=code)
    return json.loads(out) if out else {}, err


def test_a_gate_that_is_met_ends_with_0_and_one_that_is_not_with_4(command: RealCommand) -> None:
    shown, err = gated(command, "{min: -0.5}", 0)
    assert [gate["passed"] for gate in shown["gates"]] == [True]
    assert "1 of 1 gates met" in err
    shown, err = gated(command, "{min: 1.5}", 4)
    assert shown["gates"][0]["passed"] is False
    assert "not met: zero_shot × fake-1 × data: numeric at least 1.5 (numeric is" in err
    assert shown["cells"][0]["n"] == 12  # the result is printed all the same


def test_an_unknown_cost_is_no_low_cost(command: RealCommand) -> None:
    shown, _ = gated(command, "{max_cost_usd: 1000000}", 4)
    assert shown["gates"][0]["reason"].startswith("the cost is unknown")


def test_latency_is_that_of_the_95_percent(command: RealCommand) -> None:
    assert gated(command, "{max_latency_s: 600}", 0)[0]["gates"][0]["passed"]
    assert not gated(command, "{max_latency_s: 0.000001}", 4)[0]["gates"][0]["passed"]


def test_no_worse_than_a_baseline_needs_enough_samples_and_not_just_no_difference(
    command: RealCommand,
) -> None:
    shown, _ = gated(command, "{no_worse_than: baseline.json, margin: 0.9}", 0)
    assert shown["gates"][0]["passed"]
    shown, err = gated(command, "{no_worse_than: baseline.json, margin: 0.01}", 4)
    assert "its lower bound must lie above -0.01" in err
    assert "the difference is 0.00" in err
    assert gated(command, "{no_worse_than: loop, margin: 0.9}", 0)[0]["gates"][0]["passed"]


def test_a_worse_run_is_held_up(command: RealCommand) -> None:
    better = json.loads((command.folder / "baseline.json").read_text())
    for cell in better["cells"]:
        cell["scores"] = dict.fromkeys(cell["scores"], 1.0)
    (command.folder / "better.json").write_text(json.dumps(better))
    scores = json.loads((command.folder / "baseline.json").read_text())["cells"][0]["scores"]
    assert set(scores.values()) != {1.0}
    assert not gated(command, "{no_worse_than: better.json, margin: 0.05}", 4)[0]["gates"][0]["passed"]


def test_changed_data_and_other_scorers_cannot_be_held_against_a_baseline(command: RealCommand) -> None:
    other = json.loads((command.folder / "baseline.json").read_text())
    other["samples"]["data"]["s1"] = "0" * 32
    (command.folder / "other.json").write_text(json.dumps(other))
    _, err = gated(command, "{no_worse_than: other.json, margin: 0.9}", 4)
    assert "the data changed: 1 of 12 samples are not those of the baseline" in err
    for cell in other["cells"]:
        cell["spec"] = "{}"
    (command.folder / "other.json").write_text(json.dumps(other))
    _, err = gated(command, "{no_worse_than: other.json, margin: 0.9}", 4)
    assert "was scored in another way" in err


def test_junit_xml_names_every_gate_and_the_reason(command: RealCommand) -> None:
    gated(command, "{min: -1}, {min: 1.5}", 4, "--junit", "gates.xml")
    suites = ElementTree.parse(command.folder / "gates.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("2", "1")
    cases = suites.findall("./testsuite/testcase")
    assert [case.find("failure") is None for case in cases] == [True, False]
    _, err = command.run("compare", "loop", "--junit", "x.xml", code=2)
    assert "has no gates to write" in err


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("{}", "and this has 0"),
        ("{min: 0.5, max_cost_usd: 1}", "and this has 2"),
        ("{variant: zero_shott, min: 0.5}", "Did you mean 'zero_shot'?"),
        ("{scorer: nope, min: 0.5}", "no scorer is named 'nope'"),
        ("{no_worse_than: baseline.json}", "needs a `margin`"),
        ("{no_worse_than: gone.json, margin: 0.1}", "cannot be read"),
        ("{no_worse_than: exp.json, margin: 0.1}", "is no baseline"),
        ("{no_worse_than: nobody, margin: 0.1}", "there is no run 'nobody'"),
        ("{minn: 0.5}", "unknown key 'minn'"),
    ],
)
def test_a_wrong_gate_is_found_before_anything_is_sent(command: RealCommand, gate: str, said: str) -> None:
    (command.folder / "exp.json").write_text("{}")
    _, err = gated(command, gate, 2, "--fresh")
    assert said in err
    assert "gated.yaml:" in err


def test_trials_that_are_missing_are_not_judged(tmp_path: Path, fake_provider: Any) -> None:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop-0123456789")
    command.write(12, model("fake-1", fake_provider.openai), limits="budget_calls: 5")
    shown, err = gated(command, "{min: -1}", 5)
    assert "of 12 trials have no result: not judged" in err
    assert shown["status"] == "stopped: budget"  # its code goes before that of a gate
