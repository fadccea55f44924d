"""Looking at the whole cache: what it holds, and whether every row is what it should be.

Rows are read as they lie in the database; nothing is unpickled, nothing is changed unless `remove` is called.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from diskcache.core import MODE_PICKLE, MODE_RAW

from promptlab.basics.errors import PromptlabError, StorageError
from promptlab.models.cache import BUSY_TIMEOUT_S, DATABASE
from promptlab.models.entry import unpack
from promptlab.models.lease import Row

_SHOWN_KEY_CHARS = 64


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """`bytes_on_disk` is the database's size; `oldest` and `newest` are Unix times, None without entries."""

    folder: str
    entries: int
    bytes_on_disk: int
    oldest: float | None
    newest: float | None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is never served, and why."""

    row: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class CacheCheck:
    """What the rows turned out to be. `leases`: calls of living processes, `left` those of dead ones."""

    entries: int
    leases: int
    left: int
    bad: tuple[BadRow, ...]
    seconds: float


def cache_info(folder: Path) -> CacheInfo:
    """Counts only. A cache that was never made has 0 entries. StorageError: it cannot be read."""
    size = sum(each.stat().st_size for each in folder.glob(f"{DATABASE}*"))
    count, oldest, newest = 0, None, None
    if (folder / DATABASE).is_file():
        with _opened(folder) as rows:
            count, oldest, newest = rows.execute(
                "SELECT count(*), min(store_time), max(store_time) FROM Cache"
            ).fetchone()
    return CacheInfo(str(folder), count, size, oldest, newest)


def check_cache(folder: Path) -> CacheCheck:
    """Reads every row: text keys, bytes and no pickle, checksum, version, fields. StorageError as above."""
    began = time.monotonic()
    entries = leases = left = 0
    bad: list[BadRow] = []
    if (folder / DATABASE).is_file():
        with _opened(folder) as rows:
            damage = [each[0] for each in rows.execute("PRAGMA quick_check(1)")]
            if damage != ["ok"]:
                raise _unreadable(folder, damage[0])
            for number, key, raw, mode, filename, value in rows.execute(
                "SELECT rowid, key, raw, mode, filename, value FROM Cache ORDER BY rowid"
            ):
                try:
                    row = _read(key, raw, mode, filename, value)
                except (PromptlabError, LookupError, TypeError, ValueError) as error:
                    bad.append(BadRow(number, str(key)[:_SHOWN_KEY_CHARS], _reason(error)))
                    continue
                entries += row.entry is not None
                if row.owner is not None:
                    dead = row.owner.is_dead()
                    leases, left = leases + (not dead), left + dead
    return CacheCheck(entries, leases, left, tuple(bad), time.monotonic() - began)


def remove(folder: Path, bad: Sequence[BadRow]) -> int:
    """Removes these rows if they are still bad; returns how many. Their replies will be asked for again."""
    removed = 0
    with _opened(folder) as rows, rows:
        rows.execute("BEGIN IMMEDIATE")
        for each in bad:
            found = rows.execute(
                "SELECT key, raw, mode, filename, value FROM Cache WHERE rowid = ?", (each.row,)
            ).fetchone()
            if found is None:
                continue
            try:
                _read(*found)  # a process may have replaced it by now
            except (PromptlabError, LookupError, TypeError, ValueError):
                removed += rows.execute("DELETE FROM Cache WHERE rowid = ?", (each.row,)).rowcount
    return removed


def _read(key: object, raw: object, mode: object, filename: object, value: object) -> Row:
    """The row, taken apart and checked to the last field."""
    if type(key) is not str or not raw:
        raise StorageError("its key is not text")
    if mode == MODE_PICKLE:
        raise StorageError("it holds pickled data, which is never loaded")
    if mode != MODE_RAW or filename is not None or type(value) is not bytes:
        raise StorageError("it holds a foreign value")
    row = Row.read(value)
    if row.entry is not None:
        unpack(row.entry, key)
    return row


def _reason(error: Exception) -> str:
    if isinstance(error, PromptlabError):
        return error.message
    return f"its fields are not those of a reply ({type(error).__name__}: {error})"


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    rows = sqlite3.connect(folder / DATABASE, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        yield rows
    except sqlite3.Error as error:
        raise _unreadable(folder, str(error)) from error
    finally:
        rows.close()


def _unreadable(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"the cache {folder} cannot be read: {' '.join(why.split())}.",
        remedy="Move that folder away to begin a new one, or restore it from a copy.",
    )
