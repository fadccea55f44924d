"""`match_tokens`: beside a cheaper variant, votes over it at the dearest one's tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptlab

EXPERIMENT = """\
name: equal budget
datasets: [{path: data.jsonl, target: answer, id: id}]
task: {prompt: "How much is {{ q }}?", answer: number}
models: [{id: scripted/script.yaml, name: scripted}]
variants:
  - zero_shot
  - {technique: zero_shot_cot, render: single}
match_tokens: true
"""
SCRIPT = """\
- {regex: "Therefore,", reply: "8"}
- {regex: "step by step", reply: "One after another, and so on, until all of it is said and done."}
- {default: ["8", "9", "8"]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"id": str(i), "q": f"{i} + {8 - i}", "answer": "8"} for i in range(6)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text(SCRIPT)
    (tmp_path / "exp.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cells(folder: Path) -> list[dict[str, Any]]:
    experiment = promptlab.load(folder / "exp.yaml")
    experiment.run()
    found: list[dict[str, Any]] = experiment.comparison().to_json()["cells"]
    return found


def test_the_cheaper_variant_gets_a_vote_at_the_dearer_ones_tokens_and_stays_itself(folder: Path) -> None:
    (folder / "exp.yaml").write_text(EXPERIMENT.replace("match_tokens: true\n", ""))
    before = {cell["variant"]: cell["scores"] for cell in cells(folder)}
    (folder / "exp.yaml").write_text(EXPERIMENT)
    after = cells(folder)
    assert [cell["variant"] for cell in after] == ["zero_shot", "zero_shot ×8", "zero_shot_cot"]
    assert {cell["variant"]: cell["scores"] for cell in after if "×" not in cell["variant"]} == before
    zero, voted, dear = ((c["prompt_tokens"] + c["completion_tokens"]) / c["n"] for c in after)
    assert voted == pytest.approx(8 * zero)
    assert abs(voted - dear) <= zero / 2
    assert after[1]["calls"] == 8 * 6


def test_a_second_command_adds_and_calls_nothing(folder: Path) -> None:
    first = cells(folder)
    experiment = promptlab.load(folder / "exp.yaml")
    result = experiment.run()
    assert experiment.comparison().to_json()["cells"] == first
    assert getattr(result, "sent_calls", 0) == 0


def test_votes_that_would_ask_the_same_are_added_once_and_not_where_the_file_asks_them(folder: Path) -> None:
    more = "  - {name: cold, technique: zero_shot, temperature: 0}\nmatch_tokens: true"
    (folder / "exp.yaml").write_text(EXPERIMENT.replace("match_tokens: true", more))
    names = [cell["variant"] for cell in cells(folder)]
    assert names == ["zero_shot", "zero_shot ×8", "zero_shot_cot", "cold"]
    own = "  - {name: own, technique: self_consistency, samples: 8, inner: zero_shot}\nmatch_tokens: true"
    (folder / "exp.yaml").write_text(EXPERIMENT.replace("match_tokens: true", own))
    assert [cell["variant"] for cell in cells(folder)] == ["zero_shot", "zero_shot_cot", "own"]


def test_a_filter_on_variants_adds_nothing_and_says_so(folder: Path) -> None:
    told: list[str] = []
    promptlab.load(folder / "exp.yaml").run(variants=["zero_shot"], tell=told.append)
    assert any("match_tokens needs all variants" in each for each in told)
