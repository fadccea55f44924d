"""A run store of another version, and one that is damaged."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, check_store, model, sql, store_of, wait_until, whole_table

from promptlab.basics.files import FileLock
from promptlab.runs.schema import MIGRATIONS

# What promptlab 0.1 wrote first. Never edited: it is what is on people's disks.
VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cells (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, variant TEXT NOT NULL,
    model TEXT NOT NULL, dataset TEXT NOT NULL, spec TEXT NOT NULL, position INTEGER,
    planned INTEGER NOT NULL DEFAULT 0, oracle INTEGER NOT NULL DEFAULT 0, drawn_once TEXT, stopped TEXT);
CREATE TABLE samples (id INTEGER PRIMARY KEY, dataset TEXT NOT NULL, sample TEXT NOT NULL,
    content TEXT NOT NULL, position INTEGER, cluster TEXT, body TEXT NOT NULL,
    UNIQUE (dataset, sample, content));
CREATE TABLE trials (id INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE,
    cell INTEGER NOT NULL REFERENCES cells, sample INTEGER NOT NULL REFERENCES samples,
    repeat INTEGER NOT NULL, status TEXT NOT NULL, text TEXT, answer TEXT, rule TEXT, error TEXT, notes TEXT,
    finished REAL NOT NULL, latency_s REAL, calls INTEGER NOT NULL, cached_calls INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost_usd REAL, paid_usd REAL,
    unknown_costs INTEGER NOT NULL);
CREATE INDEX trials_of_cell ON trials (cell, sample);
CREATE TABLE calls (trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    name TEXT NOT NULL, messages TEXT NOT NULL, sampling TEXT NOT NULL, reply TEXT, reasoning TEXT,
    error TEXT, finish TEXT, model TEXT, key TEXT, cached INTEGER NOT NULL, attempts INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, cached_tokens INTEGER, reasoning_tokens INTEGER,
    latency_s REAL, created REAL, cost REAL, currency TEXT, left_out TEXT,
    PRIMARY KEY (trial, ordinal)) WITHOUT ROWID;
CREATE TABLE scorers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, spec TEXT NOT NULL UNIQUE);
CREATE TABLE scores (trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,
    scorer INTEGER NOT NULL REFERENCES scorers, value REAL, PRIMARY KEY (trial, scorer)) WITHOUT ROWID;
CREATE TABLE control (request TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
TABLES = ("meta", "cells", "samples", "trials", "calls", "scorers", "scores")


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(20, model("fake-1", fake_provider.openai), "zero_shot, zero_shot_cot")
    return command


@pytest.fixture
def home(command: RealCommand) -> Path:
    return command.folder / ".promptlab"


def make_version_1(store: Path, copies: int = 0) -> None:
    """The store as version 1 would have written it, with so many more trials of a cell that is gone."""
    old = store.with_name("old.sqlite")
    with closing(sqlite3.connect(old, isolation_level=None)) as rows:
        rows.executescript(VERSION_1)
        rows.execute("ATTACH ? AS new", (str(store),))
        rows.execute("BEGIN")
        for table in TABLES:
            names = ", ".join(row[1] for row in rows.execute(f"PRAGMA main.table_info({table})"))
            rows.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM new.{table}")
        if copies:
            cell = "(id, hash, variant, model, dataset, spec) VALUES (99, 'x', 'v', 'm', 'd', '{}')"
            rows.execute(f"INSERT INTO cells {cell}")
            rows.execute(
                """WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + ?)
                INSERT INTO trials (id, identity, cell, sample, repeat, status, text, finished, calls,
                    cached_calls, unknown_costs)
                SELECT i, CAST(i AS BLOB), 99, 1, 0, 'ok', hex(randomblob(400)), 0, 1, 0, 0 FROM n""",
                (copies,),
            )
        rows.execute("COMMIT")
        rows.execute("DETACH new")
    for name in ("run.sqlite-wal", "run.sqlite-shm"):
        store.with_name(name).unlink(missing_ok=True)
    old.replace(store)


def version(store: Path) -> int:
    return int(sql(store, "PRAGMA user_version")[0][0])


def attempts_column(store: Path) -> bool:
    return "attempts" in [row[1] for row in sql(store, "PRAGMA table_info(trials)")]


def test_an_older_store_goes_on_where_it_was(command: RealCommand, fake_provider: Any, home: Path) -> None:
    before = command.compare("--limit", "12")
    store = store_of(home)
    trials = sql(store, "SELECT identity, status, answer, calls FROM trials ORDER BY identity")
    make_version_1(store)
    asked = fake_provider.requests
    shown = command.compare("--limit", "12")
    assert fake_provider.requests == asked
    assert whole_table(shown) == whole_table(before)
    assert version(store) == len(MIGRATIONS)
    assert sql(store, "SELECT identity, status, answer, calls FROM trials ORDER BY identity") == trials
    assert sql(store, "SELECT DISTINCT attempts = calls FROM trials") == [(1,)]
    assert command.compare()["status"] == "complete"
    assert fake_provider.requests == 20 * 3
    check_store(store)


@pytest.mark.parametrize("args", [("compare", "loop"), ("show", "loop"), ("estimate", "exp.yaml")])
def test_an_older_store_is_read_as_one_of_today(command: RealCommand, home: Path, args: Any) -> None:
    command.compare()
    store = store_of(home)
    before = command.run(*args)[0]
    make_version_1(store)
    assert command.run(*args)[0] == before
    assert version(store) == len(MIGRATIONS)


@pytest.mark.parametrize("args", [("compare", "exp.yaml"), ("compare", "loop"), ("estimate", "exp.yaml")])
def test_a_newer_store_is_refused_in_one_line_and_left_alone(
    command: RealCommand, fake_provider: Any, home: Path, args: Any
) -> None:
    command.compare()
    store = store_of(home)
    with closing(sqlite3.connect(store)) as rows:
        rows.execute("PRAGMA user_version = 99")
    content = store.read_bytes()
    asked = fake_provider.requests
    out, err = command.run(*args, code=1)
    assert out == ""
    assert err.count("\n") == 1
    assert "version 99" in err
    assert "Upgrade promptlab" in err
    assert store.read_bytes() == content
    fresh = command.compare("--fresh")
    assert fresh["status"] == "complete"
    assert fake_provider.requests == asked


def test_a_migration_that_is_killed_is_whole_or_not_at_all(command: RealCommand, home: Path) -> None:
    before = command.compare()
    store = store_of(home)
    make_version_1(store, copies=40_000)
    log = store.with_name("run.sqlite-wal")
    rng = random.Random(1)
    half_way = 0
    for _ in range(6):
        # More than fits into SQLite's memory is written to the log before the migration is whole.
        wanted = rng.randrange(100_000, 4_000_000)
        process = command.start("compare", "loop", "--json")
        wait_until(
            lambda process=process, wanted=wanted: (
                process.poll() is not None or (log.exists() and log.stat().st_size > wanted)
            ),
            "the migration does not get going",
        )
        process.kill()
        process.communicate()
        half_way += version(store) == 1
        assert (version(store), attempts_column(store)) in [(1, False), (2, True)]
        if version(store) == 2:
            break
    assert half_way > 0
    shown = json.loads(command.run("compare", "loop", "--json")[0])
    assert whole_table(shown) == whole_table(before)
    assert version(store) == len(MIGRATIONS)
    check_store(store)


def test_a_store_in_use_by_an_older_promptlab_is_not_changed_under_it(
    command: RealCommand, home: Path
) -> None:
    command.compare()
    store = store_of(home)
    make_version_1(store)
    lock = FileLock.acquire(store.with_name("lock"))
    assert lock is not None
    _, err = command.run("compare", "loop", code=1)
    assert "an older promptlab works on run" in err
    assert version(store) == 1
    lock.release()
    command.run("compare", "loop")


DAMAGE = {
    "not a database": lambda content: b"this is no database" * 100,
    "half of it": lambda content: content[: len(content) // 2 // 4096 * 4096],
    "its second half overwritten": lambda content: (
        content[: len(content) // 2] + random.Random(1).randbytes(len(content) - len(content) // 2)
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_said_in_one_line_and_a_fresh_run_pays_nothing(
    command: RealCommand, fake_provider: Any, home: Path, damage: str
) -> None:
    undisturbed = command.compare()
    store = store_of(home)
    with closing(sqlite3.connect(store)) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.write_bytes(DAMAGE[damage](store.read_bytes()))
    for name in ("run.sqlite-wal", "run.sqlite-shm"):
        store.with_name(name).unlink(missing_ok=True)
    asked = fake_provider.requests
    for args in (("compare", "exp.yaml"), ("compare", "loop")):
        out, err = command.run(*args, code=1)
        assert out == ""
        assert err.count("\n") == 1, err
        assert "run.sqlite is damaged" in err
        assert "--fresh" in err
    fresh = command.compare("--fresh")
    assert whole_table(fresh) == whole_table(undisturbed)
    assert fake_provider.requests == asked
    assert command.compare()["run"] == fresh["run"]
