"""Opening a run's SQLite files, and what to say where that fails."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from promptlab.basics.errors import StorageError


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to a run store. StorageError where it cannot be opened or is no store."""
    try:
        if read_only:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
        else:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA busy_timeout = 10000")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return connection


def unusable(path: Path, error: Exception) -> StorageError:
    """What to say of a run store in which SQLite, or what is read from it, fails."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or not isinstance(error, sqlite3.Error):
        return StorageError(
            f"{path} is damaged: {error}.",
            remedy="Put back a copy of it, or start a new run with --fresh: paid answers are in the cache.",
        )
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):
        return StorageError(
            f"the disk that holds {path} is full.",
            remedy="Free space and run the same command again: paid answers are in the cache.",
        )
    return StorageError(
        f"{path} cannot be used: {error}.",
        remedy="Look at the disk and the permissions, and run the same command again: paid answers are in "
        "the cache.",
    )
