"""What other processes ask of a run that goes on: rows of its `control` table, which its worker looks at."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any, Literal, Protocol, TypeVar

from promptlab.basics.errors import StorageError, UsageError
from promptlab.runs.database import connect, unusable
from promptlab.runs.directory import RunDirectory
from promptlab.runs.store import RunStore

T = TypeVar("T")

CONTROL_POLL_S = 1.0


class Obedient(Protocol):
    """Work that can be told to wait, or to start nothing new."""

    def interrupt(self) -> None: ...

    def pause(self, paused: bool = True) -> None: ...


async def obeying(
    store: RunStore,
    worker: Obedient,
    work: Coroutine[Any, Any, T],
    each_time: Callable[[], None] = lambda: None,
) -> T:
    """`work`, while `worker` is told what other processes ask of the run; `each_time` it asked what."""

    async def listen() -> None:
        while True:
            await asyncio.sleep(CONTROL_POLL_S)
            asked = await asyncio.to_thread(store.requested)
            if "cancel" in asked:
                worker.interrupt()
            worker.pause("pause" in asked)
            each_time()

    listening = asyncio.create_task(listen())
    try:
        return await work
    finally:
        listening.cancel()


def pause(run: RunDirectory) -> None:
    """No further trial is started; what is in flight is finished. UsageError: nothing works on the run."""
    _ask(run, "INSERT OR IGNORE INTO control VALUES ('pause', ?)", time.time())


def resume(run: RunDirectory) -> None:
    """Ends a pause. UsageError: nothing works on the run."""
    _ask(run, "DELETE FROM control WHERE request = 'pause'")


def cancel(run: RunDirectory) -> None:
    """Ends the command that works on the run once what is in flight is finished and kept.

    The same command again goes on from there. UsageError: nothing works on the run.
    """
    _ask(run, "INSERT OR IGNORE INTO control VALUES ('cancel', ?)", time.time())


def state_of(run: RunDirectory) -> str:
    """`running`, `paused` or `cancelling` while a process works on it; else the status it was left with."""
    if run.worker() is not None:
        return asked_of(run) or "running"
    status = str(run.manifest().get("status"))
    return "interrupted" if status == "running" else status  # its process was killed


def asked_of(run: RunDirectory) -> Literal["paused", "cancelling"] | None:
    """What was asked of the run's worker and not taken back."""
    try:
        with closing(connect(run.store, read_only=True)) as connection:
            asked = {row[0] for row in connection.execute("SELECT request FROM control")}
    except (sqlite3.Error, StorageError):
        return None  # there is no store yet
    return "cancelling" if "cancel" in asked else "paused" if "pause" in asked else None


def _ask(run: RunDirectory, query: str, *values: Any) -> None:
    if run.worker() is None:
        raise UsageError(
            f"nothing works on run {run.id}: it is {state_of(run)}.",
            remedy="`promptlab compare` with its experiment file goes on with it.",
        )
    try:
        with closing(connect(run.store)) as connection:
            connection.execute(query, values)
    except sqlite3.Error as error:
        raise unusable(run.store, error) from error
