"""The garbage collector's part in a run: little, since a run makes millions of objects and hardly a cycle."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two looks for cycles (Python's default: 700), and looks between larger looks.
THRESHOLDS = (50_000, 20, 100)

_lock = threading.Lock()
_runs = 0
_before: tuple[int, int, int] = gc.get_threshold()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """While the block runs, cycles are looked for seldom, and not among what was there before.

    That is a tenth of what a call costs. Blocks may overlap, in several threads: the last one to end puts
    everything back.
    """
    global _runs, _before
    with _lock:
        if not _runs:
            _before = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(*THRESHOLDS)
        _runs += 1
    try:
        yield
    finally:
        with _lock:
            _runs -= 1
            if not _runs:
                gc.set_threshold(*_before)
                gc.unfreeze()
