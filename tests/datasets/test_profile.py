"""What a look at columns and splits says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from promptlab.datasets import Dataset, DatasetSpec, examine
from promptlab.datasets.profile import ColumnProfile, PlacedRow, profile_columns, profile_splits, read_rows


def profiled(*values: Any, **more: Any) -> ColumnProfile:
    (column,) = profile_columns(
        (PlacedRow(f"row {n} of a", {"c": value}) for n, value in enumerate(values, start=1)), **more
    )
    return column


def test_types_are_told_apart() -> None:
    kinds = {
        "text": ("a", "b"),
        "number": ("1", "2,000", -3.5),
        "true/false": (True, False),
        "list": ([1], ["a"]),
        "object": ({"a": 1},),
        "mixed": ("a", [1]),
        "empty": (None, ""),
    }
    assert {name: profiled(*values).kind for name, values in kinds.items()} == {name: name for name in kinds}
    assert profiled("a", "1").kind == "text"


def test_empty_cells_are_counted_with_their_rows() -> None:
    column = profiled("a", "", None, "  ", "b", [], {}, "")
    assert (column.filled, column.empty) == (2, 6)
    assert column.empty_in == ("row 2 of a", "row 3 of a", "row 4 of a", "row 6 of a", "row 7 of a")
    assert profiled(0, False).empty == 0


def test_columns_that_come_late_are_empty_before() -> None:
    rows = [{"a": 1}, {"a": 1}, {"a": 1, "b": 2}, {"b": 3}]
    first, late = profile_columns(PlacedRow(f"row {n}", row) for n, row in enumerate(rows, start=1))
    assert (first.filled, first.empty, first.empty_in) == (3, 1, ("row 4",))
    assert (late.filled, late.empty) == (2, 2)


def test_lengths_are_exact_quantiles() -> None:
    lengths = profiled(*("x" * n for n in range(1, 101))).lengths
    assert lengths is not None
    assert tuple(lengths) == (1, 50, 95, 100)


def test_distinct_values_are_counted_up_to_a_bound() -> None:
    assert profiled("a", "b", "a").counts == {"a": 2, "b": 1}
    many = profiled(*(f"v{n}" for n in range(60)))
    assert (many.distinct, many.counts) == (60, None)
    assert profiled(*(f"v{n}" for n in range(60)), max_distinct=50).distinct is None


def test_splits_say_their_balance_groups_and_lengths(folder: Path, opened: Callable[..., Dataset]) -> None:
    rows = "".join(f"text {n},{'yn'[n % 2]},g{n // 5},{'test' if n < 20 else 'train'}\n" for n in range(30))
    (folder / "a.csv").write_text("q,a,story,part\n" + rows)
    dataset = opened(path="a.csv", target="a", group="story", split="part")
    test, train = profile_splits(dataset)
    assert (test.split, test.size, test.labels, test.groups) == ("test", 20, {"y": 10, "n": 10}, 4)
    assert (train.split, train.size, train.groups, train.hash) == (
        "train",
        10,
        2,
        dataset.split_hash("train"),
    )


def test_an_examination_reads_what_the_data_set_reads(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.jsonl").write_text('{"q": "one", "a": 1}\n{"q": "one", "a": 2}\n{"q": "x", "a": 2}\n')
    spec = DatasetSpec(path="a.jsonl", target="a", limit=2)
    found = examine(opened(path="a.jsonl", target="a", limit=2), spec, folder)
    assert (found.rows, found.empty_cells, found.overlaps, found.repeats.conflict_groups) == (2, 0, 0, 1)
    assert [row.where for row in read_rows(spec, folder)] == ["row 1 of a.jsonl", "row 2 of a.jsonl"]


def test_rows_without_columns_are_rows(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.jsonl").write_text("{}\n{}\n")
    found = examine(opened(path="a.jsonl"), DatasetSpec(path="a.jsonl"), folder)
    assert (found.rows, found.columns) == (2, ())
