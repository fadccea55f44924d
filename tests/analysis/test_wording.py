"""What stands beside a comparison: the range over formats and wordings, and what was retrieved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import promptlab

EXPERIMENT = """\
name: beside
datasets: [{path: data.jsonl, target: answer, id: id, metadata: [gold]}]
task: {prompt: "How much is {{ q }}?", answer: number}
models: [{id: scripted/script.yaml, name: scripted}]
variants:
"""
SCRIPT = '- {contains: "## Task", reply: "9"}\n- {default: "8"}\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"id": str(i), "q": f"{i} + {8 - i}", "answer": "8", "gold": ["1"]} for i in range(6)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text(SCRIPT)
    (tmp_path / "facts.txt").write_text("How much it is, is 8.\n\nNothing of that kind.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notes(folder: Path, variants: str) -> tuple[str, ...]:
    (folder / "exp.yaml").write_text(EXPERIMENT + variants)
    experiment = promptlab.load(folder / "exp.yaml")
    experiment.run()
    return experiment.comparison().notes


def test_the_range_over_formats_and_over_wordings_is_told(folder: Path) -> None:
    told = notes(
        folder,
        "  - {technique: zero_shot, matrix: {format: [plain, markdown, json]}}\n"
        "  - {name: short, technique: zero_shot, prompt: '{{ q }}'}\n",
    )
    assert told == (
        "scripted on data: over 3 formats numeric ranges from 0.00 (zero_shot[format=markdown]) "
        "to 1.00 (zero_shot[format=plain])",
        "scripted on data: over 2 wordings numeric is 1.00 throughout",
    )


def test_variants_that_differ_in_more_than_their_format_are_no_range(folder: Path) -> None:
    assert notes(folder, "  - zero_shot\n  - {technique: zero_shot_cot, format: json}\n") == ()


def test_recall_is_told_apart_from_accuracy_also_where_retrieval_is_inside(folder: Path) -> None:
    source = "corpus_file: facts.txt, k: 1, by: bm25, relevant: gold"
    told = notes(
        folder,
        f"  - {{name: alone, technique: retrieval, {source}}}\n"
        f"  - {{name: inside, technique: zero_shot_cot, context: {{technique: retrieval, {source}}}}}\n",
    )
    assert told == (
        "alone × scripted × data: recall@1 1.00 over 6 trials, apart from the answers",
        "inside × scripted × data: recall@1 1.00 over 6 trials, apart from the answers",
    )
