"""A scorer of the user's own, a Python function beside the experiment, through the real command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    fake_provider.control(answers=[{"regex": r"is (\d+) \+ (\d+)\?", "reply": r"About \1"}])
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(6, model("fake-1", fake_provider.openai))
    return command


def scored(command: RealCommand, code: str, entry: str = "near.py:near") -> None:
    (command.folder / "near.py").write_text(code)
    text = (command.folder / "exp.yaml").read_text().split("scorers:")[0]
    (command.folder / "exp.yaml").write_text(
        f"{text}scorers: [exact_match, {{scorer: '{entry}', as: near}}]\n"
    )


def test_the_example_of_the_readme_grades(command: RealCommand) -> None:
    (code,) = re.findall(r"```python\n(def close_enough.*?)```", README, re.DOTALL)
    assert len(code.splitlines()) <= 15
    scored(command, code, "near.py:close_enough")
    near = command.compare()["cells"][0]["scores"]["near"]
    assert near["n"] == 6
    assert near["mean"] is not None


def test_changed_code_grades_stored_answers_again_and_asks_nobody(
    command: RealCommand, fake_provider: Any
) -> None:
    scored(
        command,
        "def near(answer, target, off=5):\n    return abs(int(answer.split()[-1]) - int(target)) <= off\n",
    )
    first = command.compare()["cells"][0]["scores"]["near"]["mean"]
    asked = len(fake_provider.log)
    text = (command.folder / "exp.yaml").read_text().replace("as: near}", "as: near, off: 2}")
    (command.folder / "exp.yaml").write_text(text)
    second = command.compare()["cells"][0]["scores"]["near"]["mean"]
    scored(command, "def near(reply):\n    return 0.25\n")
    third = command.compare()["cells"][0]["scores"]["near"]["mean"]
    assert (first, second, third) == (5 / 6, 2 / 6, 0.25)
    assert len(fake_provider.log) == asked


def test_an_error_in_it_is_one_line_with_the_sample_and_loses_no_answer(
    command: RealCommand, fake_provider: Any
) -> None:
    scored(command, "def near(answer, inputs):\n    return 1 / (int(inputs['q'].split()[0]) - 3)\n")
    _, err = command.run("compare", "exp.yaml", code=2)
    (line,) = [line for line in err.splitlines() if line.startswith("promptlab:")]
    assert "the scorer 'near' failed on sample 's" in line
    asked = len(fake_provider.log)
    scored(command, "def near(answer):\n    return True\n")
    assert command.compare()["cells"][0]["scores"]["near"]["mean"] == 1
    assert len(fake_provider.log) == asked == 6


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def near(answer, tarket):\n    return 1\n", "nothing is known by the name 'tarket'"),
        ("def near(*all):\n    return 1\n", "has no name of its own"),
        ("def other(answer):\n    return 1\n", "near"),
        ("near = 5\n", "near"),
    ],
)
def test_what_can_be_wrong_with_it_is_found_before_the_first_call(
    command: RealCommand, fake_provider: Any, code: str, told: str
) -> None:
    scored(command, code)
    _, err = command.run("compare", "exp.yaml", code=2)
    assert told in err
    assert not fake_provider.log


def test_time_and_price_are_graded_from_what_is_stored(command: RealCommand, fake_provider: Any) -> None:
    command.compare()
    asked = len(fake_provider.log)
    command.run(
        "score",
        "loop",
        "--scorer",
        "latency:max_s=100,as=quick",
        "--scorer",
        "latency:max_s=0.000001,as=never",
        "--scorer",
        "cost:max_usd=1",
    )
    scores = command.compare()["cells"][0]["scores"]
    assert (scores["quick"]["mean"], scores["never"]["mean"]) == (1, 0)
    assert scores["cost"]["mean"] in (1, None)
    assert len(fake_provider.log) == asked
