"""Real benchmark files load with nothing but a spec. They lie where PROMPTLAB_REAL_DATA says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptlab.datasets import Dataset, check

FOLDER = os.environ.get("PROMPTLAB_REAL_DATA", "")

pytestmark = pytest.mark.skipif(not FOLDER, reason="PROMPTLAB_REAL_DATA names no folder with benchmark files")

SVAMP = {"target": "Answer", "id": "ID", "rationale": "Equation"}
MGSM = {"target": "answer", "header": False, "columns": ["question", "answer"]}
SPECS: dict[str, tuple[dict[str, Any], int, str, tuple[str, ...]]] = {
    "svamp.json": (SVAMP, 1000, "51", ("Body", "Question", "Type")),
    "bbh_boolean_expressions.json": ({"target": "target"}, 250, "False", ("input",)),
    "bbh_sports_understanding.json": ({"target": "target"}, 250, "no", ("input",)),
    "bbh_word_sorting.json": ({"target": "target"}, 250, "syndrome therefrom", ("input",)),
    "gsm8k_train_300.jsonl": (
        {"target": "{{ answer.split('####')[1] }}", "rationale": "{{ answer.split('####')[0] }}"},
        300,
        "72",
        ("question",),
    ),
    "ii_sentiment.json": ({"target": "output"}, 100, "positive", ("input",)),
    "mgsm_zh.tsv": (MGSM, 250, "18", ("question",)),
}


@pytest.mark.parametrize("name", SPECS)
def test_real_file_loads_with_nothing_but_a_spec(opened: Callable[..., Dataset], name: str) -> None:
    keys, rows, first_target, columns = SPECS[name]
    dataset = opened(path=name, folder=Path(FOLDER), **keys)
    samples = list(dataset.samples("test"))
    assert len(samples) == rows
    assert samples[0].target == first_target
    assert all(sample.target for sample in samples)
    assert dataset.columns == columns
    assert len({sample.id for sample in samples}) == rows


def test_numbers_of_real_files_are_numbers(opened: Callable[..., Dataset]) -> None:
    for name in ("svamp.json", "gsm8k_train_300.jsonl", "mgsm_zh.tsv"):
        dataset = opened(path=name, folder=Path(FOLDER), **SPECS[name][0])
        for sample in dataset.samples("test"):
            assert isinstance(sample.target, str)
            float(sample.target.replace(",", ""))


def test_labels_of_real_files(opened: Callable[..., Dataset]) -> None:
    expected = {
        "ii_sentiment.json": ["negative", "positive"],
        "bbh_sports_understanding.json": ["no", "yes"],
        "bbh_boolean_expressions.json": ["False", "True"],
    }
    for name, labels in expected.items():
        assert opened(path=name, folder=Path(FOLDER), **SPECS[name][0]).labels() == labels


def test_near_duplicates_of_a_real_file_are_found(opened: Callable[..., Dataset]) -> None:
    report = check(opened(path="svamp.json", folder=Path(FOLDER), **SVAMP))
    assert report.near_count > 0
    assert all(pair.similarity >= 0.8 for pair in report.near)
