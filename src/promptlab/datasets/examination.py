"""Everything there is to know of a data set before it is used: columns, splits, what repeats."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptlab.datasets.dataset import Dataset
from promptlab.datasets.duplicates import Report, check
from promptlab.datasets.profile import (
    ColumnProfile,
    PlacedRow,
    SplitProfile,
    profile_columns,
    profile_splits,
    read_rows,
)
from promptlab.datasets.spec import DatasetSpec


@dataclass(frozen=True, slots=True)
class Examination:
    """What a look at a data set found. `rows` were read, the splits may hold fewer."""

    name: str
    hash: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    withheld: tuple[str, ...]
    splits: tuple[SplitProfile, ...]
    compared: tuple[str, ...]
    repeats: Report

    @property
    def overlaps(self) -> int:
        """How many different inputs stand in more than one split."""
        return self.repeats.overlap_groups

    @property
    def empty_cells(self) -> int:
        return sum(column.empty for column in self.columns)


def examine(dataset: Dataset, spec: DatasetSpec, folder: Path, compared: Collection[str] = ()) -> Examination:
    """Reads the rows once and the samples twice. Memory does not grow with them.

    `spec` and `folder` are what the data set was opened with, `compared` the inputs that make two samples
    equal: all of them, if none is named.
    """
    rows = 0

    def counted() -> Iterator[PlacedRow]:
        nonlocal rows
        for row in read_rows(spec, folder):
            rows += 1
            yield row

    columns = profile_columns(counted())
    return Examination(
        name=dataset.name,
        hash=dataset.hash,
        rows=rows,
        columns=tuple(columns),
        withheld=dataset.withheld,
        splits=tuple(profile_splits(dataset)),
        compared=tuple(compared),
        repeats=check(dataset, compared),
    )
