"""Group commit: one writer thread, one transaction over all that has queued; then its callers resume."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Operation = TypeVar("Operation")
Result = TypeVar("Result")

# Bounds how long one transaction keeps other processes out.
MAX_BATCH = 256
# How long the first operation of a batch waits for others, where some came with the last one: nothing beside
# a model's latency, and it saves most of the transactions and of the thread's wakings.
GATHER_S = 0.005

_Queued = tuple[Operation, asyncio.Future[Result]]


class _Written(asyncio.Future[Result]):
    """Cannot be cancelled: a task that is cancelled while it waits goes on, cancelled, once this is done."""

    def cancel(self, msg: object = None) -> bool:
        return False


class GroupCommit(Generic[Operation, Result]):
    """Gives what is submitted on one event loop to `commit`, in a thread of its own, in batches.

    `commit` returns one result per operation, in order; a result that is an exception is raised to its
    caller alone, an exception that `commit` raises to all callers of the batch. What is submitted is
    written, also where its caller is cancelled: that takes effect afterwards.

    A batch is what was submitted within GATHER_S, or while the batch before it was written: waking the
    thread for every operation would cost more than writing it. Who comes alone is not kept waiting.
    """

    def __init__(
        self, name: str, commit: Callable[[Sequence[Operation]], Sequence[Result | Exception]]
    ) -> None:
        self._name = name
        self._commit = commit
        self._submitted: list[_Queued[Operation, Result]] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._gather_s = 0.0
        self._batches: queue.SimpleQueue[list[_Queued[Operation, Result]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, operation: Operation) -> asyncio.Future[Result]:
        """The future is done once the transaction with this operation is committed, and not before."""
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(loop,), name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[Result] = _Written(loop=loop)
        self._submitted.append((operation, future))
        if self._idle.is_set():
            self._idle.clear()
            loop.call_later(self._gather_s, self._write_next)
        return future

    async def close(self) -> None:
        """Returns when all that was submitted is committed and the thread has ended."""
        thread = self._thread
        if thread is not None:
            await self._idle.wait()
            self._thread = None
            self._batches.put(None)
            await asyncio.to_thread(thread.join)

    def _write_next(self) -> None:
        batch, self._submitted = self._submitted[:MAX_BATCH], self._submitted[MAX_BATCH:]
        if batch:
            self._gather_s = GATHER_S if len(batch) > 1 else 0.0
            self._batches.put(batch)
        else:
            self._idle.set()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._batches.get()) is not None:
            results: Sequence[Result | Exception]
            try:
                results = self._commit([operation for operation, _ in batch])
            except Exception as error:  # noqa: BLE001  every caller of the batch gets it
                results = [error] * len(batch)
            try:
                loop.call_soon_threadsafe(self._written, batch, results)
            except RuntimeError:  # the loop was closed without closing us: nobody waits any more
                return

    def _written(
        self, batch: Sequence[_Queued[Operation, Result]], results: Sequence[Result | Exception]
    ) -> None:
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        # Those who resume now may submit again: their operations join the next batch.
        asyncio.get_running_loop().call_later(self._gather_s, self._write_next)
