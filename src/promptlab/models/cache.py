"""The cache of paid replies: text keys, bytes as values, nothing evicted, nothing pickled."""

from __future__ import annotations

import asyncio
import errno
import functools
import os
import sqlite3
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

import diskcache
from diskcache.core import MODE_PICKLE, MODE_RAW

from promptlab.basics.errors import PromptlabError, StorageError, UsageError
from promptlab.models.group_commit import GroupCommit

DATABASE = "cache.db"
# How long to wait for another process's transaction: reads never should, writes queue up.
BUSY_TIMEOUT_S = 5.0
WRITE_PATIENCE_S = 60.0
# Space kept aside: when the disk is full it is given up, so that replies already paid for can be stored.
RESERVE_BYTES = 8 * 2**20
_RESERVE_NAME = "reserve"
_NO_LIMIT = 2**40


class Cache(Protocol):
    """What the client needs of a cache. A value is durable against the death of this process on return.

    All raise StorageError when the cache cannot be read or written, or holds what it should not.
    """

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, *, over: bool = True) -> None:
        """Stores the value, over whatever is there; with `over=False` only where nothing is.

        Cancelled, it still stores it first.
        """

    async def add(self, key: str, value: bytes) -> bytes | None:
        """Stores the value and returns None, or returns the value that is there already. Atomic."""

    async def swap(self, key: str, old: bytes, new: bytes | None) -> bool:
        """Replaces `old` by `new` (None removes it) where `old` is what is there. Atomic."""

    def check(self) -> None:
        """Raises where it is known that nothing more can be stored."""

    async def close(self) -> None: ...


class _Kind(Enum):
    ADD = "NOTHING RETURNING key"
    KEEP = "NOTHING"
    PUT = (
        "UPDATE SET store_time = excluded.store_time, access_time = excluded.access_time, expire_time = NULL,"
        " filename = NULL, size = 0, mode = excluded.mode, value = excluded.value"
    )
    SWAP = ""


class _Write(NamedTuple):
    """A row to write; a SWAP replaces `old`, by nothing where there is no value."""

    kind: _Kind
    key: str
    value: bytes | None
    old: bytes | None = None


# The rows are diskcache's, the statements are ours: its calls cost five times as much, and can unpickle.
_GET = "SELECT mode, value FROM Cache WHERE key = ? AND raw = 1"
_SAME = f"WHERE key = ? AND raw = 1 AND mode = {MODE_RAW} AND value = ?"
_SWAP = f"UPDATE Cache SET value = ? {_SAME}"
_DROP = f"DELETE FROM Cache {_SAME}"
# SQLite gives the interpreter up for every statement and must win it back from the event loop: so one
# statement writes many rows, of these numbers, which keeps the statements few enough to stay compiled.
_ROWS_AT_ONCE = (64, 16, 4, 1)


@functools.cache
def _insert(kind: _Kind, rows: int) -> str:
    values = ", ".join([f"(?, 1, ?, ?, 0, 0, {MODE_RAW}, ?)"] * rows)
    columns = "key, raw, store_time, access_time, access_count, size, mode, value"
    return f"INSERT INTO Cache ({columns}) VALUES {values} ON CONFLICT (key, raw) DO {kind.value}"


class DiskCache:
    """A `Cache` in a folder of its own (mode 0700), shared by all processes of this machine.

    It is diskcache's database, with text keys and bytes alone: rows of any other kind are refused. Every
    value stays inside it, whatever its size: one in a file of its own could vanish unnoticed. Reads are
    done on the event loop, since they take 10 µs and wait for nobody; writes are group commits.
    """

    def __init__(self, folder: Path) -> None:
        """Opens or makes the folder. UsageError: it cannot be written. StorageError: it is damaged."""
        self.folder = folder
        self._full = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _make(folder)
            _keep_reserve(folder / _RESERVE_NAME)
            self._reading = _connected(folder, BUSY_TIMEOUT_S)
            self._writing = _connected(folder, WRITE_PATIENCE_S)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        self._writer: GroupCommit[_Write, bytes | bool | None] = GroupCommit("promptlab-cache", self._commit)

    async def get(self, key: str) -> bytes | None:
        try:
            return self._value(self._reading, key)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    async def put(self, key: str, value: bytes, *, over: bool = True) -> None:
        writing = self._writer.submit(_Write(_Kind.PUT if over else _Kind.KEEP, key, value))
        try:
            await writing
        except asyncio.CancelledError:
            writing.result()
            raise

    async def add(self, key: str, value: bytes) -> bytes | None:
        self.check()
        there = await self._writer.submit(_Write(_Kind.ADD, key, value))
        assert there is None or isinstance(there, bytes)
        return there

    async def swap(self, key: str, old: bytes, new: bytes | None) -> bool:
        return bool(await self._writer.submit(_Write(_Kind.SWAP, key, new, old)))

    def check(self) -> None:
        if self._full:
            raise self._unusable(OSError(errno.ENOSPC, ""))

    async def close(self) -> None:
        """Writes what is queued, then lets go of the files."""
        await self._writer.close()
        self._reading.close()
        self._writing.close()

    def _value(self, rows: sqlite3.Connection, key: str) -> bytes | None:
        found = rows.execute(_GET, (key,)).fetchone()
        if found is None:
            return None
        mode, value = found
        if mode != MODE_RAW or type(value) is not bytes:
            what = "pickled data, which is never loaded" if mode == MODE_PICKLE else "a foreign value"
            raise StorageError(
                f"the cache holds {what}.",
                remedy=f"Something else wrote into {self.folder}: run `promptlab cache verify`,"
                " or go around it with --no-cache.",
            )
        return value

    def _commit(self, writes: Sequence[_Write]) -> Sequence[bytes | bool | Exception | None]:
        """One transaction, in the writer's thread."""
        try:
            return self._transaction(writes)
        except StorageError:
            if not self._full or not (self.folder / _RESERVE_NAME).exists():
                raise
        (self.folder / _RESERVE_NAME).unlink(missing_ok=True)
        return self._transaction(writes)

    def _transaction(self, writes: Sequence[_Write]) -> Sequence[bytes | bool | Exception | None]:
        rows = self._writing
        try:
            rows.execute("BEGIN IMMEDIATE")
            try:
                results = self._write(writes)
                rows.execute("COMMIT")
            finally:
                if rows.in_transaction:
                    rows.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._full = _is_full(error)
            raise self._unusable(error) from error
        return results

    def _write(self, writes: Sequence[_Write]) -> list[bytes | bool | Exception | None]:
        if len({each.key for each in writes}) < len(writes):  # order counts only among those of one key
            return [self._write([each])[0] for each in writes]
        rows, now = self._writing, time.time()
        results: dict[str, bytes | bool | Exception | None] = {each.key: None for each in writes}
        for kind in (_Kind.ADD, _Kind.KEEP, _Kind.PUT):
            chosen = [each for each in writes if each.kind is kind]
            added: set[str] = set()
            at = 0
            while at < len(chosen):
                size = next(each for each in _ROWS_AT_ONCE if each <= len(chosen) - at)
                values = [v for each in chosen[at : at + size] for v in (each.key, now, now, each.value)]
                added.update(key for (key,) in rows.execute(_insert(kind, size), values))
                at += size
            if kind is _Kind.ADD:
                for each in chosen:
                    if each.key not in added:
                        results[each.key] = self._found(each.key)
        for each in writes:
            if each.kind is _Kind.SWAP:
                done = (
                    rows.execute(_DROP, (each.key, each.old))
                    if each.value is None
                    else rows.execute(_SWAP, (each.value, each.key, each.old))
                )
                results[each.key] = done.rowcount > 0
        return list(results.values())

    def _found(self, key: str) -> bytes | Exception | None:
        try:
            return self._value(self._writing, key)
        except StorageError as error:  # a foreign row: its own caller's trouble
            return error

    def _unusable(self, error: Exception) -> PromptlabError:
        text = getattr(error, "strerror", None) or str(error)
        if _is_full(error):
            return StorageError(
                f"the disk that holds {self.folder} is full.", remedy="Free space and run again."
            )
        if isinstance(error, OSError) or any(word in text for word in ("readonly", "unable to open")):
            return UsageError(
                f"the cache {self.folder} cannot be written: {text}.",
                remedy="Set PROMPTLAB_HOME to a folder you can write to.",
            )
        if "locked" in text:
            return StorageError(
                f"another process has kept the cache {self.folder} locked for {WRITE_PATIENCE_S:.0f} s.",
                remedy="End it and run again.",
            )
        return StorageError(
            f"the cache {self.folder} cannot be used: {text}.",
            remedy="Move that folder away to begin a new one, or restore it from a copy.",
        )


def _make(folder: Path) -> None:
    """diskcache's database, where there is none."""
    # diskcache measures its patience by the wall clock, which may jump: ours goes on.
    deadline = time.monotonic() + WRITE_PATIENCE_S
    while True:
        try:
            diskcache.Cache(
                str(folder),
                timeout=BUSY_TIMEOUT_S,
                eviction_policy="none",
                cull_limit=0,
                size_limit=_NO_LIMIT,
            ).close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    name = getattr(error, "sqlite_errorname", "")
    return name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")


def _connected(folder: Path, patience_s: float) -> sqlite3.Connection:
    """Made here and used by one thread alone, which need not be this one."""
    rows = sqlite3.connect(
        folder / DATABASE, timeout=patience_s, isolation_level=None, check_same_thread=False
    )
    rows.execute("PRAGMA synchronous = NORMAL")
    return rows


def _keep_reserve(path: Path) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            # Random bytes: zeros would take no space on a compressing file system.
            stream.write(os.urandom(RESERVE_BYTES))
    except OSError:
        path.unlink()
        raise
