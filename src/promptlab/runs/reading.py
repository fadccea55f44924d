"""Reading a run while it may still be written: plain SQL, paged by whoever asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.runs.annotations import Annotations
from promptlab.runs.database import connect, unusable
from promptlab.runs.directory import RunDirectory
from promptlab.runs.schema import MIGRATIONS, migrate, version_of

# What `score` added to the run: name, row and entry of each scorer.
ADDED = "added_scorers"
# SQLite's own 2 MB make it fetch the pages of a large run over and over.
CACHE_KIB = 65_536

_TRIALS = """SELECT trials.id AS trial, cells.variant, cells.model, cells.dataset, samples.sample,
        trials.repeat, trials.status, trials.answer, trials.text, trials.rule, trials.error,
        trials.calls, trials.cached_calls, trials.attempts, trials.prompt_tokens, trials.completion_tokens,
        CASE WHEN trials.unknown_costs = 0 THEN trials.cost_usd END AS cost_usd, trials.latency_s,
        samples.body
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL"""


class RunReader:
    """Read-only access to one run, as it was when the reader was opened, whatever is written meanwhile.

    A store of an older version is brought up to date first. UsageError: there is nothing yet. StorageError:
    a newer version, or damage, which is found wherever the reader is used as a context.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.connection = _opened(run)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("BEGIN")  # one snapshot for all that is read

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()
        if isinstance(error, (sqlite3.Error, orjson.JSONDecodeError)):
            raise unusable(self.run.store, error) from error

    def meta(self, key: str) -> Any:
        """A fact of the run, or None."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def scorers(self) -> dict[str, int]:
        """The current scorers' rows by their column names: the file's in its order, then added ones."""
        added = {each["name"]: each["row"] for each in self.meta(ADDED) or []}
        found = dict(self.meta("scorers") or {})
        for name, row in added.items():
            found.setdefault(name, row)
        return found

    def cells(self) -> list[sqlite3.Row]:
        """The cells that are in the experiment, in its order."""
        query = "SELECT * FROM cells WHERE position IS NOT NULL ORDER BY position"
        return self.connection.execute(query).fetchall()

    def sample_fields(self, dataset: str, names: Sequence[str]) -> dict[int, tuple[str | None, ...]]:
        """What each current sample of a data set says in those fields, as texts, by its position.

        A field is one of the sample's metadata or inputs (dots lead into it), or `group`, or `target`; None
        where the sample has no such field, or nothing in it.
        """
        query = "SELECT position, cluster, body FROM samples WHERE dataset = ? AND position IS NOT NULL"
        return {
            row[0]: tuple(_field(orjson.loads(row[2]), row[1], name) for name in names)
            for row in self.connection.execute(query, (dataset,))
        }

    def counts(self) -> dict[str, int]:
        """How many current trials have each status."""
        query = f"SELECT status, count(*) FROM ({_TRIALS}) GROUP BY status"
        return {row[0]: int(row[1]) for row in self.connection.execute(query)}

    def trials(
        self,
        *,
        sample: str | None = None,
        failed: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> Iterator[dict[str, Any]]:
        """Current trials as flat rows, in the order sample, cell, repeat, with one column per score.

        Where a technique of the run was told by the target, a column `oracle` says whose trials these are.
        """
        where = "" if sample is None else " AND samples.sample = ?"
        where += " AND trials.status != 'ok'" if failed else ""
        values: list[Any] = [] if sample is None else [sample]
        query = f"{_TRIALS}{where} ORDER BY samples.position, cells.position, trials.repeat LIMIT ? OFFSET ?"
        scorers, oracles = self.scorers(), self._oracles()
        with closing(
            self.connection.execute(query, [*values, -1 if limit is None else limit, offset])
        ) as rows:
            for row in rows:
                yield {**_flat(row), **self._label(row, oracles), **self._scores(row["trial"], scorers)}

    def trial(self, trial: int) -> dict[str, Any]:
        """One trial by its number, whether or not its cell is still in the file."""
        query = _TRIALS.replace(
            "WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL", "WHERE TRUE"
        )
        row = self.connection.execute(f"{query} AND trials.id = ?", (trial,)).fetchone()
        if row is None:
            raise UsageError(
                f"run {self.run.id} has no trial {trial}.",
                remedy=f"`promptlab show {self.run.id}` lists them.",
            )
        notes = self.connection.execute("SELECT notes FROM trials WHERE id = ?", (trial,)).fetchone()[0]
        flat = {**_flat(row), **self._label(row, self._oracles()), **self._scores(trial, self.scorers())}
        label, comment = self.said(trial)
        return {
            **flat,
            "inputs": orjson.loads(row["body"])["inputs"],
            "notes": orjson.loads(notes) if notes else {},
            "label": label,
            "comment": comment,
        }

    def said(self, trial: int) -> tuple[str | None, str | None]:
        """A person's label and comment of one trial; None where there is none."""
        annotations = Annotations.existing(self.run)
        if annotations is None:
            return None, None
        query = "SELECT identity FROM trials WHERE id = ?"
        with annotations:
            return annotations.said_of(self.connection.execute(query, (trial,)).fetchone()[0])

    def calls(self, trial: int | None = None) -> Iterator[dict[str, Any]]:
        """The calls of one trial, or of all current ones, in order."""
        if trial is None:
            query = f"SELECT calls.* FROM calls JOIN ({_TRIALS}) AS t ON t.trial = calls.trial ORDER BY 1, 2"
            found = self.connection.execute(query)
        else:
            found = self.connection.execute("SELECT * FROM calls WHERE trial = ? ORDER BY ordinal", (trial,))
        for row in found:
            values = dict(row)
            values["messages"] = orjson.loads(values["messages"])
            values["sampling"] = orjson.loads(values["sampling"])
            yield values

    def judgements(self, trial: int) -> list[dict[str, Any]]:
        """What judges made of one trial, each with its calls under `call_list`, named by its scorer."""
        annotations = Annotations.existing(self.run)
        if annotations is None:
            return []
        names = dict(self.connection.execute("SELECT id, name FROM scorers").fetchall())
        names |= {row: name for name, row in self.scorers().items()}
        query = "SELECT identity FROM trials WHERE id = ?"
        with annotations:
            found = list(annotations.of_trial(self.connection.execute(query, (trial,)).fetchone()[0]))
        return [{**each, "scorer": names.get(each["scorer"])} for each in found]

    def _oracles(self) -> frozenset[str]:
        """The variants whose techniques were told by the target."""
        found = self.connection.execute("SELECT DISTINCT variant FROM cells WHERE oracle")
        return frozenset(variant for (variant,) in found)

    @staticmethod
    def _label(row: sqlite3.Row, oracles: frozenset[str]) -> dict[str, bool]:
        return {"oracle": row["variant"] in oracles} if oracles else {}

    def _scores(self, trial: int, scorers: dict[str, int]) -> dict[str, float | None]:
        query = "SELECT scorer, value FROM scores WHERE trial = ?"
        found = dict(self.connection.execute(query, (trial,)).fetchall())
        return {name: found.get(row) for name, row in scorers.items()}


def has_results(run: RunDirectory) -> bool:
    """Whether there is anything to read: a run that has just begun has no store, or an empty one."""
    if not run.store.exists():
        return False
    with closing(connect(run.store, read_only=True)) as connection:
        return version_of(connection, run.store) > 0


def _opened(run: RunDirectory) -> sqlite3.Connection:
    if not has_results(run):
        raise UsageError(
            f"run {run.id} has no results yet.",
            remedy="`promptlab compare` with its experiment file makes them.",
        )
    connection = connect(run.store, read_only=True)
    if version_of(connection, run.store) < len(MIGRATIONS):
        connection.close()
        _bring_up_to_date(run)
        connection = connect(run.store, read_only=True)
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _bring_up_to_date(run: RunDirectory) -> None:
    lock = run.lock()
    if lock is None:
        raise StorageError(
            f"an older promptlab works on run {run.id}.", remedy="Wait until it has ended and try again."
        )
    try:
        with closing(connect(run.store)) as connection:
            migrate(connection, run.store)
    except sqlite3.Error as error:
        raise unusable(run.store, error) from error
    finally:
        lock.release()


def _flat(row: sqlite3.Row) -> dict[str, Any]:
    values = dict(row)
    body = orjson.loads(values.pop("body"))
    answer = values["answer"]
    values["answer"] = None if answer is None else _joined(orjson.loads(answer))
    values["target"] = _joined(body["target"])
    return values


def _field(body: dict[str, Any], cluster: str | None, name: str) -> str | None:
    columns = {**body["inputs"], **body.get("metadata", {})}
    if name in columns:
        return _told(columns[name])
    if name in ("group", "target"):
        return _told(cluster if name == "group" else _joined(body["target"]))
    value: Any = columns
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return _told(value)


def _told(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return orjson.dumps(value).decode()


def _joined(value: Any) -> Any:
    return " | ".join(value) if isinstance(value, list) else value
