"""The example of a technique of one's own is short, and it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import promptlab

EXAMPLES = Path(__file__).resolve().parents[2] / "experiments"


def test_the_example_of_an_own_technique_runs_from_its_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(EXAMPLES / "my_technique.py", tmp_path)
    text = (EXAMPLES / "my_technique.yaml").read_text()
    (tmp_path / "exp.yaml").write_text(text.replace("local/smollm2-135m", "scripted/script.yaml"))
    (tmp_path / "script.yaml").write_text(
        '- {regex: "Benno.*Count the flips|Count the flips", reply: ["yes", "no"]}\n- {default: "yes"}\n'
    )
    monkeypatch.chdir(tmp_path)
    experiment = promptlab.load(tmp_path / "exp.yaml")
    assert experiment.run().status == "complete"
    trials = experiment.to_frame("trials")
    own = trials[trials["variant"] != "zero_shot"]
    assert list(own["calls"]) == [2] * 10
    assert set(own["status"]) == {"ok", "unparsed"}
    assert len((EXAMPLES / "my_technique.py").read_text().splitlines()) <= 22


def test_editing_the_file_makes_other_trials(tmp_path: Path) -> None:
    from promptlab.techniques import techniques

    source = (EXAMPLES / "my_technique.py").read_text()
    (tmp_path / "mine.py").write_text(source)
    first = techniques.get("mine.py:Twice", folder=tmp_path)().identity()
    (tmp_path / "mine.py").write_text(source.replace("anew", "again"))
    second = techniques.get("mine.py:Twice", folder=tmp_path)().identity()
    assert first["technique"].startswith("Twice@")
    assert first["technique"] != second["technique"]
