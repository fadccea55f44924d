"""One event loop per process, in a daemon thread owned here; synchronous faces submit to it."""

from __future__ import annotations

import asyncio
import math
import os
import selectors
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# A turn of the loop may take so much longer than it was to wait; what is beyond that does not count.
LONGEST_TURN_S = 1.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


class WakingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock stands still while the process does.

    A machine that slept, or a process that was stopped, finds all its timers overdue when it goes on. Then
    every reply that came meanwhile would be dropped as late, and paid again; every lease of a process that
    slept as well would look abandoned; and the sleep would count as the model's latency.
    """

    def __init__(self) -> None:
        self._due = math.inf
        self._lost_s = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Seconds in which the loop turned."""
        now = time.monotonic()
        if now > self._due:
            self._lost_s += now - self._due
        self._due = now + LONGEST_TURN_S
        return now - self._lost_s

    def _waits(self, timeout_s: float | None) -> None:
        """It looks for events now, for so long at most."""
        self._due = math.inf if timeout_s is None else self._due + timeout_s


class _Selector(selectors.DefaultSelector):
    """Tells its loop how long it may wait."""

    def __init__(self, loop: WakingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop._waits(timeout)
        return super().select(timeout)


def shared_loop() -> asyncio.AbstractEventLoop:
    """The loop, started on first use. A forked child starts its own."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            _loop = new_loop()
            _thread = threading.Thread(target=_loop.run_forever, name="promptlab-loop", daemon=True)
            _thread.start()
        return _loop


def new_loop() -> asyncio.AbstractEventLoop:
    """The kind of loop that `shared_loop` runs. Windows has its own kind, which is kept."""
    return asyncio.new_event_loop() if os.name == "nt" else WakingLoop()


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Starts `work` on the loop; the future is for another thread to wait on."""
    return asyncio.run_coroutine_threadsafe(work, shared_loop())


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on the loop and waits for it. Works where the caller's own thread runs another loop."""
    if threading.current_thread() is _thread:
        work.close()
        raise RuntimeError("run_sync was called on promptlab's own loop: await instead")
    return submit(work).result()
