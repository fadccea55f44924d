"""What may be wrong with the rows of a data set: duplicates, near duplicates, overlaps between splits."""

from __future__ import annotations

import itertools
import sqlite3
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from promptlab.basics.hashing import digest
from promptlab.datasets.dataset import Dataset
from promptlab.datasets.grams import char_grams, text_of
from promptlab.datasets.sample import SPLITS, Sample, SplitName

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_LISTED = 100
MAX_NEAR_ROWS = 20_000
NEAR_SIMILARITY = 0.8

# 32 bands of 4 rows: a pair of similarity 0.8 is compared with probability 1 − (1 − 0.8⁴)³² > 0.9999999.
_BANDS = 32
_BAND_ROWS = 4
_GRAM_CHARS = 5
_GRAM_CJK_CHARS = 2
# Of a longer text only the beginning is compared; grams beyond the memory are made again when needed.
_COMPARED_CHARS = 20_000
_KEPT_GRAMS = 8_000_000


class Where(NamedTuple):
    """A sample by its split and id."""

    split: SplitName
    id: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Samples with the same inputs, MAX_LISTED at most. `overlap`: over splits; `conflict`: of targets."""

    samples: tuple[Where, ...]
    overlap: bool
    conflict: bool


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two samples whose inputs share most of their text: Jaccard similarity of character n-grams, 0 to 1."""

    first: Where
    second: Where
    similarity: float

    @property
    def overlap(self) -> bool:
        return self.first.split != self.second.split


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found. Lists end at MAX_LISTED, overlaps first; the counts are of everything.

    `duplicate_rows` counts the samples beyond the first of each group of equals, `overlap_groups` the groups
    in more than one split. `near` pairs each near duplicate among the first `near_rows` samples with a sample
    before it.
    """

    sizes: dict[SplitName, int]
    duplicates: tuple[Duplicate, ...]
    duplicate_rows: int
    overlap_groups: int
    conflict_groups: int
    near: tuple[NearDuplicate, ...]
    near_count: int
    near_overlaps: int
    near_rows: int
    notes: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Nothing to look at."""
        return not (self.duplicate_rows or self.near_count)


def check(dataset: Dataset, columns: Collection[str] = ()) -> Report:
    """Reads all samples, the first MAX_NEAR_ROWS twice. Memory does not grow with the rows.

    `columns` are the inputs that are compared; without any, all of them.
    """
    with closing(sqlite3.connect("")) as seen:  # a temporary file
        seen.execute("CREATE TABLE seen(inputs TEXT, split INTEGER, id TEXT, target TEXT)")
        seen.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", _entries(dataset, columns))
        seen.execute("CREATE INDEX by_inputs ON seen(inputs)")
        groups = (
            "SELECT inputs, COUNT(*) AS rows, COUNT(DISTINCT split) > 1 AS overlap,"
            " COUNT(DISTINCT target) > 1 AS conflict FROM seen GROUP BY inputs HAVING COUNT(*) > 1"
        )
        rows, overlaps, conflicts = seen.execute(
            "SELECT COALESCE(SUM(rows - 1), 0), COALESCE(SUM(overlap), 0), COALESCE(SUM(conflict), 0)"
            f" FROM ({groups})"
        ).fetchone()
        listed = seen.execute(
            f"{groups} ORDER BY overlap DESC, conflict DESC, MIN(rowid) LIMIT {MAX_LISTED}"
        ).fetchall()
        duplicates = [
            Duplicate(
                tuple(
                    Where(SPLITS[split], sample_id)
                    for split, sample_id in seen.execute(
                        f"SELECT split, id FROM seen WHERE inputs = ? ORDER BY rowid LIMIT {MAX_LISTED}",
                        (inputs,),
                    )
                ),
                bool(overlap),
                bool(conflict),
            )
            for inputs, _, overlap, conflict in listed
        ]
    near = sorted(_near_duplicates(dataset, columns), key=lambda pair: (not pair.overlap, -pair.similarity))
    total = sum(dataset.sizes.values())
    notes = list(dataset.notes)
    if total > MAX_NEAR_ROWS:
        notes.append(f"near duplicates were looked for among the first {MAX_NEAR_ROWS} of {total} samples")
    return Report(
        sizes=dict(dataset.sizes),
        duplicates=tuple(duplicates),
        duplicate_rows=rows,
        overlap_groups=overlaps,
        conflict_groups=conflicts,
        near=tuple(near[:MAX_LISTED]),
        near_count=len(near),
        near_overlaps=sum(pair.overlap for pair in near),
        near_rows=min(total, MAX_NEAR_ROWS),
        notes=tuple(notes),
    )


def _samples(dataset: Dataset, columns: Collection[str]) -> Iterator[tuple[Where, Sample]]:
    """All samples with the inputs that are compared, test first: what it shares with others matters."""
    for split in reversed(SPLITS):
        for sample in dataset.samples(split):
            yield Where(split, sample.id), _narrowed(sample, columns)


def _narrowed(sample: Sample, columns: Collection[str]) -> Sample:
    if not columns:
        return sample
    return replace(sample, inputs={name: sample.inputs[name] for name in columns if name in sample.inputs})


def _entries(dataset: Dataset, columns: Collection[str]) -> Iterator[tuple[str, int, str, str]]:
    for where, sample in _samples(dataset, columns):
        targets = digest(sorted(sample.targets))[:16]
        yield _inputs_mark(sample), SPLITS.index(where.split), where.id, targets


def _inputs_mark(sample: Sample) -> str:
    return digest([sample.inputs, sample.choices])[:32]


def _near_duplicates(dataset: Dataset, columns: Collection[str]) -> Iterator[NearDuplicate]:
    """MinHash (Broder 1997) with bands; every pair that meets in a band is compared exactly.

    A band's bucket remembers its first sample only, so the work stays linear where many texts are alike.
    """
    import numpy as np

    draws = np.random.default_rng(0)
    # Products and sums wrap at 2³²: with odd factors each line is a permutation of the hashes.
    factors = draws.integers(0, 2**31, size=(_BANDS * _BAND_ROWS, 1), dtype=np.uint32) * 2 + 1
    offsets = draws.integers(0, 2**32, size=(_BANDS * _BAND_ROWS, 1), dtype=np.uint32)
    buckets: dict[tuple[int, bytes], int] = {}
    kept: list[tuple[Where, str]] = []
    memory = _Grams(dataset, columns)
    for where, sample in itertools.islice(_samples(dataset, columns), MAX_NEAR_ROWS):
        grams = _hashed_grams(sample)
        mark = _inputs_mark(sample)
        if not len(grams):
            continue
        smallest = (factors * grams + offsets).min(axis=1).reshape(_BANDS, _BAND_ROWS)
        number = len(kept)
        partners = {
            buckets.setdefault((band, smallest[band].tobytes()), number) for band in range(_BANDS)
        } - {number}
        best: NearDuplicate | None = None
        for partner in sorted(partners):
            other, other_mark = kept[partner]
            if other_mark == mark:
                continue
            similarity = _jaccard(grams, memory.of(other))
            if similarity >= NEAR_SIMILARITY and (best is None or similarity > best.similarity):
                best = NearDuplicate(other, where, round(similarity, 3))
        if best is not None:
            yield best
        kept.append((where, mark))
        memory.keep(where, grams)


class _Grams:
    """The grams of samples seen: the latest from memory, older ones read and made again."""

    def __init__(self, dataset: Dataset, columns: Collection[str]) -> None:
        self._dataset = dataset
        self._columns = columns
        self._kept: dict[Where, NDArray[np.uint32]] = {}
        self._size = 0

    def keep(self, where: Where, grams: NDArray[np.uint32]) -> None:
        self._kept[where] = grams
        self._size += len(grams)
        while self._size > _KEPT_GRAMS and len(self._kept) > 1:
            self._size -= len(self._kept.pop(next(iter(self._kept))))

    def of(self, where: Where) -> NDArray[np.uint32]:
        if where not in self._kept:
            sample = self._dataset.find(where.id, where.split)
            assert sample is not None, where
            self.keep(where, _hashed_grams(_narrowed(sample, self._columns)))
        return self._kept[where]


def _hashed_grams(sample: Sample) -> NDArray[np.uint32]:
    """The distinct n-grams of a sample's text as 32-bit hashes, sorted."""
    import numpy as np

    grams = set(char_grams(text_of(sample.inputs)[:_COMPARED_CHARS], _GRAM_CHARS, _GRAM_CJK_CHARS))
    return np.array(
        sorted({zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams}), dtype=np.uint32
    )


def _jaccard(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> float:
    import numpy as np

    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)
