"""Waiting for work on the loop in a way that Ctrl-C and SIGTERM can end without losing what is paid for."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError as FutureCancelled
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from promptlab.basics.collecting import seldom_collecting
from promptlab.basics.loop import submit

T = TypeVar("T")


class Interruptible(Protocol):
    """Work that can be asked to start nothing new."""

    def interrupt(self) -> None: ...


def wait_for(
    work: Coroutine[Any, Any, T],
    holder: list[Interruptible],
    tell: Callable[[str], None],
    dropped: Callable[[], T],
    *,
    may_interrupt: bool = True,
) -> T:
    """Runs `work` on the loop. Ctrl-C once finishes what is in flight; twice drops it (paid answers are in
    the cache already), and `dropped` says what came of it. `work` puts itself into `holder`.
    """
    future = submit(work)
    if not may_interrupt or threading.current_thread() is not threading.main_thread():
        with seldom_collecting():
            return future.result()
    presses = heard = 0
    with _terminate_like_interrupt(), seldom_collecting():
        while True:
            try:  # what is done about one press may be interrupted by the next
                if presses > heard:
                    heard = presses
                    if presses == 1 and holder:
                        holder[0].interrupt()
                        tell("interrupted: finishing the calls in flight (Ctrl-C again to drop them)")
                    else:
                        future.cancel()
                return future.result()
            except KeyboardInterrupt:
                presses += 1
            except (FutureCancelled, asyncio.CancelledError):
                return dropped()


@contextmanager
def _terminate_like_interrupt() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does."""

    def stop(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
