"""The run store: one SQLite file, one writer thread, rows in batches."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import orjson

from promptlab.basics.errors import StorageError
from promptlab.basics.hashing import canonical
from promptlab.runs import planned
from promptlab.runs.database import connect, unusable
from promptlab.runs.insert import insert
from promptlab.runs.planned import Identified
from promptlab.runs.rows import TRIAL_COLUMNS
from promptlab.runs.schema import migrate

if TYPE_CHECKING:
    from promptlab.datasets import Sample
    from promptlab.experiment import Plan
    from promptlab.runs.rows import ScoreRow, TrialRow

T = TypeVar("T")

BATCH_ROWS = 256
BATCH_WAIT_S = 0.05
QUEUE_ROWS = 4096  # what may wait for the disk before the engine waits too

_TRIAL = f"INSERT OR REPLACE INTO trials (id, {', '.join(TRIAL_COLUMNS)}) VALUES "
_REPLACED = "DELETE FROM trials WHERE identity = ? RETURNING attempts, paid_usd"
_TRIED_BEFORE = "UPDATE trials SET attempts = attempts + ?, paid_usd = paid_usd + ? WHERE id = ?"

_FINISHED = """SELECT count(*) FROM trials JOIN samples ON samples.id = trials.sample
    WHERE trials.cell = ? AND samples.position < ? AND trials.repeat < ? AND trials.status != 'error'"""


class RunStore:
    """The one writer of a run. Every write goes through its thread, in order; reads have `queries`.

    A trial counts once its batch is committed. What a kill loses is run again from the cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = connect(path)
        try:
            migrate(self._connection, path)
            found = self._connection.execute("SELECT coalesce(max(id), 0), count(*) FROM trials").fetchone()
        except sqlite3.Error as error:
            self._connection.close()
            raise unusable(path, error) from error
        self._next_trial = int(found[0]) + 1
        self._fresh = found[1] == 0
        self._rows: list[TrialRow] = []
        self._rows_lock = threading.Lock()
        self._hurry = threading.Event()
        self._queue: queue.SimpleQueue[_Job | Literal["rows", "close"]] = queue.SimpleQueue()
        self._failure: StorageError | None = None
        self._thread = threading.Thread(target=self._write, name="promptlab-store", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Writes what is queued and closes. Raises what the writer met."""
        if self._thread.is_alive():
            self._queue.put("close")
            self._hurry.set()
            self._thread.join()
            self._connection.close()
        if self._failure is not None:
            raise self._failure

    def set_plan(self, plan: Plan) -> dict[str, int]:
        """Marks the plan's cells and data sets as current; what is no longer in the file stays, unmarked.

        Returns each cell's row by its hash.
        """
        return self._do(lambda connection: planned.set_plan(connection, plan))

    def set_scorers(self, scorers: Mapping[str, Identified]) -> dict[str, int]:
        """Each scorer's row by its name; a scorer with other settings or version is another row."""
        return self._do(lambda connection: planned.set_scorers(connection, scorers))

    def set_meta(self, values: dict[str, Any]) -> None:
        """Keeps facts of the run under their keys."""
        rows = [(key, canonical(value).decode()) for key, value in values.items()]
        self._do(lambda connection: connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows))

    def meta(self, key: str) -> Any:
        """A fact of the run, or None."""
        found = self.read("SELECT value FROM meta WHERE key = ?", key)
        return orjson.loads(found[0][0]) if found else None

    def stop_cell(self, cell: int, why: str | None) -> None:
        self._do(
            lambda connection: connection.execute("UPDATE cells SET stopped = ? WHERE id = ?", (why, cell))
        )

    def add_scores(self, rows: Sequence[ScoreRow]) -> None:
        """Scores of answers that are already stored."""
        query = "INSERT OR REPLACE INTO scores (trial, scorer, value, statistics) VALUES (?, ?, ?, ?)"
        self._do(lambda connection: connection.executemany(query, rows))

    async def place(
        self, dataset: str, samples: Sequence[tuple[int, Sample]], identities: Sequence[bytes]
    ) -> tuple[list[int], set[bytes]]:
        """Enters samples with their positions; their rows, and which of the trials are finished already."""
        fresh = self._fresh

        def job(connection: sqlite3.Connection) -> tuple[list[int], set[bytes]]:
            return planned.place(connection, dataset, samples, [] if fresh else identities)

        return await asyncio.wrap_future(self._submit(job))

    async def add(self, row: TrialRow) -> None:
        """Queues one trial. Waits where the disk is behind; raises StorageError once a write has failed."""
        if self._failure is not None:
            raise self._failure
        with self._rows_lock:
            self._rows.append(row)
            waiting = len(self._rows)
        if waiting == 1:  # wakes the writer, once a batch
            self._queue.put("rows")
        elif waiting == BATCH_ROWS:
            self._hurry.set()
        elif waiting > QUEUE_ROWS:
            await asyncio.wrap_future(self._submit(lambda connection: None))

    def count_finished(self, samples_of: dict[int, int], repeats: int) -> int:
        """Finished trials of these cells over their first n samples (cell row → n) and repeats."""

        def job(connection: sqlite3.Connection) -> int:
            return sum(
                int(connection.execute(_FINISHED, (cell, samples, repeats)).fetchone()[0])
                for cell, samples in samples_of.items()
            )

        return self._do(job)

    def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `job` on the writer's connection, in a transaction, after everything queued before it."""
        return self._do(job)

    def read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds, after everything that was queued before it."""
        return self._do(lambda connection: connection.execute(query, values).fetchall())

    def requested(self) -> set[str]:
        """What other processes ask of this run: "pause" or "cancel"."""
        return self._do(
            lambda connection: {row[0] for row in connection.execute("SELECT request FROM control")}
        )

    def forget_requests(self) -> None:
        """What was asked of an earlier command is not asked of this one."""
        self._do(lambda connection: connection.execute("DELETE FROM control"))

    def _submit(self, job: Callable[[sqlite3.Connection], T]) -> Future[T]:
        if self._failure is not None:
            raise self._failure
        entry: _Job = _Job(job)
        self._queue.put(entry)
        self._hurry.set()  # its caller waits
        return entry.future

    def _do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return self._submit(job).result()

    def _write(self) -> None:
        while True:
            entry = self._queue.get()
            if entry == "rows":
                self._hurry.wait(BATCH_WAIT_S)
            self._hurry.clear()
            with self._rows_lock:
                rows, self._rows = self._rows, []
            self._commit(rows, entry if isinstance(entry, _Job) else None)
            if entry == "close":
                return

    def _commit(self, rows: Sequence[TrialRow], job: _Job | None) -> None:
        """One transaction: what came before a job is written with it."""
        result = None
        try:
            if self._failure is not None:
                raise self._failure
            self._connection.execute("BEGIN IMMEDIATE")
            self._add(rows)
            if job is not None:
                result = job.run(self._connection)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, StorageError) as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if self._failure is None:
                self._failure = error if isinstance(error, StorageError) else unusable(self.path, error)
            if job is not None:
                job.future.set_exception(self._failure)
            return
        if job is not None:
            job.future.set_result(result)

    def _add(self, rows: Sequence[TrialRow]) -> None:
        first = self._next_trial
        self._next_trial += len(rows)
        numbered = list(enumerate(rows, first))
        before = [] if self._fresh else self._remove(numbered)
        insert(self._connection, _TRIAL, [(trial, *row.trial_values()) for trial, row in numbered])
        self._connection.executemany(_TRIED_BEFORE, before)
        insert(
            self._connection,
            "INSERT INTO calls VALUES ",
            [values for trial, row in numbered for values in row.call_values(trial)],
        )
        insert(
            self._connection,
            "INSERT INTO scores (trial, scorer, value, statistics) VALUES ",
            [values for trial, row in numbered for values in row.score_values(trial)],
        )

    def _remove(self, numbered: Sequence[tuple[int, TrialRow]]) -> list[tuple[int, float, int]]:
        """Errors that were tried again: what they took, for the trials that replace them."""
        return [
            (attempts, paid_usd, trial)
            for trial, row in numbered
            for attempts, paid_usd in self._connection.execute(_REPLACED, (row.identity,)).fetchall()
        ]


class _Job:
    """A write that its caller waits for."""

    def __init__(self, run: Callable[[sqlite3.Connection], Any]) -> None:
        self.run = run
        self.future: Future[Any] = Future()
