"""Columns and templates become samples; the answer never reaches the question."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import Dataset, Sample


@pytest.fixture
def one(folder: Path, opened: Callable[..., Dataset]) -> Callable[..., Sample]:
    """The sample of a single row."""

    def sample(row: dict[str, Any], **keys: Any) -> Sample:
        (folder / "row.jsonl").write_text(json.dumps(row) + "\n")
        return opened(path="row.jsonl", **keys).first()

    return sample


def test_template_target_withholds_every_column_it_uses(one: Callable[..., Sample]) -> None:
    row = {"question": "2+2?", "answer": "two and two #### 4", "hint": "even"}
    sample = one(row, target="{{ answer.split('####')[1] }}", rationale="{{ answer.split('####')[0] }}")
    assert (sample.target, sample.rationale) == ("4", "two and two")
    assert dict(sample.question().inputs) == {"question": "2+2?", "hint": "even"}


def test_answer_as_metadata_is_refused(one: Callable[..., Sample]) -> None:
    with pytest.raises(ExperimentError, match="holds the target") as caught:
        one({"question": "q", "answer": "a"}, target="answer", metadata=["question", "answer"])
    assert caught.value.field == "metadata.1"


def test_list_target_stays_one_sample(one: Callable[..., Sample]) -> None:
    assert one({"q": "scarf", "a": ["scarves", "scarfs"]}, target="a").target == ("scarves", "scarfs")


@pytest.mark.parametrize(
    ("value", "text"), [(51.0, "51"), (0.5, "0.5"), (7, "7"), (True, "true"), (" spaced ", "spaced")]
)
def test_target_is_text(one: Callable[..., Sample], value: object, text: str) -> None:
    assert one({"q": "q", "a": value}, target="a").target == text


def test_dots_lead_into_an_object(one: Callable[..., Sample]) -> None:
    sample = one({"q": "q", "answers": {"text": ["x", "y"], "start": [1, 2]}}, target="answers.text")
    assert sample.target == ("x", "y")
    assert dict(sample.inputs) == {"q": "q"}


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        (["x", "y"], "options"),
        ({"A": "x", "B": "y"}, "options"),
        ({"text": ["x", "y"], "label": ["A", "B"]}, "options"),
        ('["x", "y"]', "options"),
        ("x\ny\n", "options"),
        ("x|y", "{{ options | replace('|', '\n') }}"),
    ],
)
def test_choices_in_one_column(one: Callable[..., Sample], options: object, choices: str) -> None:
    assert one({"q": "q", "options": options, "a": "A"}, target="a", choices=choices).choices == ("x", "y")


def test_choices_in_columns_of_their_own(one: Callable[..., Sample]) -> None:
    sample = one({"q": "q", "A": "x", "B": 2, "C": ""}, choices=["A", "B", "C"])
    assert sample.choices == ("x", "2")
    assert sample.target is None


def test_id_and_metadata_are_seen_and_the_group_is_kept(one: Callable[..., Sample]) -> None:
    row = {"key": 17, "q": "q", "level": "hard", "story": 3}
    sample = one(row, id="key", metadata=["level"], group="story")
    assert (sample.id, sample.group) == ("17", "3")
    assert dict(sample.metadata) == {"level": "hard", "key": 17}
    assert dict(sample.inputs) == {"q": "q", "level": "hard", "story": 3}


def test_equal_ids_are_refused_with_their_rows(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.csv").write_text("key,q\na,1\nb,2\na,3\n")
    with pytest.raises(ExperimentError, match=r"same id stands in rows 1, 3 \(got 'a'\)") as caught:
        opened(path="a.csv", id="key")
    assert caught.value.field == "id"


def test_reordered_rows_keep_ids_and_contents(folder: Path, opened: Callable[..., Dataset]) -> None:
    rows = [{"q": "same", "a": 1}, {"q": "other", "a": 2}, {"q": "same", "a": 1}]
    seen = []
    for name, order in (("a.jsonl", [0, 1, 2]), ("b.jsonl", [2, 0, 1])):
        (folder / name).write_text("".join(json.dumps(rows[each]) + "\n" for each in order))
        seen.append(opened(path=name, target="a"))
    ids = [{(sample.id, sample.content) for sample in dataset.samples("test")} for dataset in seen]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 3
    assert seen[0].hash != seen[1].hash  # the order of a run is part of what it read


def test_edited_row_is_new_even_under_its_old_id(one: Callable[..., Sample]) -> None:
    before = one({"key": "k", "q": "q", "a": "1"}, id="key", target="a")
    after = one({"key": "k", "q": "q", "a": "2"}, id="key", target="a")
    assert before.id == after.id
    assert before.content != after.content


def test_columns_that_some_rows_lack_are_told_apart(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.jsonl").write_text(
        '{"q": 1, "hint": 2, "a": 1}\n{"q": 1, "a": 1}\n{"q": 1, "more": 1, "a": 1}\n'
    )
    dataset = opened(path="a.jsonl", target="a")
    assert dataset.columns == ("q",)
    assert dataset.partial_columns == {"hint": "row 2 of a.jsonl", "more": "row 1 of a.jsonl"}
    assert dataset.withheld == ("a",)


def test_labels_are_the_distinct_targets(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.csv").write_text("q,a\n" + "".join(f"{n},{'yes' if n % 3 else 'no'}\n" for n in range(30)))
    (folder / "b.csv").write_text("q,a\n" + "".join(f"{n},{n}\n" for n in range(1001)))
    assert opened(path="a.csv", target="a").labels() == ["no", "yes"]
    with pytest.raises(ExperimentError, match="more than 1000 different targets"):
        opened(path="b.csv", target="a").labels()
