"""`annotations.sqlite` beside a run's store: judgements with their calls, and what people said.

The scores themselves lie with the others in the run's store, where comparison, `show` and export read them.
What is here hangs on a trial's identity and a scorer's, so that it outlives rows that are written anew, and a
run that nobody judged has no such file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from promptlab.basics.errors import StorageError
from promptlab.basics.hashing import canonical
from promptlab.runs.database import connect, unusable
from promptlab.runs.directory import RunDirectory
from promptlab.runs.rows import call_values, reply_totals
from promptlab.runs.schema import migrate, version_of

if TYPE_CHECKING:
    from promptlab.scoring.judging.judgement import Judgement

ANNOTATIONS = "annotations.sqlite"
# As in `schema`: each entry takes a file from version i to i + 1; entries are only added.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE judgements (
        id INTEGER PRIMARY KEY,
        trial BLOB NOT NULL,            -- the trial's identity
        scorer INTEGER NOT NULL,        -- the judge's row in the run's store
        status TEXT NOT NULL,           -- ok, unscored, error
        value REAL, method TEXT NOT NULL, verdicts TEXT NOT NULL,
        orders INTEGER NOT NULL, flips INTEGER NOT NULL, agreement REAL, error TEXT,
        latency_s REAL, calls INTEGER NOT NULL, cached_calls INTEGER NOT NULL,
        prompt_tokens INTEGER, completion_tokens INTEGER,
        cost_usd REAL, paid_usd REAL, unknown_costs INTEGER NOT NULL, attempts INTEGER NOT NULL,
        UNIQUE (trial, scorer)
    );
    CREATE TABLE judge_calls (
        judgement INTEGER NOT NULL REFERENCES judgements ON DELETE CASCADE, ordinal INTEGER NOT NULL,
        name TEXT NOT NULL, messages TEXT NOT NULL, sampling TEXT NOT NULL,
        reply TEXT, reasoning TEXT, error TEXT, finish TEXT, model TEXT, key TEXT,
        cached INTEGER NOT NULL, attempts INTEGER NOT NULL,
        prompt_tokens INTEGER, completion_tokens INTEGER, cached_tokens INTEGER, reasoning_tokens INTEGER,
        latency_s REAL, created REAL, cost REAL, currency TEXT, left_out TEXT,
        PRIMARY KEY (judgement, ordinal)
    ) WITHOUT ROWID;
    CREATE TABLE labels (
        trial BLOB PRIMARY KEY, label TEXT NOT NULL, source TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE ratings (
        id INTEGER PRIMARY KEY,         -- in the order given: the last is what `undo` takes back
        rater TEXT NOT NULL,            -- the name as typed
        a BLOB NOT NULL,                -- a trial's identity
        b BLOB NOT NULL,                -- the other's; empty where one answer was rated alone
        said TEXT NOT NULL,             -- of a pair: a, b, tie, skip; of one answer: its label, or skip
        scale TEXT NOT NULL,            -- a JSON list: the labels that were offered, the worst first
        swapped INTEGER NOT NULL,       -- b stood on the left
        seed INTEGER NOT NULL,          -- of the order and the sides
        at REAL NOT NULL,               -- Unix time
        comment TEXT NOT NULL DEFAULT '',
        UNIQUE (rater, a, b)
    );
    CREATE TABLE comments (
        trial BLOB PRIMARY KEY, comment TEXT NOT NULL, source TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
_KEPT = "SELECT attempts, paid_usd FROM judgements WHERE trial = ? AND scorer = ?"
_SUMS = """SELECT scorer, count(*), sum(status = 'ok'), sum(status = 'unscored'), sum(status = 'error'),
        sum(calls), sum(cached_calls), sum(prompt_tokens), sum(completion_tokens),
        count(*) = count(prompt_tokens) AND count(*) = count(completion_tokens),
        sum(cost_usd), sum(paid_usd), sum(unknown_costs), sum(orders), sum(flips), avg(agreement),
        count(agreement), sum(status = 'ok' AND method = 'logprobs'),
        sum(status = 'ok' AND method = 'draws'), sum(method = 'equal')
    FROM judgements GROUP BY scorer"""


@dataclass(frozen=True)
class JudgeSums:
    """All judgements of one judge. `cost_usd` as first paid, `paid_usd` by this run; None: unknown.

    `orders` are judged pairs of orders, `flips` those whose preference changed with the order. `agreement`
    is the mean share of equal verdicts among the draws of an answer, over `drawn` answers.
    """

    judged: int
    ok: int
    unscored: int
    errors: int
    calls: int
    cached_calls: int
    tokens: int | None
    cost_usd: float | None
    paid_usd: float | None
    orders: int
    flips: int
    agreement: float | None
    drawn: int
    by_logprobs: int
    by_draws: int
    equal: int


class Annotations:
    """The one writer's view (`open`), or a reader's (`existing`). A judgement made again replaces the old."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, run: RunDirectory) -> Self:
        """For writing; made where it is missing. StorageError as for a run store."""
        path = run.path / ANNOTATIONS
        connection = connect(path)
        try:
            migrate(connection, path, MIGRATIONS)
        except sqlite3.Error as error:
            connection.close()
            raise unusable(path, error) from error
        except StorageError:
            connection.close()
            raise
        return cls(path, connection)

    @classmethod
    def existing(cls, run: RunDirectory) -> Self | None:
        """For reading; None where nobody has judged or labelled anything."""
        path = run.path / ANNOTATIONS
        if not path.exists():
            return None
        connection = connect(path, read_only=True)
        version = version_of(connection, path, MIGRATIONS)
        if version == len(MIGRATIONS):
            return cls(path, connection)
        connection.close()
        return cls.open(run) if version else None

    @property
    def connection(self) -> sqlite3.Connection:
        """For `ratings`, which has statements of its own."""
        return self._connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(self._path, error) from error

    def add(self, scorer: int, rows: Sequence[tuple[bytes, Judgement]], rates: Any) -> None:
        """Keeps judgements of trials (by identity), whole or not at all."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for trial, each in rows:
                self._add_one(scorer, trial, each, rates)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise unusable(self._path, error) from error

    def _add_one(self, scorer: int, trial: bytes, each: Judgement, rates: Any) -> None:
        from promptlab.models.pricing import in_usd

        replies = [call.completion for call in each.calls if call.completion is not None]
        costs = [in_usd(reply.cost, reply.currency, rates) for reply in replies]
        before = self._connection.execute(_KEPT, (trial, scorer)).fetchone() or (0, 0.0)
        totals = list(reply_totals(each.calls, costs))
        totals[-1] += before[0]
        totals[-3] += before[1]
        self._connection.execute("DELETE FROM judgements WHERE trial = ? AND scorer = ?", (trial, scorer))
        values = (
            trial,
            scorer,
            each.status,
            each.value,
            each.method,
            canonical(each.verdicts).decode(),
            each.orders,
            each.flips,
            each.agreement,
            str(each.failure) if each.failure else None,
            *totals,
        )
        marks = ", ".join("?" * len(values))
        row = self._connection.execute(f"INSERT INTO judgements VALUES (NULL, {marks})", values).lastrowid
        for ordinal, call in enumerate(each.calls):
            kept = call_values(int(row or 0), ordinal, call)
            self._connection.execute(f"INSERT INTO judge_calls VALUES ({', '.join('?' * len(kept))})", kept)

    def set_labels(self, rows: Iterable[tuple[bytes, str]], source: str) -> int:
        """People's labels by trial; a trial's earlier one is replaced. Returns how many."""
        return self._set("labels", rows, source)

    def set_comments(self, rows: Iterable[tuple[bytes, str]], source: str) -> int:
        """People's comments likewise."""
        return self._set("comments", rows, source)

    def _set(self, table: str, rows: Iterable[tuple[bytes, str]], source: str) -> int:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.executemany(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                ((trial, text, source) for trial, text in rows),
            ).rowcount
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise unusable(self._path, error) from error
        return found

    def say(self, trial: bytes, label: str | None, comment: str | None, source: str) -> None:
        """One person's label and comment of a trial, instead of what stood there; None takes it away."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for table, text in (("labels", label), ("comments", comment)):
                connection.execute(f"DELETE FROM {table} WHERE trial = ?", (trial,))
                if text is not None:
                    connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (trial, text, source))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise unusable(self._path, error) from error

    def comments(self) -> dict[bytes, str]:
        """Every comment by its trial's identity."""
        return dict(self._connection.execute("SELECT trial, comment FROM comments"))

    def said(self) -> dict[bytes, tuple[str | None, str | None]]:
        """Label and comment of every trial that has one of them."""
        labels, comments = self.labels(), self.comments()
        return {trial: (labels.get(trial), comments.get(trial)) for trial in {**labels, **comments}}

    def said_of(self, trial: bytes) -> tuple[str | None, str | None]:
        """Label and comment of one trial."""
        return self.said().get(trial, (None, None))

    def labels(self) -> dict[bytes, str]:
        """Every label by its trial's identity."""
        return dict(self._connection.execute("SELECT trial, label FROM labels"))

    def sums(self) -> dict[int, JudgeSums]:
        """What each judge did, by its row in the run's store."""
        found = {}
        for row in self._connection.execute(_SUMS):
            scorer, judged, ok, unscored, errors, calls, cached, prompt, reply, counted, cost, paid = row[:12]
            unknown, orders, flips, agreement, drawn, by_logprobs, by_draws, equal = row[12:]
            found[scorer] = JudgeSums(
                judged,
                ok,
                unscored,
                errors,
                calls,
                cached,
                (prompt or 0) + (reply or 0) if counted else None,
                None if unknown else float(cost or 0.0),
                None if unknown and calls > cached else float(paid or 0.0),
                orders,
                flips,
                agreement,
                drawn,
                by_logprobs,
                by_draws,
                equal,
            )
        return found

    def of_trial(self, trial: bytes) -> Iterator[dict[str, Any]]:
        """The judgements of one trial, each with its calls under `call_list`."""
        connection = self._connection
        connection.row_factory = sqlite3.Row
        with closing(
            connection.execute("SELECT * FROM judgements WHERE trial = ? ORDER BY id", (trial,))
        ) as rows:
            for row in rows:
                values = dict(row)
                del values["trial"]
                values["verdicts"] = orjson.loads(values["verdicts"])
                calls = connection.execute(
                    "SELECT * FROM judge_calls WHERE judgement = ? ORDER BY ordinal", (values.pop("id"),)
                )
                values["call_list"] = [_call(each) for each in calls]
                yield values


def _call(row: sqlite3.Row) -> dict[str, Any]:
    values = dict(row)
    del values["judgement"]
    values["messages"] = orjson.loads(values["messages"])
    values["sampling"] = orjson.loads(values["sampling"])
    return values
