"""One event loop per process, in a daemon thread owned here; synchronous faces submit to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


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
    """uvloop's where there is one (not on Windows): a call over HTTP costs it a fifth less."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Starts `work` on the loop; the future is for another thread to wait on."""
    return asyncio.run_coroutine_threadsafe(work, shared_loop())


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on the loop and waits for it. Works where the caller's own thread runs another loop."""
    if threading.current_thread() is _thread:
        work.close()
        raise RuntimeError("run_sync was called on promptlab's own loop: await instead")
    return submit(work).result()
