"""From a run to its bundle: the same run gives the same bytes, and no key goes in."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from promptlab.analysis import compare_run
from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.hashing import canonical
from promptlab.basics.version import VERSION as PROMPTLAB
from promptlab.export.bundle.form import (
    ARTIFACTS,
    BLOBS,
    CACHE,
    COMPARISON,
    CONTENTS,
    EXPERIMENT,
    MANIFEST,
    MAX_BYTES,
    SEARCH_CALLS,
    TABLES,
    Contents,
    Member,
)
from promptlab.export.bundle.secrets import Watch
from promptlab.models.stored_replies import stored_reply
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.artifacts import KeptPrompt, kept_prompts
from promptlab.runs.reading import ADDED

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day a zip knows: when it was packed is no part of a bundle
_LEVEL = 6

_TRIALS = """trials WHERE cell IN (SELECT id FROM cells WHERE position IS NOT NULL)
    AND sample IN (SELECT id FROM samples WHERE position IS NOT NULL)"""
# The rows of the scorers that the run's table has: the file's, and those added later.
_SCORERS = f"""SELECT json_extract(value, '$[1]')
    FROM json_each((SELECT value FROM meta WHERE key = 'scorers'))
    UNION SELECT json_extract(value, '$.row')
    FROM json_each((SELECT value FROM meta WHERE key = '{ADDED}'))"""
_QUERIES = {
    "meta": f"SELECT * FROM meta WHERE key IN ('scorers', '{ADDED}') OR key IN "
    "(SELECT 'dataset:' || dataset FROM cells WHERE position IS NOT NULL) ORDER BY key",
    "cells": "SELECT * FROM cells WHERE position IS NOT NULL ORDER BY id",
    "samples": "SELECT * FROM samples WHERE position IS NOT NULL ORDER BY id",
    "trials": f"SELECT * FROM {_TRIALS} ORDER BY id",
    "calls": f"SELECT * FROM calls WHERE trial IN (SELECT id FROM {_TRIALS}) ORDER BY trial, ordinal",
    "scorers": f"SELECT * FROM scorers WHERE id IN ({_SCORERS}) ORDER BY id",
    "scores": f"SELECT * FROM scores WHERE trial IN (SELECT id FROM {_TRIALS}) "
    f"AND scorer IN ({_SCORERS}) ORDER BY trial, scorer",
}
_KEYS = f"""SELECT DISTINCT key, reply FROM calls WHERE key IS NOT NULL
    AND trial IN (SELECT id FROM {_TRIALS}) ORDER BY key, reply"""


@dataclass(frozen=True, slots=True)
class Packed:
    """`digest` is the SHA-256 of `bundle.json`, which names all others. `lost` replies left the cache."""

    path: Path
    contents: Contents
    digest: str
    trials: int
    calls: int
    replies: int
    lost: int


def pack(run: RunDirectory, path: Path, *, cache: Path, folder: Path, data: bool = True) -> Packed:
    """Writes the bundle of a run to `path`, whole or not at all.

    `cache` is the cache's folder, `folder` where `.env` is looked for. UsageError: a key stands in what would
    be packed, a process works on the run, or the file cannot be written. Without `data` the samples' hashes
    stand for them; prompts and replies stay as they are.
    """
    watch = Watch(run.path / EXPERIMENT, folder)
    lock = run.lock()  # rows and table must be of one moment
    if lock is None:
        raise UsageError(f"another process works on run {run.id}.", remedy="Wait until it has ended.")
    try:
        return _write_whole(run, path, cache, watch, data)
    finally:
        lock.release()


def _write_whole(run: RunDirectory, path: Path, cache: Path, watch: Watch, data: bool) -> Packed:
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "w+b") as stream:
            packed = _write(run, path, stream, cache, watch, data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return packed


def _write(run: RunDirectory, path: Path, stream: Any, cache: Path, watch: Watch, data: bool) -> Packed:
    manifest = run.manifest()
    members: dict[str, Member] = {}
    rows: dict[str, int] = {}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:

        def add(name: str, lines: Iterable[bytes]) -> None:
            total = sum(each.bytes for each in members.values())
            members[name], rows[name] = _member(target, name, _bounded(watch.passed(name, lines), total))

        add(EXPERIMENT, [_experiment(run)])
        add(MANIFEST, [canonical(manifest), b"\n"])
        with RunReader(run) as reader:
            for table in TABLES:
                add(f"{table}.jsonl", _rows(reader.connection, table, data=data))
            prompts = kept_prompts(run)
            kept = _Kept(reader.connection, cache, prompts)
            add(CACHE, kept.lines())
        if prompts:
            add(ARTIFACTS, _artifacts(prompts))
            add(SEARCH_CALLS, _search_calls(prompts))
        # Judges' scores are taken along like all others; what the judges said and cost is not.
        add(COMPARISON, [canonical(replace(compare_run(run), judges=()).to_json()), b"\n"])
        contents = Contents(run.id, str(manifest["experiment"]), PROMPTLAB, data, members)
        text = canonical(contents.to_json()) + b"\n"
        _member(target, CONTENTS, [text])
    digest = hashlib.sha256(text).hexdigest()
    return Packed(path, contents, digest, rows["trials.jsonl"], rows["calls.jsonl"], rows[CACHE], kept.lost)


def _member(target: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> tuple[Member, int]:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # the same on every system
    info.external_attr = 0o600 << 16
    running, size, count = hashlib.sha256(), 0, 0
    with target.open(info, "w", force_zip64=True) as member:
        for line in lines:
            running.update(line)
            size += len(line)
            count += 1
            member.write(line)
    return Member(size, running.hexdigest()), count


def _bounded(lines: Iterable[bytes], total: int) -> Iterator[bytes]:
    for line in lines:
        total += len(line)
        if total > MAX_BYTES:
            raise UsageError(
                f"this run does not fit into a bundle: it has more than {MAX_BYTES // 2**30} GiB.",
                remedy="Write its tables with `promptlab export`.",
            )
        yield line


def _experiment(run: RunDirectory) -> bytes:
    try:
        return (run.path / EXPERIMENT).read_bytes()
    except OSError as error:
        raise StorageError(f"run {run.id}: {run.path / EXPERIMENT} cannot be read: {error}.") from error


def _rows(connection: sqlite3.Connection, table: str, *, data: bool) -> Iterator[bytes]:
    with closing(connection.execute(_QUERIES[table])) as found:
        names: Sequence[str] = [each[0] for each in found.description]
        for row in found:
            values = dict(zip(names, row, strict=True))
            for _, column in (each for each in BLOBS if each[0] == table):
                values[column] = values[column].hex()
            if table == "samples" and not data:
                values["body"] = None
            yield canonical(values) + b"\n"


def _artifacts(prompts: Sequence[KeptPrompt]) -> Iterator[bytes]:
    for each in prompts:
        if each.artifact is not None:
            yield canonical({"key": each.key, "artifact": each.artifact}) + b"\n"


def _search_calls(prompts: Sequence[KeptPrompt]) -> Iterator[bytes]:
    for each in prompts:
        for call in each.calls():
            yield canonical({"key": each.key, "call": call}) + b"\n"


class _Kept:
    """The cache's rows of all calls, those of searches too, as far as they still hold what the run saw."""

    def __init__(self, connection: sqlite3.Connection, cache: Path, prompts: Sequence[KeptPrompt]) -> None:
        self._connection = connection
        self._cache = cache
        self._prompts = prompts
        self.lost = 0

    def lines(self) -> Iterator[bytes]:
        replies = {tuple(row) for row in self._connection.execute(_KEYS)}
        for each in self._prompts:
            replies |= {(call["key"], call["reply"]) for call in each.calls() if "reply" in call}
        with stored_reply(self._cache) as find:
            for key, reply in sorted(replies):
                row = find(key, reply)
                if row is None:
                    self.lost += 1
                else:
                    yield canonical({"key": key, "row": row.decode()}) + b"\n"
