"""Real benchmark files, opened by experiment files alone. They lie where PROMPTLAB_REAL_DATA says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from promptlab.experiment import make_plan

FOLDER = os.environ.get("PROMPTLAB_REAL_DATA", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="PROMPTLAB_REAL_DATA names no folder with benchmark files")

EXPERIMENT = """\
name: real
dataset:
  path: {folder}/{file}
{data}
task:
  prompt: "{prompt}"
  answer: {answer}
models: [scripted/script.yaml]
variants: [zero_shot, {{technique: few_shot, demos: 3}}]
"""
FEW = "  split: {test: 0.8, train: 0.2}"
# file: (keys of the data set, prompt, answer type, rows, the first answer)
FILES = {
    "svamp.json": (
        "  target: Answer\n  id: ID\n  rationale: Equation\n  metadata: [Type]\n" + FEW,
        "{{ Body }} {{ Question }}",
        "number",
        1000,
    ),
    "gsm8k_train_300.jsonl": (
        "  target: \"{{ answer.split('####')[1] }}\"\n  rationale: \"{{ answer.split('####')[0] }}\"\n" + FEW,
        "{{ question }}",
        "number",
        300,
    ),
    "mgsm_zh.tsv": (
        "  header: false\n  columns: [question, answer]\n  target: answer\n" + FEW,
        "{{ question }}",
        "number",
        250,
    ),
    "ii_sentiment.json": ("  target: output\n" + FEW, "{{ input }}", "label", 100),
    "bbh_boolean_expressions.json": ("  target: target\n" + FEW, "{{ input }}", "yes_no", 250),
    "bbh_sports_understanding.json": ("  target: target\n  split: {folds: 5}", "{{ input }}", "yes_no", 250),
    "bbh_word_sorting.json": ("  target: target\n" + FEW, "{{ input }}", "text", 250),
}


@pytest.mark.parametrize("file", FILES)
def test_a_benchmark_file_needs_nothing_but_yaml(file: str, tmp_path: Path) -> None:
    data, prompt, answer, rows = FILES[file]
    (tmp_path / "script.yaml").write_text("- {default: x}\n")
    (tmp_path / "exp.yaml").write_text(
        EXPERIMENT.format(folder=Path(FOLDER).resolve(), file=file, data=data, prompt=prompt, answer=answer)
    )
    with make_plan(tmp_path / "exp.yaml", tmp_path / "home") as plan:
        (dataset,) = plan.datasets
        assert dataset.sizes["test"] == round(0.8 * rows) or dataset.sizes["test"] == rows // 5
        assert sum(dataset.sizes.values()) == rows or "unused" in dataset.notes[-1]
        task = plan.cells[0].task
        for sample in dataset.samples("test"):
            asked = task.render_prompt(sample.question())
            assert asked.strip()
            assert sample.target
            if answer == "number":
                float(str(sample.target).replace(",", ""))


def test_every_real_file_is_covered() -> None:
    assert {path.name for path in Path(FOLDER).iterdir() if path.is_file()} == set(FILES)
