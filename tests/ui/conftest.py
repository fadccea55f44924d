"""A run whose names try to be HTML and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import promptlab

NAME = "<script>alert(1)</script> :red[x]"


def run_experiment(folder: Path) -> None:
    """Runs it with PROMPTLAB_HOME at `folder/home`."""
    rows = [{"q": str(number), "a": "yes" if number % 2 else "no"} for number in range(30)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text("- {default: 'yes'}\n")
    (folder / "exp.yaml").write_text(
        f"name: {json.dumps(NAME)}\n"
        "dataset: {path: data.jsonl, target: a}\n"
        'task: {prompt: "Is {{ q }} odd?", answer: yes_no}\n'
        "models: [scripted/script.yaml]\n"
        'variants: [zero_shot, {name: "![x](http://evil/x.png)", technique: zero_shot, mode: paper}]\n'
    )
    assert promptlab.load(folder / "exp.yaml", home=folder / "home").run().status == "complete"


@pytest.fixture
def hostile_run() -> Callable[[Path], None]:
    return run_experiment
