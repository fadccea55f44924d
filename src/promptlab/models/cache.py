"""The cache of paid replies: text keys, bytes as values, nothing evicted, nothing pickled."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import diskcache

from promptlab.basics.errors import PromptlabError, StorageError, UsageError
from promptlab.models.group_commit import GroupCommit

# SQLite's own wait for another process's transaction, and how long we go on asking.
BUSY_TIMEOUT_S = 5.0
WRITE_PATIENCE_S = 60.0
# Space kept aside: when the disk is full it is given up, so that replies already paid for can be stored.
RESERVE_BYTES = 8 * 2**20
_RESERVE_NAME = "reserve"
_NO_SIZE_LIMIT = 2**40


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


class BytesDisk(diskcache.Disk):  # type: ignore[misc]
    """Text keys and bytes as they are. Pickle and every other kind are refused in both directions.

    Every value stays inside the database, whatever its size: one in a file of its own could vanish unnoticed.
    """

    def put(self, key: Any) -> tuple[str, bool]:
        if type(key) is not str:
            raise StorageError(f"cache keys are text, not {type(key).__name__}.")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        if not raw or type(key) is not str:
            raise StorageError(
                "the cache holds a key that is not text.", remedy=_foreign_remedy(self._directory)
            )
        return key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, bytes]:
        if type(value) is not bytes or read:
            raise StorageError(f"cache values are bytes, not {type(value).__name__}.")
        return 0, diskcache.core.MODE_RAW, None, value

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes:
        if mode != diskcache.core.MODE_RAW or type(value) is not bytes:
            what = (
                "pickled data, which is never loaded"
                if mode == diskcache.core.MODE_PICKLE
                else "a foreign value"
            )
            raise StorageError(f"the cache holds {what}.", remedy=_foreign_remedy(self._directory))
        return value


def _foreign_remedy(folder: str) -> str:
    return (
        f"Something else wrote into {folder}: run `promptlab cache verify`, or go around it with --no-cache."
    )


_Operation = Callable[[diskcache.Cache], object]


class DiskCache:
    """A `Cache` in a folder of its own (mode 0700), shared by all processes of this machine.

    Reads are done on the event loop, since they take 30 µs and wait for nobody; writes are group commits.
    """

    def __init__(self, folder: Path) -> None:
        """Opens or makes the folder. UsageError: it cannot be written. StorageError: it is damaged."""
        self.folder = folder
        self._full = False
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            self._rows = _open(folder)
            _keep_reserve(folder / _RESERVE_NAME)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        self._writer: GroupCommit[_Operation, object] = GroupCommit("promptlab-cache", self._commit)

    async def get(self, key: str) -> bytes | None:
        try:
            value: bytes | None = self._rows.get(key)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return value

    async def put(self, key: str, value: bytes, *, over: bool = True) -> None:
        writing = self._writer.submit(lambda rows: (rows.set if over else rows.add)(key, value))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            writing.result()
            raise

    async def add(self, key: str, value: bytes) -> bytes | None:
        def operation(rows: diskcache.Cache) -> object:
            return None if rows.add(key, value) else rows.get(key)

        self.check()
        there = await self._writer.submit(operation)
        assert there is None or isinstance(there, bytes)
        return there

    async def swap(self, key: str, old: bytes, new: bytes | None) -> bool:
        def operation(rows: diskcache.Cache) -> object:
            if rows.get(key) != old:
                return False
            return rows.delete(key) if new is None else rows.set(key, new)

        return bool(await self._writer.submit(operation))

    def check(self) -> None:
        if self._full:
            raise self._unusable(OSError(errno.ENOSPC, ""))

    async def close(self) -> None:
        """Writes what is queued, then lets go of the files."""
        await self._writer.close()
        self._rows.close()

    def _commit(self, operations: Sequence[_Operation]) -> Sequence[object]:
        """One transaction, in the writer's thread."""
        try:
            return self._transaction(operations)
        except StorageError:
            if not self._full or not (self.folder / _RESERVE_NAME).exists():
                raise
        (self.folder / _RESERVE_NAME).unlink(missing_ok=True)
        return self._transaction(operations)

    def _transaction(self, operations: Sequence[_Operation]) -> Sequence[object]:
        results: list[object] = []
        try:
            with self._begin():
                for operation in operations:
                    try:
                        results.append(operation(self._rows))
                    except PromptlabError as error:  # a foreign row: its own caller's trouble
                        results.append(error)
        except (sqlite3.Error, diskcache.Timeout) as error:
            cause = error.__context__ if isinstance(error, diskcache.Timeout) else error
            self._full = _is_full(cause)
            raise self._unusable(cause) from error
        return results

    @contextlib.contextmanager
    def _begin(self) -> Iterator[None]:
        # diskcache's own retry never ends, not even where the trouble is no lock: ours does.
        deadline = time.monotonic() + WRITE_PATIENCE_S
        while True:
            transaction = self._rows.transact()
            try:
                transaction.__enter__()
                break
            except diskcache.Timeout as error:
                if "locked" not in str(error.__context__) or time.monotonic() > deadline:
                    raise
        try:
            yield
        except BaseException as error:
            transaction.__exit__(type(error), error, error.__traceback__)
            raise
        transaction.__exit__(None, None, None)

    def _unusable(self, error: BaseException | None) -> PromptlabError:
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


def _open(folder: Path) -> diskcache.Cache:
    # diskcache measures its patience by the wall clock, which may jump: ours goes on.
    deadline = time.monotonic() + WRITE_PATIENCE_S
    while True:
        try:
            return diskcache.Cache(
                str(folder),
                timeout=BUSY_TIMEOUT_S,
                disk=BytesDisk,
                eviction_policy="none",
                cull_limit=0,
                size_limit=_NO_SIZE_LIMIT,
            )
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise


def _is_full(error: BaseException | None) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    name = getattr(error, "sqlite_errorname", "")
    return name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")


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
