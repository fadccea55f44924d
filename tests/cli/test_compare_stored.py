"""`compare` over several runs and bundles, its single samples, and trends: as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, provider_in_a_thread: Any) -> RealCommand:
    """Two runs of one experiment that differ in the prompt, and the bundle of each: ann.zip, bob.zip."""
    provider_in_a_thread.reset()
    made = RealCommand(tmp_path_factory.mktemp("class"))
    made.write(12, model("fake-1", provider_in_a_thread.openai, "api_key_env: LOOP_KEY"))
    made.env["LOOP_KEY"] = "sk-loop-0123456789"
    for name, prompt in (("ann", "What is"), ("bob", "Tell me")):
        path = made.folder / "exp.yaml"
        path.write_text(path.read_text().replace("What is", prompt))
        run = made.compare("-q", "--fresh")["run"]
        made.run("bundle", run, "--out", f"{name}.zip")
    del made.env["LOOP_KEY"]
    return made


def test_bundles_of_several_people_make_one_table_on_the_same_samples(command: RealCommand) -> None:
    shown = json.loads(command.run("compare", "ann.zip", "bob.zip", "--json")[0])
    assert [cell["variant"] for cell in shown["cells"]] == ["zero_shot@ann", "zero_shot@bob"]
    assert [each["label"] for each in shown["runs"]] == ["ann", "bob"]
    assert shown["data"][0]["same"]
    assert shown["pairs"][0]["n"] == 12
    assert {each["place"] for each in shown["differences"]} == {"variant zero_shot: prompt"}
    assert shown["sent_calls"] == 0


def test_a_run_and_its_bundle_give_the_same_numbers(command: RealCommand) -> None:
    runs = [each["run"] for each in json.loads(command.run("runs", "--json")[0])][::-1]
    stored = json.loads(command.run("compare", *runs, "--json")[0])
    packed = json.loads(command.run("compare", "ann.zip", "bob.zip", "--json")[0])
    assert [cell["scores"] for cell in stored["cells"]] == [cell["scores"] for cell in packed["cells"]]
    assert [pair["diff"] for pair in stored["pairs"]] == [pair["diff"] for pair in packed["pairs"]]


def test_what_differs_stands_before_the_numbers(command: RealCommand) -> None:
    text = command.run("compare", "ann.zip", "bob.zip")[0]
    assert "- [user] What is {{ q }}?" in text
    assert "+ [user] Tell me {{ q }}?" in text
    assert text.index("+ [user]") < text.index("the same 12 test samples") < text.index("95 % interval")


def test_flips_and_disputed_samples_are_named(command: RealCommand) -> None:
    args = ("compare", "ann.zip", "bob.zip", "--flips", "zero_shot@ann", "zero_shot@bob")
    shown = json.loads(command.run(*args, "--json")[0])
    (flips,) = shown["flips"]
    assert flips["n"] == 12
    assert shown["pareto"][0]["scorer"] == flips["scorer"]
    assert {"worst", "disputed"} == set(shown["samples"])
    assert "Flips zero_shot@ann against zero_shot@bob" in command.run(*args)[0]
    assert "Did you mean 'zero_shot@bob'" in command.run(*args[:-1], "zero_shot@bop", code=2)[1]


def test_a_trend_shows_every_run_of_the_experiment(command: RealCommand) -> None:
    points = json.loads(command.run("runs", "loop", "--trend", "--json")[0])
    assert [point["what"] for point in points] == [[], ["prompt"]]
    assert points[1]["change_n"] == 12
    assert "what changed" in command.run("runs", "--trend")[0]
    assert "there is no run of an experiment 'lop'" in command.run("runs", "lop", "--trend", code=2)[1]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (("ann.zip", "./ann.zip"), "are the same run"),
        (("ann.zip", "nobody.zip"), "there is no file nobody.zip"),
        (("ann.zip", "nobody"), "there is no run 'nobody'"),
    ],
)
def test_what_cannot_be_compared_is_said(command: RealCommand, targets: tuple[str, ...], said: str) -> None:
    assert said in command.run("compare", *targets, code=2)[1]


def test_a_bundle_alone_reprints_its_table(command: RealCommand, tmp_path: Path) -> None:
    shown = json.loads(command.run("compare", "ann.zip", "--json", home=tmp_path)[0])
    replayed = json.loads(command.run("replay", "ann.zip", "--json", home=tmp_path)[0])
    assert (shown["cells"], shown["pairs"]) == (replayed["cells"], replayed["pairs"])
