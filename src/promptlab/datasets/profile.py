"""What is in the rows of a file and in the splits of a data set: types, fill, lengths, balance."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from promptlab.datasets.dataset import Dataset
from promptlab.datasets.grams import text_of
from promptlab.datasets.origins import find_origins
from promptlab.datasets.sample import SPLITS, SplitName
from promptlab.datasets.spec import DatasetSpec

MAX_DISTINCT = 10_000
MAX_COUNTED = 50  # different values of a column, or labels of a split, that are counted one by one
_MAX_EXAMPLES = 3
_EXAMPLE_CHARS = 200
_MAX_PLACES = 5
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)([eE][-+]?\d+)?")

Kind = Literal["text", "number", "true/false", "list", "object", "mixed", "empty"]


class PlacedRow(NamedTuple):
    """A row as the file says it, and which one it is ("row 3 of a.csv")."""

    where: str
    values: dict[str, Any]


class Lengths(NamedTuple):
    """Lengths of texts in characters."""

    shortest: int
    median: int
    p95: int
    longest: int


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column. `empty` counts rows whose cell is missing, null or blank, `empty_in` names the first.

    `distinct` is None beyond the bound, `counts` (the values as text, most frequent first) beyond
    MAX_COUNTED. `cjk`: most cells are mostly Chinese, Japanese or Korean.
    `worked`: every cell is a solution that ends in `#### answer`, as in GSM8K.
    """

    name: str
    kind: Kind
    filled: int
    empty: int
    empty_in: tuple[str, ...]
    distinct: int | None
    counts: Mapping[str, int] | None
    examples: tuple[Any, ...]
    lengths: Lengths | None
    cjk: bool
    worked: bool


@dataclass(frozen=True, slots=True)
class SplitProfile:
    """One split. `labels` counts the targets, None where they are too many to be labels or there are none.

    `chars` are the lengths of all inputs of a sample together.
    """

    split: SplitName
    size: int
    hash: str
    labels: Mapping[str, int] | None
    groups: int | None
    chars: Lengths | None


def read_rows(spec: DatasetSpec, folder: Path) -> Iterator[PlacedRow]:
    """All rows (the first `limit` of each file) as the files say them, before any mapping."""
    for origin in find_origins(spec, folder):
        for raw in origin.rows(origin.reader(spec), spec, []):
            yield PlacedRow(f"row {raw.row} of {origin.label}", raw.values)


def profile_columns(rows: Iterable[PlacedRow], *, max_distinct: int = MAX_DISTINCT) -> list[ColumnProfile]:
    """The columns in the order they first appear. Memory does not grow with the rows."""
    columns: dict[str, _Column] = {}
    for count, row in enumerate(rows):
        for name in row.values:
            if name not in columns:
                columns[name] = _Column(name, max_distinct, missed=count)
        for name, column in columns.items():
            column.see(row.values.get(name), row.where)
    return [column.profile() for column in columns.values()]


def profile_splits(dataset: Dataset) -> list[SplitProfile]:
    """The splits that have samples, test first. Reads them all once."""
    return [_profile_split(dataset, split) for split in reversed(SPLITS) if dataset.sizes[split]]


def as_number(text: str) -> float | None:
    """The number that a whole text is, thousands' commas allowed; None where it is none."""
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text.strip()) else None


def _profile_split(dataset: Dataset, split: SplitName) -> SplitProfile:
    labels: Counter[str] | None = Counter()
    groups: set[int] = set()
    chars: Counter[int] = Counter()
    for sample in dataset.samples(split):
        chars[len(text_of(sample.inputs))] += 1
        if sample.group is not None:
            groups.add(hash(sample.group))
        if labels is not None and sample.targets:
            labels[" | ".join(sample.targets)] += 1
            labels = labels if len(labels) <= MAX_COUNTED else None
    return SplitProfile(
        split=split,
        size=dataset.sizes[split],
        hash=dataset.split_hash(split),
        labels=dict(labels.most_common()) if labels else None,
        groups=len(groups) or None,
        chars=_lengths(chars),
    )


class _Column:
    """What is remembered of a column while its rows go by."""

    def __init__(self, name: str, max_distinct: int, *, missed: int) -> None:
        self._name = name
        self._max_distinct = max_distinct
        self._kinds: Counter[Kind] = Counter()
        self._empty = missed
        self._empty_in: list[str] = ["rows before it first appears"] if missed else []
        self._seen: set[int] | None = set()
        self._counts: Counter[str] | None = Counter()
        self._examples: list[Any] = []
        self._lengths: Counter[int] = Counter()
        self._cjk = self._worked = 0

    def see(self, value: Any, where: str) -> None:
        if value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip()):
            self._empty += 1
            if len(self._empty_in) < _MAX_PLACES:
                self._empty_in.append(where)
            return
        kind, text = _kind_and_text(value)
        self._kinds[kind] += 1
        self._lengths[len(text)] += 1
        self._cjk += _mostly_cjk(text)
        self._worked += "####" in text
        mark = hash(text)
        if len(self._examples) < _MAX_EXAMPLES and (self._seen is None or mark not in self._seen):
            self._examples.append(
                text[:_EXAMPLE_CHARS] if isinstance(value, str) or len(text) > _EXAMPLE_CHARS else value
            )
        if self._seen is not None:
            self._seen.add(mark)
            self._seen = self._seen if len(self._seen) <= self._max_distinct else None
        if self._counts is not None:
            self._counts[text.strip()] += 1
            self._counts = self._counts if len(self._counts) <= MAX_COUNTED else None

    def profile(self) -> ColumnProfile:
        filled = self._kinds.total()
        return ColumnProfile(
            name=self._name,
            kind=_joint_kind(self._kinds),
            filled=filled,
            empty=self._empty,
            empty_in=tuple(self._empty_in),
            distinct=None if self._seen is None else len(self._seen),
            counts=None if self._counts is None else dict(self._counts.most_common()),
            examples=tuple(self._examples),
            lengths=_lengths(self._lengths),
            cjk=self._cjk * 2 > filled,
            worked=0 < filled == self._worked,
        )


def _kind_and_text(value: Any) -> tuple[Kind, str]:
    if isinstance(value, str):
        return ("text" if as_number(value) is None else "number"), value
    if isinstance(value, bool):
        return "true/false", "true" if value else "false"
    if isinstance(value, (int, float)):
        return "number", str(value)
    text = json.dumps(value, ensure_ascii=False)
    return ("list" if isinstance(value, list) else "object"), text


def _joint_kind(kinds: Counter[Kind]) -> Kind:
    if not kinds:
        return "empty"
    if len(kinds) == 1:
        return next(iter(kinds))
    return "text" if set(kinds) <= {"text", "number"} else "mixed"


def _mostly_cjk(text: str) -> bool:
    start = text[:_EXAMPLE_CHARS]
    return not start.isascii() and sum("\u3040" <= char <= "\u9fff" for char in start) * 3 > len(start)


def _lengths(counts: Counter[int]) -> Lengths | None:
    if not counts:
        return None
    total, running = counts.total(), 0
    marks: list[int] = []
    wanted = [(total + 1) // 2, -(-total * 95 // 100)]
    for length in sorted(counts):
        running += counts[length]
        while len(marks) < len(wanted) and running >= wanted[len(marks)]:
            marks.append(length)
    return Lengths(min(counts), marks[0], marks[1], max(counts))
