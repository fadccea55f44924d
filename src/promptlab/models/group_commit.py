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


class GroupCommit(Generic[Operation, Result]):
    """Gives what is submitted on one event loop to `commit`, in a thread of its own, in batches.

    `commit` returns one result per operation, in order; a result that is an exception is raised to its
    caller alone, an exception that `commit` raises to all callers of the batch. A caller that goes away
    does not take its operation back.
    """

    def __init__(
        self, name: str, commit: Callable[[Sequence[Operation]], Sequence[Result | Exception]]
    ) -> None:
        self._name = name
        self._commit = commit
        self._queue: queue.SimpleQueue[tuple[Operation, asyncio.Future[Result]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, operation: Operation) -> asyncio.Future[Result]:
        """The future resolves once the transaction with this operation is committed."""
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(loop,), name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.put((operation, future))
        return future

    async def close(self) -> None:
        """Returns when all that was submitted is committed and the thread has ended."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        open_ = True
        while open_:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    open_ = False
                    break
                batch.append(following)
            results: Sequence[Result | Exception]
            try:
                results = self._commit([operation for operation, _ in batch])
            except Exception as error:  # noqa: BLE001  every caller of the batch gets it
                results = [error] * len(batch)
            try:
                loop.call_soon_threadsafe(_resolve, [future for _, future in batch], results)
            except RuntimeError:  # the loop was closed without closing us: nobody waits any more
                return


def _resolve(futures: Sequence[asyncio.Future[Result]], results: Sequence[Result | Exception]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
