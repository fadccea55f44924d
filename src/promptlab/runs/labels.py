"""People's labels of a run's answers: a table with `sample`, `variant` and `label`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.runs.annotations import Annotations
from promptlab.runs.directory import RunDirectory
from promptlab.runs.reading import RunReader

if TYPE_CHECKING:
    from promptlab.runs.store import RunStore

_LABEL_COLUMNS = ("label", "score")
_NEEDED = (("sample",), ("variant",), _LABEL_COLUMNS)
# What people said of an answer against the opponent's, and its worth.
PREFERENCES = {"win": 1.0, "tie": 0.5, "loss": 0.0}
_KEYS = ("sample", "variant", "model", "dataset", "repeat")
_GUARDED = tuple(f"'{sign}" for sign in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
_TRIALS = """SELECT trials.identity, samples.sample, cells.variant, cells.model, cells.dataset, trials.repeat
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL AND trials.status != 'error'
        AND samples.sample = ? AND cells.variant = ?"""


def keep_labels(run: RunDirectory, store: RunStore, path: Path, *, partial: bool = False) -> int:
    """Keeps the labels of a csv, tsv or jsonl file beside the run. Returns how many.

    Columns: `sample` and `variant`, `label` (or `score`), perhaps `comment`; `model`, `dataset` and `repeat`
    where the run has several. Every row must name one answer of the run: UsageError names the first that does
    not. `partial` passes over answers that the run does not have yet.
    """
    labels: dict[bytes, str] = {}
    comments: dict[bytes, str] = {}
    for number, row in table_rows(path, _NEEDED):
        where = f"{path}: row {number}"
        label = next((row[name] for name in _LABEL_COLUMNS if row.get(name)), "")
        if not label or not row.get("sample") or not row.get("variant"):
            raise UsageError(f"{where} needs `sample`, `variant` and `label`.")
        identity = _trial(store, row, where, partial=partial)
        if identity is None:
            continue
        if labels.setdefault(identity, label) != label:
            raise UsageError(f"{where} gives another label to an answer labelled before.")
        if row.get("comment"):
            comments[identity] = row["comment"]
    with Annotations.open(run) as annotations:
        annotations.set_comments(comments.items(), path.name)
        return annotations.set_labels(labels.items(), path.name)


def label_answer(run: RunDirectory, trial: int, label: str | None, comment: str | None, source: str) -> None:
    """Keeps one person's label and comment of a trial, instead of what stood there; None takes it away.

    `source` says where it comes from. UsageError: no such trial, or one that ended in an error.
    """
    with RunReader(run) as reader:
        query = "SELECT identity, status FROM trials WHERE id = ?"
        found = reader.connection.execute(query, (trial,)).fetchone()
    if found is None or found[1] == "error":
        raise UsageError(f"run {run.id} has no answer {trial} to label.", remedy="Reload the page.")
    with Annotations.open(run) as annotations:
        annotations.say(bytes(found[0]), label or None, comment or None, source)


def judged_as(run: RunDirectory) -> list[tuple[str, float]]:
    """The verdicts a label of this run may be, with their worth, the best first.

    They are those of its first judge, since labels are compared with what judges say; without one, 1 and 0.
    """
    with RunReader(run) as reader:
        rows = reader.scorers().values()
        specs = dict(reader.connection.execute("SELECT id, spec FROM scorers").fetchall())
    for row in rows:
        spec = orjson.loads(specs[row])
        if spec.get("scorer") == "judge":
            values = PREFERENCES if spec.get("kind") == "pairwise" else spec["values"]
            return sorted(values.items(), key=lambda each: -float(each[1]))
    return [("1", 1.0), ("0", 0.0)]


def _trial(store: RunStore, row: Mapping[str, str], where: str, *, partial: bool) -> bytes | None:
    found = store.read(_TRIALS, row["sample"], row["variant"])
    fitting = [
        each
        for each in found
        if all(not row.get(key) or str(each[1 + at]) == row[key] for at, key in enumerate(_KEYS))
    ]
    named = ", ".join(f"{key} {row[key]!r}" for key in _KEYS if row.get(key))
    if not fitting:
        if partial:
            return None
        variants = {each[0] for each in store.read("SELECT variant FROM cells WHERE position IS NOT NULL")}
        near = did_you_mean(row["variant"], variants) if row["variant"] not in variants else ""
        raise UsageError(f"{where}: the run has no answer with {named}.", remedy=near)
    if len(fitting) > 1:
        missing = next(key for at, key in enumerate(_KEYS) if len({each[1 + at] for each in fitting}) > 1)
        raise UsageError(
            f"{where}: the run has {len(fitting)} answers with {named}.",
            remedy=f"Add a column `{missing}`.",
        )
    return bytes(fitting[0][0])


def table_rows(path: Path, needed: Sequence[Sequence[str]]) -> Iterable[tuple[int, dict[str, str]]]:
    """The rows of a csv, tsv or jsonl file with their numbers, from 1; values as trimmed text.

    A table must have of each entry of `needed` one column. The apostrophe that exports put before what a
    spreadsheet would run as a formula is taken off. UsageError where the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{path} cannot be read: {reason}.") from error
    if path.suffix == ".jsonl":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, _plain(_object(path, number, line))
        return
    rows = csv.DictReader(io.StringIO(text), delimiter="\t" if path.suffix == ".tsv" else ",")
    if not all(set(names) & set(rows.fieldnames or ()) for names in needed):
        *others, last = (names[0] for names in needed)
        raise UsageError(
            f"{path} needs the columns {', '.join(others)} and {last}; it has "
            f"{', '.join(rows.fieldnames or ()) or 'none'}."
        )
    for number, row in enumerate(rows, 1):
        yield number, {name: _unguarded(value) for name, value in _plain(row).items()}


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith(_GUARDED) else text


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: row {number} is no JSON: {error}.") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path}: row {number} is no object.")
    return value


def _plain(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        str(key): str(value).strip()
        for key, value in row.items()
        if key is not None and value is not None and not isinstance(value, list)
    }
