"""An opened data set: splits, hashes, and samples read by place."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple, overload

import orjson

from promptlab.basics.errors import ExperimentError, StorageError
from promptlab.datasets.columns import MAX_LABELS
from promptlab.datasets.index import INDEX_VERSION, changed
from promptlab.datasets.json_text import parse_object
from promptlab.datasets.mapping import RowProblem, SampleMapping
from promptlab.datasets.origins import FileState
from promptlab.datasets.sample import SPLITS, Sample, SplitName
from promptlab.datasets.text_files import TextRows

_PAGE_ROWS = 256
_COLUMNS = "file, start, length, id, content"
# Where an id is looked for first: the same id may stand in a train and in a test file.
_SEARCH_ORDER: tuple[SplitName, ...] = ("test", "dev", "train")


class _Place(NamedTuple):
    file: int
    start: int
    length: int
    id: str
    content: str


class Dataset:
    """An ordered, hashed collection of samples with splits. Threads may share it; `close` when done.

    `hash` covers ids and contents of all selected samples in order; `split_hash` one split. `columns` are
    the inputs that every row has; `partial_columns` those that some lack, each with such a row; `withheld`
    those kept from techniques. `notes` say what was decided without being asked for (splits made).
    """

    def __init__(self, index: Path, name: str, mapping: SampleMapping) -> None:
        """Opens a finished index. sqlite3.Error, ValueError or KeyError where it is none of this version."""
        self.name = name
        self._mapping = mapping
        self._lock = threading.Lock()
        self._streams: dict[int, BinaryIO] = {}
        self._connection = sqlite3.connect(
            f"{index.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        try:
            meta = {
                key: orjson.loads(value)
                for key, value in self._connection.execute("SELECT key, value FROM meta")
            }
            if meta["version"] != INDEX_VERSION:
                raise ValueError("an index of another version")
            self._readers = [_reader(entry) for entry in meta["files"]]
            self._labels: list[str] | None = meta["labels"]
            self._hashes: dict[str, str] = meta["hashes"]
            self.states = [FileState(*state) for state in meta["states"]]
            self._state_of = {state.path: state for state in self.states}
            self.sizes: MappingProxyType[SplitName, int] = MappingProxyType(meta["sizes"])
            self.hash: str = meta["hash"]
            self.columns: tuple[str, ...] = tuple(meta["columns"])
            self.partial_columns: dict[str, str] = meta["partial_columns"]
            self.withheld: tuple[str, ...] = tuple(meta["withheld"])
            self.notes: tuple[str, ...] = tuple(meta["notes"])
        except BaseException:
            self._connection.close()
            raise

    def split_hash(self, split: SplitName) -> str:
        """SHA-256 over ids and contents of one split, in order."""
        return self._hashes[split]

    def labels(self) -> list[str]:
        """The distinct targets of all splits, sorted. ExperimentError for more than MAX_LABELS."""
        if self._labels is None:
            raise ExperimentError(
                f"{self.name} has more than {MAX_LABELS} different targets: these are no labels",
                field="target",
                remedy="Name the right column, or list the labels under `task.labels`.",
            )
        return list(self._labels)

    def samples(self, split: SplitName, start: int = 0, stop: int | None = None) -> Iterator[Sample]:
        """The samples from position `start` to before `stop`, in order; a page is in memory at a time."""
        stop = self.sizes[split] if stop is None else min(stop, self.sizes[split])
        for first in range(start, stop, _PAGE_ROWS):
            with self._lock:
                page = self._page(split, first, min(first + _PAGE_ROWS, stop))
            yield from page

    def sample(self, split: SplitName, position: int) -> Sample:
        """One sample by its position in the split, from 0. IndexError beyond it."""
        with self._lock:
            page = self._page(split, position, position + 1)
        if not page:
            raise IndexError(f"split {split} of {self.name} has no position {position}")
        return page[0]

    def first(self, split: SplitName | None = None) -> Sample:
        """The first sample of a split; without one, of test, else of whatever split has any."""
        filled = [name for name in _SEARCH_ORDER if self.sizes[name]]
        return self.sample(split or filled[0], 0)

    def find(self, sample_id: str, split: SplitName | None = None) -> Sample | None:
        """The sample of that id, in that split, else in test, dev or train; None where there is none."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT split, {_COLUMNS} FROM samples WHERE id = ?", (sample_id,)
            ).fetchall()
            found = {SPLITS[number]: _Place(*rest) for number, *rest in rows}
            wanted = _SEARCH_ORDER if split is None else (split,)
            place = next((found[name] for name in wanted if name in found), None)
            if place is None:
                return None
            self._check_unchanged()
            return self._read(place)

    def view(self, split: SplitName) -> SplitView:
        """One split as a sequence of samples that are read when asked for."""
        return SplitView(self, split)

    def close(self) -> None:
        with self._lock:
            for stream in self._streams.values():
                stream.close()
            self._streams.clear()
            self._connection.close()

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _page(self, split: SplitName, start: int, stop: int) -> list[Sample]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM samples WHERE split = ? AND position BETWEEN ? AND ? ORDER BY position",
            (SPLITS.index(split), start, stop - 1),
        ).fetchall()
        self._check_unchanged()
        return [self._read(_Place(*row)) for row in rows]

    def _check_unchanged(self) -> None:
        for reader in self._readers:
            if reader is not None and FileState.now(reader.path) != self._state_of[str(reader.path)]:
                raise changed(str(reader.path))

    def _read(self, place: _Place) -> Sample:
        """The sample at a place; what it says must still have the hash that the index holds."""
        reader = self._readers[place.file]
        try:
            if reader is None:
                (kept,) = self._connection.execute(
                    "SELECT row FROM copied WHERE n = ?", (place.start,)
                ).fetchone()
                row = parse_object(kept)
            else:
                row = reader.read(self._stream(place.file, reader.path), place.start, place.length)
            sample = self._mapping.sample(row, place.id)
            if sample.content == place.content:
                return sample
        except (ValueError, RowProblem, OSError) as error:
            if reader is not None:
                raise changed(str(reader.path)) from error
        if reader is not None:
            raise changed(str(reader.path))
        raise StorageError(
            f"the index of data set {self.name!r} is damaged.",
            remedy="Delete the `datasets` folder of the home.",
        )

    def _stream(self, number: int, path: Path) -> BinaryIO:
        if number not in self._streams:
            self._streams[number] = path.open("rb")
        return self._streams[number]


class SplitView(Sequence[Sample]):
    """One split of a data set as a sequence. Holds no samples."""

    def __init__(self, dataset: Dataset, split: SplitName) -> None:
        self.dataset = dataset
        self.split = split

    def __len__(self) -> int:
        return self.dataset.sizes[self.split]

    @overload
    def __getitem__(self, position: int) -> Sample: ...
    @overload
    def __getitem__(self, position: slice) -> list[Sample]: ...
    def __getitem__(self, position: int | slice) -> Sample | list[Sample]:
        if isinstance(position, slice):
            start, stop, step = position.indices(len(self))
            if step == 1:
                return list(self.dataset.samples(self.split, start, stop))
            return [self.dataset.sample(self.split, each) for each in range(start, stop, step)]
        return self.dataset.sample(self.split, position + len(self) if position < 0 else position)

    def __iter__(self) -> Iterator[Sample]:
        return self.dataset.samples(self.split)

    def find(self, sample_id: str) -> Sample | None:
        """The sample of that id; None where there is none."""
        return self.dataset.find(sample_id, self.split)


def _reader(entry: dict[str, Any]) -> TextRows | None:
    if entry["path"] is None:
        return None
    return TextRows(
        Path(entry["path"]),
        entry["kind"],
        label=entry["label"],
        encoding=entry["encoding"],
        columns=entry["columns"],
        delimiter=entry["delimiter"],
    )
