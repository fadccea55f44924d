"""Splits: what was asked for, seeded, whole groups, and said where nobody asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import SPLITS, Dataset, DatasetSpec, SplitName, SplitSpec
from promptlab.datasets.splitting import _sizes


@pytest.fixture
def hundred(folder: Path) -> Path:
    """100 rows in 20 stories of five, with a column that names splits."""
    names = ["train"] * 60 + ["validation"] * 10 + ["TEST"] * 20 + ["extra"] * 10
    rows = "".join(f"k{n},question {n},{n % 2},s{n // 5},{names[n]}\n" for n in range(100))
    (folder / "a.csv").write_text("key,q,a,story,part\n" + rows)
    return folder


def ids(dataset: Dataset, split: SplitName) -> set[str]:
    return {sample.id for sample in dataset.samples(split)}


KEYS = {"path": "a.csv", "id": "key", "target": "a"}


def test_without_split_every_row_is_test(hundred: Path, opened: Callable[..., Dataset]) -> None:
    dataset = opened(**KEYS)
    assert dict(dataset.sizes) == {"train": 0, "dev": 0, "test": 100}
    assert dataset.notes == ()
    assert [sample.id for sample in dataset.samples("test")] == [f"k{n}" for n in range(100)]


def test_without_split_a_fifth_each_is_taken_out_and_said(
    hundred: Path, opened: Callable[..., Dataset]
) -> None:
    only_train = opened(**KEYS, need_train=True)
    both = opened(**KEYS, need_train=True, need_dev=True)
    assert dict(only_train.sizes) == {"train": 20, "dev": 0, "test": 80}
    assert dict(both.sizes) == {"train": 20, "dev": 20, "test": 60}
    assert ids(only_train, "train") == ids(both, "train")
    assert "20 of the 100 test rows" in both.notes[0]
    assert "seed 0" in both.notes[0]
    assert set.union(*(ids(both, split) for split in SPLITS)) == {f"k{n}" for n in range(100)}


def test_without_split_groups_stay_whole(hundred: Path, opened: Callable[..., Dataset]) -> None:
    dataset = opened(**KEYS, group="story", need_train=True, need_dev=True)
    stories = [{sample.group for sample in dataset.samples(split)} for split in SPLITS]
    assert dict(dataset.sizes) == {"train": 20, "dev": 20, "test": 60}
    assert sum(map(len, stories)) == len(set.union(*stories)) == 20


def test_sizes_fractions_and_seed(hundred: Path, opened: Callable[..., Dataset]) -> None:
    sized = opened(**KEYS, split={"test": 30, "train": 20})
    assert dict(sized.sizes) == {"train": 20, "dev": 0, "test": 30}
    assert sized.notes == ("50 of 100 rows belong to no split and stay unused",)
    fractions = opened(**KEYS, split={"test": 0.3, "train": 0.7})
    assert dict(fractions.sizes) == {"train": 70, "dev": 0, "test": 30}
    assert ids(sized, "test") == ids(fractions, "test")
    assert ids(opened(**KEYS, split={"test": 30, "train": 20}, seed=1), "test") != ids(sized, "test")
    larger = opened(**KEYS, split={"test": 60, "train": 20, "dev": 5})
    assert ids(larger, "test") > ids(sized, "test")
    assert ids(larger, "train") == ids(sized, "train")


def test_left_over_rows_serve_what_is_missing(hundred: Path, opened: Callable[..., Dataset]) -> None:
    dataset = opened(**KEYS, split={"test": 60}, need_train=True)
    assert dict(dataset.sizes) == {"train": 40, "dev": 0, "test": 60}
    both = opened(**KEYS, split={"test": 60}, need_train=True, need_dev=True)
    assert dict(both.sizes) == {"train": 20, "dev": 20, "test": 60}
    assert ids(both, "test") == ids(dataset, "test")


def test_dev_comes_out_of_train_where_nothing_is_left_and_test_stays_whole(
    hundred: Path, opened: Callable[..., Dataset]
) -> None:
    dataset = opened(**KEYS, split={"test": 0.5, "train": 0.5}, need_dev=True)
    assert dict(dataset.sizes) == {"train": 40, "dev": 10, "test": 50}
    with pytest.raises(ExperimentError, match="needs train rows") as caught:
        opened(**KEYS, split={"test": 1.0}, need_train=True)
    assert caught.value.field == "split.train"


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (["dev", "test"], {"train": 0, "dev": 1, "test": 1}),
        (["test", "test"], {"train": 0, "dev": 0, "test": 2}),
        (["train", "train"], {"train": 1, "dev": 1, "test": 0}),
        (["train"], {"train": 1, "dev": 0, "test": 0}),
    ],
)
def test_who_only_looks_at_rows_sees_those_that_are_there(
    folder: Path, opened: Callable[..., Dataset], names: list[str], sizes: dict[str, int]
) -> None:
    rows = "".join(f"k{n},question {n},{n},{name}\n" for n, name in enumerate(names))
    (folder / "a.csv").write_text("key,q,a,part\n" + rows)
    keys = {**KEYS, "split": {"column": "part"}, "need_train": True, "need_dev": True}
    assert dict(opened(**keys, may_lack=True).sizes) == sizes
    with pytest.raises(ExperimentError):
        opened(**keys)


def test_more_rows_than_there_are_is_refused(hundred: Path, opened: Callable[..., Dataset]) -> None:
    with pytest.raises(ExperimentError, match="need 120 rows, but there are 100") as caught:
        opened(**KEYS, split={"test": 100, "train": 20})
    assert caught.value.field == "split.test"


def test_sizes_with_groups_say_what_they_became(hundred: Path, opened: Callable[..., Dataset]) -> None:
    dataset = opened(**KEYS, group="story", split={"test": 12})
    assert dataset.sizes["test"] == 10
    assert dataset.notes[0] == "test: 10 rows instead of 12, since groups are kept whole"
    tiny = opened(**KEYS, group="story", split={"test": 2})
    assert tiny.sizes["test"] == 5


def test_column_names_splits(hundred: Path, opened: Callable[..., Dataset]) -> None:
    dataset = opened(**KEYS, split="part")
    assert dict(dataset.sizes) == {"train": 60, "dev": 10, "test": 20}
    assert "part" not in dataset.columns
    assert dataset.first().metadata["part"] == "TEST"
    picked = opened(**KEYS, split={"column": "part", "test": ["TEST", "extra"], "train": "validation"})
    assert dict(picked.sizes) == {"train": 10, "dev": 0, "test": 30}
    with pytest.raises(ExperimentError, match="Did you mean 'extra'") as caught:
        opened(**KEYS, split={"column": "part", "test": "extras"})
    assert caught.value.field == "split.test"
    with pytest.raises(ExperimentError, match="no row says train, dev or test, but '0', '1'") as caught:
        opened(path="a.csv", split={"column": "a"})
    assert caught.value.field == "split.column"


def test_folds_cover_every_row_once(hundred: Path, opened: Callable[..., Dataset]) -> None:
    keys = {**KEYS, "group": "story", "need_train": True, "need_dev": True}
    folds = [opened(**keys, split={"folds": 4, "fold": n}) for n in range(4)]
    assert [fold.sizes["test"] for fold in folds] == [25] * 4
    assert set.union(*(ids(fold, "test") for fold in folds)) == {f"k{n}" for n in range(100)}
    assert ids(folds[0], "dev") == ids(folds[1], "test")
    assert folds[0].sizes["train"] == 50


def test_one_file_per_split(hundred: Path, folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "b.csv").write_text("key,q,a\nk1,another question,1\n")
    dataset = opened(path={"train": "a.csv", "test": "b.csv"}, id="key", target="a", need_dev=True)
    assert dict(dataset.sizes) == {"train": 80, "dev": 20, "test": 1}
    found = dataset.find("k1")
    assert found is not None
    assert found.inputs["q"] == "another question"
    named = opened(
        path={"gold": "b.csv", "silver": "a.csv"}, target="a", split={"test": "gold", "train": "silver"}
    )
    assert dict(named.sizes) == {"train": 100, "dev": 0, "test": 1}


def test_files_in_one_split_may_not_share_ids(
    hundred: Path, folder: Path, opened: Callable[..., Dataset]
) -> None:
    (folder / "b.csv").write_text("key,q,a,story,part\nk1,question 1,1,s0,train\n")
    both: dict[str, object] = {
        "path": {"x": "a.csv", "y": "b.csv"},
        "target": "a",
        "split": {"test": ["x", "y"]},
    }
    with pytest.raises(ExperimentError, match=r"same id stands in a\.csv and b\.csv") as caught:
        opened(**both, id="key")
    assert caught.value.field == "id"
    dataset = opened(**both)  # the very same row in both files
    assert len(ids(dataset, "test")) == 101


def test_limit_comes_before_splitting_and_sample_is_seeded(
    hundred: Path, opened: Callable[..., Dataset]
) -> None:
    assert ids(opened(**KEYS, limit=10, need_train=True), "test") < {f"k{n}" for n in range(10)}
    drawn = opened(**KEYS, sample=30)
    assert drawn.sizes["test"] == 30
    assert ids(drawn, "test") == ids(opened(**KEYS, sample=30), "test")
    assert ids(drawn, "test") != ids(opened(**KEYS, sample=30, seed=1), "test")
    assert ids(drawn, "test") < ids(opened(**KEYS, sample=40), "test")
    numbers = [int(sample.id[1:]) for sample in drawn.samples("test")]
    assert numbers == sorted(numbers)
    assert "fewer than 500" in opened(**KEYS, sample=500).notes[0]


def test_names_without_named_splits_are_refused(hundred: Path, opened: Callable[..., Dataset]) -> None:
    with pytest.raises(ExperimentError, match="no named splits") as caught:
        opened(**KEYS, split={"test": "validation"})
    assert caught.value.field == "split.test"


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"test": 0}, "is no size"),
        ({"test": 1.5}, "is no fraction"),
        ({"test": 0.8, "train": 0.4}, "add up to 1.2"),
        ({"test": True}, "valid"),
        ({"test": 10, "train": "a"}, "cannot be mixed"),
        ({"folds": 3, "test": 10}, "folds stand alone"),
        ({"folds": 3, "fold": 3}, "does not exist"),
        ({"fold": 1}, "needs folds"),
        ({}, "at least test"),
        ({"tset": 10}, "tset"),
    ],
)
def test_split_that_makes_no_sense_is_refused(split: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DatasetSpec(path="a.csv", split=split)


@given(
    rows=st.integers(1, 5000),
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=3),
)
def test_fractions_that_add_up_to_one_leave_no_row_over(rows: int, weights: list[int]) -> None:
    parts = {
        name: weight / sum(weights) for name, weight in zip(("test", "train", "dev"), weights, strict=False)
    }
    sizes = _sizes(SplitSpec(**parts), rows)
    assert sum(sizes.values()) == rows
    assert all(abs(size - parts[name] * rows) < 1 for name, size in sizes.items())
