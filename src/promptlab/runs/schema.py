"""The run store's tables, as an ordered list of migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from promptlab.basics.errors import StorageError

# Each entry takes a store from version i to i + 1. Entries are never edited once released, only added.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE cells (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        variant TEXT NOT NULL, model TEXT NOT NULL, dataset TEXT NOT NULL,
        spec TEXT NOT NULL,
        position INTEGER,               -- place in the experiment; NULL: no longer in the file
        planned INTEGER NOT NULL DEFAULT 0,
        oracle INTEGER NOT NULL DEFAULT 0,
        drawn_once TEXT,                -- what all trials share by one draw: "demo set"
        stopped TEXT                    -- why the cell ended early; NULL: it did not
    );
    CREATE TABLE samples (
        id INTEGER PRIMARY KEY,
        dataset TEXT NOT NULL, sample TEXT NOT NULL, content TEXT NOT NULL,
        position INTEGER,               -- place in the test split; NULL: no longer selected
        cluster TEXT,
        body TEXT NOT NULL,             -- inputs, targets, choices, metadata
        UNIQUE (dataset, sample, content)
    );
    CREATE TABLE trials (
        id INTEGER PRIMARY KEY,
        identity BLOB NOT NULL UNIQUE,
        cell INTEGER NOT NULL REFERENCES cells, sample INTEGER NOT NULL REFERENCES samples,
        repeat INTEGER NOT NULL,
        status TEXT NOT NULL,           -- ok, unparsed, refused, truncated, sandbox, error
        text TEXT, answer TEXT, rule TEXT, error TEXT, notes TEXT,
        finished REAL NOT NULL,         -- Unix time
        latency_s REAL,
        calls INTEGER NOT NULL, cached_calls INTEGER NOT NULL,
        prompt_tokens INTEGER, completion_tokens INTEGER,
        cost_usd REAL, paid_usd REAL, unknown_costs INTEGER NOT NULL
    );
    CREATE INDEX trials_of_cell ON trials (cell, sample);
    CREATE TABLE calls (
        trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE, ordinal INTEGER NOT NULL,
        name TEXT NOT NULL, messages TEXT NOT NULL, sampling TEXT NOT NULL,
        reply TEXT, reasoning TEXT, error TEXT, finish TEXT, model TEXT, key TEXT,
        cached INTEGER NOT NULL, attempts INTEGER NOT NULL,
        prompt_tokens INTEGER, completion_tokens INTEGER, cached_tokens INTEGER, reasoning_tokens INTEGER,
        latency_s REAL, created REAL, cost REAL, currency TEXT, left_out TEXT,
        PRIMARY KEY (trial, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE scorers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, spec TEXT NOT NULL UNIQUE);
    CREATE TABLE scores (
        trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
        scorer INTEGER NOT NULL REFERENCES scorers,
        value REAL, PRIMARY KEY (trial, scorer)
    ) WITHOUT ROWID;
    CREATE TABLE control (request TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    """,
    """
    -- Requests sent for the trial, failed ones included, over all its tries in this run. NULL: before this
    -- was counted.
    ALTER TABLE trials ADD COLUMN attempts INTEGER;
    UPDATE trials SET attempts = (SELECT coalesce(sum(attempts), 0) FROM calls WHERE trial = trials.id)
        WHERE status != 'error';
    """,
    """
    -- A JSON list: what the answer adds to a score of the whole cell. NULL: nothing.
    ALTER TABLE scores ADD COLUMN statistics TEXT;
    """,
)


def version_of(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> int:
    """The store's version; 0 is an empty file. StorageError where only a newer promptlab knows it."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise StorageError(
            f"{path} was written by a newer promptlab: it has version {version}, this one knows up to "
            f"{len(migrations)}.",
            remedy="Upgrade promptlab, or start a new run with --fresh: paid answers are in the cache.",
        )
    return version


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Brings a store to this version, whole or not at all; see `version_of`."""
    if version_of(connection, path, migrations) == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again: another process may have been faster.
        for script in migrations[version_of(connection, path, migrations) :]:
            # Not executescript, which would commit what is open.
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Each ends at the end of a line."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
