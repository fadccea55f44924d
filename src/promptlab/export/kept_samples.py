"""Samples of a run's trials, added to a data set of one's own: those that failed, to look at again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import digest
from promptlab.basics.json_text import json_text
from promptlab.runs import RunDirectory, RunReader

# What the target may be called where the inputs have a column of the first name.
_TARGETS = ("target", "gold", "reference_answer")
_ORIGIN = ("from_run", "from_trial")


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep_samples` did: rows `added`, and samples that were there already."""

    path: Path
    added: int
    known: int


def keep_samples(run: RunDirectory, trials: Iterable[int], path: Path) -> Kept:
    """Adds the samples of these trials (by number) to the jsonl file `path`, made where it is missing.

    A row holds the inputs as they are, the target under `target`, choices, rationale and metadata where there
    are any, and which run and trial it comes from. A sample that is there already (same inputs and target) is
    not added again. UsageError: an unknown trial, a file of other columns, or no jsonl file.
    """
    if path.suffix != ".jsonl":
        raise UsageError(f"{path} is no jsonl file.", remedy=f"Name one: {path.with_suffix('.jsonl')}")
    with RunReader(run) as reader:
        rows = [_row(reader, trial) for trial in trials]
    before = _existing(path)
    marks = {_mark(row) for row in before}
    columns = list(before[0]) if before else list(rows[0]) if rows else []
    lines = []
    for row in rows:
        if set(row) != set(columns):
            raise UsageError(
                f"{path} has the columns {', '.join(columns)}, but this sample has {', '.join(row)}.",
                remedy="Name another file for samples of this data set.",
            )
        if _mark(row) not in marks:
            marks.add(_mark(row))
            lines.append(json_text({name: row[name] for name in columns}) + "\n")
    if lines:
        _append(path, "".join(lines))
    return Kept(path, len(lines), len(rows) - len(lines))


def _row(reader: RunReader, trial: int) -> dict[str, Any]:
    reader.trial(trial)  # says what to do where there is none
    body = orjson.loads(
        reader.connection.execute(
            "SELECT body FROM samples JOIN trials ON trials.sample = samples.id WHERE trials.id = ?", (trial,)
        ).fetchone()[0]
    )
    row = {**body.get("metadata", {}), **body["inputs"]}
    row[next(name for name in _TARGETS if name not in row)] = body["target"]
    for name in ("choices", "rationale"):
        if name in body:
            row.setdefault(name, body[name])
    return {**row, "from_run": reader.run.id, "from_trial": trial}


def _mark(row: dict[str, Any]) -> str:
    return digest({name: value for name, value in row.items() if name not in _ORIGIN})


def _existing(path: Path) -> list[dict[str, Any]]:
    try:
        rows = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path} holds a line that is no object.", remedy="Name another file.")
    return rows


def _append(path: Path, text: str) -> None:
    """At the end, on a line of its own."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as stream:
            if stream.seek(0, os.SEEK_END):
                stream.seek(-1, os.SEEK_END)
                text = text if stream.read(1) == b"\n" else f"\n{text}"
            stream.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}.") from error
