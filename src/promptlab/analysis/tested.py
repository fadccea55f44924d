"""Which variants each run of a folder has put to which test samples, remembered from one look to the next.

To open hundreds of stores takes a second; what they said stands in one small file beside them, and a run
whose store has not changed since is not opened. The file may be deleted at any time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import StorageError
from promptlab.basics.files import write_atomically
from promptlab.basics.hashing import short_digest
from promptlab.runs import RunDirectory
from promptlab.runs.database import connect

REMEMBERED = ".tested.json"
_VERSION = 2
_SETTLED_S = 2.0  # a store written to later than that may change again within one tick of its clock
_TESTED = """SELECT DISTINCT spec FROM cells WHERE dataset = ? AND EXISTS
    (SELECT 1 FROM trials WHERE trials.cell = cells.id AND trials.status != 'error')"""

Tested = Mapping[str, list[str]]
"""Hash of test samples → digests of the variants that have answered some of them."""


def runs_tested(folder: Path) -> Iterator[tuple[str, Tested | None]]:
    """Each run's id and what it has tested, by id; None: its store cannot be read."""
    remembered, kept = _remembered(folder / REMEMBERED), {}
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        state = _state(Path(entry.path))
        if state is None:
            continue
        known = remembered.get(entry.name)
        if known is not None and known[0] == state:
            kept[entry.name] = known
            yield entry.name, known[1]
            continue
        try:
            found = tested(RunDirectory(Path(entry.path)))
        except (StorageError, sqlite3.Error, orjson.JSONDecodeError):
            yield entry.name, None
            continue
        if all(time.time() - changed > _SETTLED_S for changed, _ in state):
            kept[entry.name] = [state, found]
        yield entry.name, found
    if kept != remembered:
        # Somebody else's folder may be read, and is not to be written to.
        with suppress(StorageError):
            write_atomically(folder / REMEMBERED, orjson.dumps({"version": _VERSION, "runs": kept}))


def tested(run: RunDirectory) -> dict[str, list[str]]:
    """What one run has tested; StorageError or sqlite3.Error where its store cannot be read."""
    found: dict[str, set[str]] = {}
    with closing(connect(run.store, read_only=True)) as connection:
        rows = connection.execute("SELECT key, value FROM meta WHERE key LIKE 'dataset:%'").fetchall()
        for key, tests in rows:
            of_tests = found.setdefault(orjson.loads(tests), set())
            for (spec,) in connection.execute(_TESTED, (key.removeprefix("dataset:"),)):
                of_tests.add(short_digest(orjson.loads(spec)["variant"]))
    return {tests: sorted(variants) for tests, variants in found.items()}


def _state(folder: Path) -> list[list[float]] | None:
    """When the store and its log were last written to, and their sizes. None: there is no store."""
    store = RunDirectory(folder).store
    try:
        facts = [store.stat()]
    except OSError:
        return None
    log = store.with_name(f"{store.name}-wal")
    with suppress(FileNotFoundError):
        facts.append(log.stat())
    return [[each.st_mtime, each.st_size] for each in facts if each.st_size]


def _remembered(path: Path) -> dict[str, Any]:
    try:
        found: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    runs = found.get("runs") if isinstance(found, dict) and found.get("version") == _VERSION else None
    return runs if isinstance(runs, dict) else {}
