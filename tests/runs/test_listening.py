"""Whoever listens to a run can fail; what was answered until then is kept."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from promptlab.experiment import make_plan
from promptlab.runs import Options, execute
from promptlab.runs.events import Event


def test_what_a_listener_raises_ends_the_run_as_it_is_and_keeps_what_was_answered(tmp_path: Path) -> None:
    rows = [{"q": str(number), "a": "yes"} for number in range(40)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text("- {default: 'yes'}\n")
    (tmp_path / "exp.yaml").write_text(
        "name: heard\n"
        "dataset: {path: data.jsonl, target: a}\n"
        'task: {prompt: "Is {{ q }} odd?", answer: yes_no}\n'
        "models: [scripted/script.yaml]\n"
        "variants: [zero_shot]\n"
        "limits: {concurrency: 1}\n"
    )
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        if sum(each["event"] == "trial" for each in heard) == 3:
            raise ValueError("a listener's own trouble")

    home = tmp_path / "home"
    with make_plan(tmp_path / "exp.yaml", home) as plan, pytest.raises(ValueError, match="own trouble"):
        execute(plan, home, Options(), listen=listen)
    (store,) = home.glob("runs/*/run.sqlite")
    kept = sqlite3.connect(store).execute("SELECT count(*) FROM trials").fetchone()
    assert kept == (3,)
