"""What an experiment has spent: a SQLite file in PROMPTLAB_HOME, shared by resumes and processes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from promptlab.basics.errors import StorageError
from promptlab.basics.process import Owner, this_process
from promptlab.models.group_commit import GroupCommit
from promptlab.models.limits import Limits

LEDGER_FILE = "ledger.sqlite"
BUSY_TIMEOUT_S = 60.0
# Sums of money set aside and given back do not come out at exactly 0.
_DUST = 1e-9

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY, experiment TEXT NOT NULL, opened REAL NOT NULL,
    calls INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, usd REAL NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS ledger_experiment ON ledger (experiment, id);
CREATE TABLE IF NOT EXISTS held (
    ledger INTEGER NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, start TEXT NOT NULL,
    tokens INTEGER NOT NULL, usd REAL NOT NULL, PRIMARY KEY (ledger, host, pid, start));
"""


@dataclass(frozen=True, slots=True)
class Spending:
    """An amount. Negative ones give back."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def plus(self, other: Spending) -> Spending:
        return Spending(self.calls + other.calls, self.tokens + other.tokens, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Totals:
    """What is spent for good, and what is set aside for calls in flight (their number is in `spent`)."""

    spent: Spending
    held_tokens: int
    held_usd: float


class Verdict(Enum):
    GRANTED = "granted"
    LATER = "later"  # what calls in flight have set aside is in the way: ask again when one is back
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    totals: Totals


class Ledger(Protocol):
    """What the client needs of a ledger. All raise StorageError where it cannot be written."""

    async def reserve(self, wanted: Spending, limits: Limits) -> Answer:
        """Counts `wanted.calls` for good and sets its tokens and money aside, if the limits allow. Atomic."""

    async def settle(self, held: Spending, spent: Spending) -> None:
        """Turns what was set aside (`held.tokens`, `held.usd`) into what was spent."""

    async def totals(self) -> Totals: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Operation:
    held: Spending
    spent: Spending
    limits: Limits | None = None


class SqliteLedger:
    """A `Ledger`, as one row by experiment. `fresh` opens a new row; processes at the old one stay there."""

    def __init__(self, path: Path, experiment: str, *, fresh: bool = False) -> None:
        self._path = path
        self._owner = this_process()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # One connection, made here and used by the writer's thread alone.
            self._rows = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._rows.execute("PRAGMA journal_mode=WAL")
            self._rows.execute("PRAGMA synchronous=NORMAL")
            self._rows.executescript(_SCHEMA)
            self._rows.execute("BEGIN IMMEDIATE")
            self._id = self._open(experiment, fresh)
            self._rows.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        self._writer: GroupCommit[_Operation, Answer] = GroupCommit("promptlab-ledger", self._commit)

    async def reserve(self, wanted: Spending, limits: Limits) -> Answer:
        held = Spending(tokens=wanted.tokens, usd=wanted.usd)
        return await self._writer.submit(_Operation(held, Spending(calls=wanted.calls), limits))

    async def settle(self, held: Spending, spent: Spending) -> None:
        await self._writer.submit(_Operation(Spending(tokens=-held.tokens, usd=-held.usd), spent))

    async def totals(self) -> Totals:
        return (await self._writer.submit(_Operation(Spending(), Spending()))).totals

    async def close(self) -> None:
        await self._writer.close()
        self._rows.close()

    def _open(self, experiment: str, fresh: bool) -> int:
        found = self._rows.execute(
            "SELECT max(id) FROM ledger WHERE experiment = ?", (experiment,)
        ).fetchone()
        if found[0] is not None and not fresh:
            return int(found[0])
        self._rows.execute("INSERT INTO ledger (experiment, opened) VALUES (?, ?)", (experiment, time.time()))
        return int(self._rows.execute("SELECT last_insert_rowid()").fetchone()[0])

    def _commit(self, operations: Sequence[_Operation]) -> Sequence[Answer]:
        """One transaction: read once, decide in memory, write once."""
        try:
            self._rows.execute("BEGIN IMMEDIATE")
            try:
                answers = self._decide(operations)
            except BaseException:
                self._rows.execute("ROLLBACK")
                raise
            self._rows.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return answers

    def _decide(self, operations: Sequence[_Operation]) -> list[Answer]:
        self._take_over_the_dead()
        calls, tokens, usd = self._rows.execute(
            "SELECT calls, tokens, usd FROM ledger WHERE id = ?", (self._id,)
        ).fetchone()
        held_tokens, held_usd = self._rows.execute(
            "SELECT coalesce(sum(tokens), 0), coalesce(sum(usd), 0.0) FROM held WHERE ledger = ?", (self._id,)
        ).fetchone()
        own_tokens, own_usd = 0, 0.0
        answers = []
        for each in operations:
            totals = Totals(Spending(calls, tokens, usd), held_tokens, held_usd)
            verdict = Verdict.GRANTED if each.limits is None else _verdict(totals, each, each.limits)
            if verdict is Verdict.GRANTED:
                calls, tokens, usd = (
                    calls + each.spent.calls,
                    tokens + each.spent.tokens,
                    usd + each.spent.usd,
                )
                held_tokens, held_usd = held_tokens + each.held.tokens, held_usd + each.held.usd
                own_tokens, own_usd = own_tokens + each.held.tokens, own_usd + each.held.usd
            answers.append(Answer(verdict, totals))
        self._rows.execute(
            "UPDATE ledger SET calls = ?, tokens = ?, usd = ? WHERE id = ?", (calls, tokens, usd, self._id)
        )
        if own_tokens or own_usd:
            owner = self._owner
            self._rows.execute(
                "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " tokens = tokens + excluded.tokens, usd = usd + excluded.usd",
                (self._id, owner.host, owner.pid, owner.start, own_tokens, own_usd),
            )
        return answers

    def _take_over_the_dead(self) -> None:
        """What a killed process had in flight was most likely paid: it counts as spent."""
        rows = self._rows.execute(
            "SELECT rowid, host, pid, start, tokens, usd FROM held WHERE ledger = ?", (self._id,)
        ).fetchall()
        for row, host, pid, start, tokens, usd in rows:
            owner = Owner(host, pid, start)
            if owner != self._owner and owner.is_dead():
                self._rows.execute(
                    "UPDATE ledger SET tokens = tokens + ?, usd = usd + ? WHERE id = ?",
                    (tokens, usd, self._id),
                )
                self._rows.execute("DELETE FROM held WHERE rowid = ?", (row,))

    def _unusable(self, error: Exception) -> StorageError:
        text = getattr(error, "strerror", None) or str(error)
        return StorageError(
            f"the ledger {self._path} cannot be used: {text}.",
            remedy="Free space there, or set PROMPTLAB_HOME to a folder you can write to.",
        )


def _verdict(totals: Totals, wanted: _Operation, limits: Limits) -> Verdict:
    """Calls are exact. Tokens and money fit beside what is set aside; alone, one call may overshoot."""
    spent = totals.spent
    if limits.budget_calls is not None and spent.calls + wanted.spent.calls > limits.budget_calls:
        return Verdict.REACHED
    verdict = Verdict.GRANTED
    for limit, gone, held, more in (
        (limits.budget_tokens, spent.tokens, totals.held_tokens, wanted.held.tokens),
        (limits.budget_usd, spent.usd, totals.held_usd, wanted.held.usd),
    ):
        if limit is None or gone + held + more <= limit:
            continue
        if gone >= limit:
            return Verdict.REACHED
        if held > _DUST:
            verdict = Verdict.LATER
    return verdict
