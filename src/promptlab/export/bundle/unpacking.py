"""From a bundle to a run directory that every command can read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import canonical
from promptlab.export.bundle.form import ARTIFACTS, BLOBS, EXPERIMENT, MANIFEST, SEARCH_CALLS, TABLES
from promptlab.export.bundle.opening import Bundle
from promptlab.runs import RunDirectory
from promptlab.runs.artifacts import OPTIMIZATIONS, places
from promptlab.runs.database import connect
from promptlab.runs.directory import FROM_BUNDLE
from promptlab.runs.schema import migrate

_NO_BODY = '{"inputs":{},"target":null}'


def unpack(bundle: Bundle, parent: Path) -> RunDirectory:
    """Makes `parent/<the run's id>`, whole or not at all. UsageError: it is there already, or a row is wrong.

    The names of all files are ours; the id has been checked to be one name and no path.
    """
    folder = parent / bundle.contents.run
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise UsageError(
            f"{folder} is there already.", remedy="Give another folder, or remove it first."
        ) from error
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    run = RunDirectory(folder)
    try:
        _write_store(bundle, run)
        (folder / EXPERIMENT).write_bytes(bundle.read(EXPERIMENT))
        _write_artifacts(bundle, run)
        # Last: only now is it a run to any reader.
        (folder / MANIFEST).write_bytes(_manifest(bundle))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def _manifest(bundle: Bundle) -> bytes:
    text = bundle.read(MANIFEST)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or found.get("experiment") != bundle.contents.experiment:
        raise bundle.wrong(f"{MANIFEST} is not that of {bundle.contents.experiment!r}")
    found[FROM_BUNDLE] = True  # somebody else's: what it allowed there is not allowed here
    return canonical(found) + b"\n"


def _write_store(bundle: Bundle, run: RunDirectory) -> None:
    with closing(connect(run.store)) as connection:
        migrate(connection, run.store)
        connection.execute("BEGIN")
        for table in TABLES:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            for number, values in _values(bundle, table, columns):
                try:
                    connection.execute(statement, values)
                except (sqlite3.Error, OverflowError, UnicodeEncodeError) as error:
                    raise bundle.wrong(f"{table}.jsonl, line {number} does not fit: {error}") from error
        connection.execute("COMMIT")


def _write_artifacts(bundle: Bundle, run: RunDirectory) -> None:
    """The optimized prompts and their searches' calls, where a run keeps them."""
    if not bundle.has(ARTIFACTS):
        return
    manifest = orjson.loads(bundle.read(MANIFEST))
    found = {}
    for number, row in bundle.rows(ARTIFACTS):
        key, artifact = row.get("key"), row.get("artifact")
        entry = manifest.get(OPTIMIZATIONS, {}).get(key)
        if entry is None or not isinstance(artifact, dict):
            raise bundle.wrong(f"{ARTIFACTS}, line {number} is no optimized prompt of the run")
        found[key] = places(run, str(key), entry)
        found[key][0].parent.mkdir(exist_ok=True)
        found[key][0].write_bytes(orjson.dumps(artifact, option=orjson.OPT_INDENT_2) + b"\n")
    calls: dict[str, list[bytes]] = {}
    for number, row in bundle.rows(SEARCH_CALLS) if bundle.has(SEARCH_CALLS) else ():
        if row.get("key") not in found or not isinstance(row.get("call"), dict):
            raise bundle.wrong(f"{SEARCH_CALLS}, line {number} is no call of a search of the run")
        calls.setdefault(row["key"], []).append(canonical(row["call"]) + b"\n")
    for key, lines in calls.items():
        found[key][1].write_bytes(b"".join(lines))


def _values(bundle: Bundle, table: str, columns: list[str]) -> Iterator[tuple[int, list[Any]]]:
    for number, row in bundle.rows(f"{table}.jsonl"):
        where = f"{table}.jsonl, line {number}"
        if strange := sorted(set(row) - set(columns)):
            raise bundle.wrong(f"{where} has an unknown field {strange[0][:80]!r}")
        if table == "samples" and row.get("body") is None:
            row["body"] = _NO_BODY
        values = [row.get(column) for column in columns]
        if any(not isinstance(value, (str, int, float, type(None))) for value in values):
            raise bundle.wrong(f"{where} holds a value that no store holds")
        for index, column in enumerate(columns):
            if (table, column) in BLOBS:
                try:
                    values[index] = bytes.fromhex(str(values[index]))
                except ValueError as error:
                    raise bundle.wrong(f"{where}: {column} is not hexadecimal") from error
        yield number, values
