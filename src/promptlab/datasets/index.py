"""Building the index of a data set: per-row state in SQLite, so that memory does not grow with the rows.

One file under PROMPTLAB_HOME/datasets/, built beside its place and renamed there, never changed afterwards: a
second process that builds the same index at once makes the same one. It holds for every selected sample its
split, position, id, content hash and place in the source, and the rows where a source has no places.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import ExperimentError, StorageError
from promptlab.basics.hashing import canonical, digest
from promptlab.datasets.columns import ColumnsSeen, LabelsSeen
from promptlab.datasets.mapping import RowProblem, SampleMapping
from promptlab.datasets.origins import FileState, Origin
from promptlab.datasets.sample import SPLITS
from promptlab.datasets.spec import DatasetSpec
from promptlab.datasets.splitting import Splitter, draw_key
from promptlab.datasets.text_files import RawRow, delimiter_remedy, place

INDEX_VERSION = 2
_BATCH_ROWS = 1000
_ID_HEX_CHARS = 16
_SHOWN_ROWS = 5
_ABANDONED_AFTER_S = 24 * 3600

# `rows` holds what is needed to decide, and is gone with the connection; the others are the index.
_SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE samples(
    split INTEGER, position INTEGER, file INTEGER, start INTEGER, length INTEGER, id TEXT, content TEXT,
    PRIMARY KEY (split, position)
) WITHOUT ROWID;
CREATE TABLE copied(n INTEGER PRIMARY KEY, row TEXT NOT NULL);
CREATE TEMP TABLE rows(
    n INTEGER PRIMARY KEY, file INTEGER, row INTEGER, start INTEGER, length INTEGER, id TEXT, content TEXT,
    grp TEXT, name TEXT, label INTEGER, split INTEGER, key INTEGER
);
"""


@dataclass
class IndexBuild:
    """Reads the origins once and writes the index."""

    spec: DatasetSpec
    origins: list[Origin]
    mapping: SampleMapping
    seed: int
    need_train: bool
    need_dev: bool
    may_lack: bool
    _columns: ColumnsSeen = field(default_factory=ColumnsSeen)
    _labels: LabelsSeen = field(default_factory=LabelsSeen)
    _files: list[dict[str, Any]] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    def write(self, target: Path) -> None:
        """Builds the index and puts it at `target`. ExperimentError for rows that cannot be read."""
        building = target.parent / f".{target.stem}-{uuid.uuid4().hex}.building"
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_abandoned(target.parent)
            try:
                with closing(sqlite3.connect(building, isolation_level=None)) as connection:
                    self._fill(connection)
                with building.open("rb+") as written:
                    os.fsync(written.fileno())
                building.replace(target)
            finally:
                building.unlink(missing_ok=True)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the data set {self.spec.label!r} cannot be indexed in {target.parent}: {error}.",
                remedy="Is the disk full, or does the folder belong to somebody else?",
            ) from error

    def _fill(self, connection: sqlite3.Connection) -> None:
        # A file that is torn is never renamed into place: a journal would protect nothing.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA temp.cache_size=-16000")
        connection.executescript(_SCHEMA)
        connection.create_function("draw_key", 2, draw_key, deterministic=True)
        connection.execute("BEGIN")
        states = [FileState.of(origin.path) for origin in self.origins if origin.path is not None]
        read = 0
        for number, origin in enumerate(self.origins):
            read += self._read(connection, number, origin, first=read)
        for state in states:
            if FileState.now(state.path) != state:
                raise changed(state.path)
        self._settle_ids(connection)
        self._draw_sample(connection)
        named = any(origin.name for origin in self.origins) or self.mapping.split_column is not None
        splitter = Splitter(
            connection, self.spec, self.seed, self.need_train, self.need_dev, self.may_lack, named
        )
        self._notes += splitter.assign()
        if len(self.origins) > 1:
            self._refuse_shared_ids(connection)
        connection.execute(
            "INSERT INTO samples SELECT split, ROW_NUMBER() OVER (PARTITION BY split ORDER BY n) - 1, file,"
            " start, length, id, content FROM temp.rows WHERE split IS NOT NULL ORDER BY split, n"
        )
        connection.execute("CREATE INDEX samples_by_id ON samples(id)")
        connection.execute(
            "DELETE FROM copied WHERE n NOT IN (SELECT n FROM temp.rows WHERE split IS NOT NULL)"
        )
        self._write_meta(connection, states)
        connection.execute("COMMIT")

    def _read(self, connection: sqlite3.Connection, number: int, origin: Origin, *, first: int) -> int:
        """Stores what is needed of each row; returns how many there were."""
        reader = origin.reader(self.spec)
        rows = origin.rows(reader, self.spec, self._notes)
        n = first
        while batch := list(itertools.islice(rows, _BATCH_ROWS)):
            if n == first:
                self.mapping.check_columns(
                    list(batch[0].values), _header_hint(self.spec, origin, list(batch[0].values))
                )
            entries = []
            for raw in batch:
                start = n if origin.copied else raw.start
                entries.append((n, number, raw.row, start, raw.length, *self._entry(origin, raw)))
                n += 1
            connection.executemany(
                "INSERT INTO temp.rows(n, file, row, start, length, id, content, grp, name, label)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                entries,
            )
            if origin.copied:
                kept = ((entry[0], raw.kept) for entry, raw in zip(entries, batch, strict=True))
                connection.executemany("INSERT INTO copied VALUES (?, ?)", kept)
        if n == first:
            raise ExperimentError(
                "there are no rows", field="path", value=origin.label, remedy="Is the file complete?"
            )
        self._files.append(
            {
                "label": origin.label,
                "kind": origin.kind,
                "path": str(origin.path) if reader is not None else None,
                "encoding": reader.encoding if reader is not None else None,
                "columns": reader.columns if reader is not None else None,
                "delimiter": reader.delimiter if reader is not None else None,
            }
        )
        return n - first

    def _entry(self, origin: Origin, raw: RawRow) -> tuple[str, str, str | None, str, int | None]:
        """Id, content, group, the split the row names, and the number of its label."""
        try:
            sample = self.mapping.sample(raw.values)
            given = self.mapping.read_id(raw.values)
            name = origin.name or self.mapping.read_split(raw.values)
        except RowProblem as problem:
            raise ExperimentError(
                f"{place(origin.label, raw.row, raw.line)}: {problem.message}",
                field=problem.field,
                remedy=problem.remedy,
            ) from None
        self._columns.see(raw.values, f"row {raw.row} of {origin.label}")
        own = given or sample.content[:_ID_HEX_CHARS]
        return own, sample.content, sample.group, name, self._labels.number(sample.targets)

    def _settle_ids(self, connection: sqlite3.Connection) -> None:
        """Given ids must differ; content hashes get the occurrence: the second of equal rows ends in -2."""
        if self.mapping.id is not None:
            self._refuse_equal_ids(connection)
            return
        connection.execute("CREATE TEMP TABLE again(n INTEGER PRIMARY KEY, occurrence INTEGER)")
        connection.execute(
            "INSERT INTO temp.again SELECT n, k FROM (SELECT n, ROW_NUMBER() OVER"
            " (PARTITION BY id ORDER BY n) AS k FROM temp.rows) WHERE k > 1"
        )
        connection.execute(
            "UPDATE temp.rows SET id = id || '-' ||"
            " (SELECT occurrence FROM temp.again WHERE again.n = rows.n)"
            " WHERE n IN (SELECT n FROM temp.again)"
        )

    def _refuse_equal_ids(self, connection: sqlite3.Connection) -> None:
        twice = connection.execute(
            "SELECT file, id, COUNT(*) FROM temp.rows GROUP BY file, id HAVING COUNT(*) > 1"
            " ORDER BY MIN(n) LIMIT 1"
        ).fetchone()
        if twice is None:
            return
        number, sample_id, count = twice
        rows = connection.execute(
            "SELECT row FROM temp.rows WHERE file = ? AND id = ? ORDER BY n LIMIT ?",
            (number, sample_id, _SHOWN_ROWS),
        ).fetchall()
        shown = ", ".join(str(row) for (row,) in rows) + (", …" if count > _SHOWN_ROWS else "")
        raise ExperimentError(
            f"{self.origins[number].label}: the same id stands in rows {shown}",
            field="id",
            value=sample_id,
            remedy="Make ids differ, or leave out `id:` to use content hashes.",
        )

    def _refuse_shared_ids(self, connection: sqlite3.Connection) -> None:
        """Files may share ids (train and test each counting from 1), but not within one split."""
        shared = connection.execute(
            "SELECT split, id, MIN(file), MAX(file) FROM temp.rows WHERE split IS NOT NULL"
            " GROUP BY split, id HAVING COUNT(*) > 1 ORDER BY MIN(n) LIMIT 1"
        ).fetchone()
        if shared is not None:
            split, sample_id, first, last = shared
            raise ExperimentError(
                f"the same id stands in {self.origins[first].label} and {self.origins[last].label},"
                f" both in split {SPLITS[split]}",
                field="id",
                value=sample_id,
                remedy="Make ids differ, or leave out `id:` to use content hashes.",
            )

    def _draw_sample(self, connection: sqlite3.Connection) -> None:
        """Keeps `sample` rows of each file, those first in the order of a seeded hash of the id."""
        wanted = self.spec.sample
        if wanted is None:
            return
        for number, origin in enumerate(self.origins):
            rows = connection.execute("SELECT COUNT(*) FROM temp.rows WHERE file = ?", (number,)).fetchone()[
                0
            ]
            if rows < wanted:
                self._notes.append(
                    f"sample: {origin.label} has {rows} rows, fewer than {wanted}: all are taken"
                )
            connection.execute(
                "DELETE FROM temp.rows WHERE file = ? AND n NOT IN"
                " (SELECT n FROM temp.rows WHERE file = ? ORDER BY draw_key(?, 'sample ' || id), n LIMIT ?)",
                (number, number, self.seed, wanted),
            )

    def _write_meta(self, connection: sqlite3.Connection, states: list[FileState]) -> None:
        sizes, hashes = {}, {}
        for number, split in enumerate(SPLITS):
            running, size = hashlib.sha256(), 0
            for row in connection.execute(
                "SELECT id, content FROM samples WHERE split = ? ORDER BY position", (number,)
            ):
                running.update(canonical(row))
                size += 1
            sizes[split], hashes[split] = size, running.hexdigest()
        always = list(self._columns.always or ())
        withheld = self.mapping.withheld([*always, *self._columns.partial])
        used = connection.execute("SELECT DISTINCT label FROM temp.rows WHERE split IS NOT NULL")
        meta = {
            "version": INDEX_VERSION,
            "states": [list(state) for state in states],
            "files": self._files,
            "sizes": sizes,
            "hashes": hashes,
            "hash": digest(hashes),
            "columns": [name for name in always if name not in withheld],
            "partial_columns": {
                name: row for name, row in self._columns.partial.items() if name not in withheld
            },
            "withheld": withheld,
            "labels": self._labels.texts(number for (number,) in used),
            "notes": self._notes,
        }
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            ((key, orjson.dumps(value).decode()) for key, value in meta.items()),
        )


def changed(path: str) -> ExperimentError:
    """A source is not what it was when its index was made."""
    return ExperimentError(
        "the file changed while it was read",
        field="path",
        value=path,
        remedy="Run again once it is complete.",
    )


def _header_hint(spec: DatasetSpec, origin: Origin, columns: list[str]) -> str:
    if origin.kind == "csv" and (hint := delimiter_remedy(columns)):
        return hint
    if origin.kind in ("csv", "tsv") and spec.header:
        return "If the file has no header line: `header: false` and `columns: [...]`."
    return ""


def _remove_abandoned(folder: Path) -> None:
    """What killed builds left behind."""
    for path in folder.glob(".*.building"):
        try:
            if path.stat().st_mtime < time.time() - _ABANDONED_AFTER_S:
                path.unlink()
        except FileNotFoundError:
            continue  # another process was faster
