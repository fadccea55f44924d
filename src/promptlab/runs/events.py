"""What happens in a run, as it happens: flat JSON objects, one a line, for whoever follows it.

Every event has `event`, `time` (Unix seconds) and `run`. `started`: experiment, planned. `trial`: variant,
model, dataset, sample, repeat, status, answer, scores, latency_s, cost_usd (null: unknown), calls,
cached_calls, attempts, error. `progress`, every second: the counters, of what (`unit`: trials, then
programs and judgements), and what each endpoint is doing.
`round`, while a prompt is looked for: variant, model, dataset, unit ("round", of DSPy "program"), round,
dev_score (the best so far), dev_rows, calls, budget_calls, cost_usd; then `optimized`: calls, budget_calls,
cost_usd, dev, dev_before, ending, message. `optimize` has no run: `run` is null there.
`paused`, `resumed`. `cell_stopped`: cell, why. `ended`: status, sent_calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from promptlab.basics.errors import StorageError
from promptlab.basics.hashing import canonical
from promptlab.runs.progress import Progress

Event = Mapping[str, Any]
Listen = Callable[[Event], None]


def event(kind: str, **facts: Any) -> Event:
    """An event of now."""
    return {"event": kind, "time": time.time(), **facts}


def told(listen: Listen | None, progress: Progress) -> None:
    """Tells the counters of work that asks no endpoint of its own."""
    if listen is not None:
        listen(event("progress", **progress.counters(), endpoints=[]))


class EventLog:
    """Appends events to a file, each as soon as it happens. Usable as a `Listen`.

    A file that can no longer be written ends the log, not the run: `tell` says so once.
    """

    def __init__(self, path: Path, tell: Callable[[str], None] = lambda message: None) -> None:
        """StorageError: it cannot be written at all."""
        self.path = path
        self._tell = tell
        try:
            # Unbuffered: a line is there, whole, before the next thing happens. A pipe or device will do.
            self._stream: IO[bytes] | None = path.open("ab", buffering=0)
        except OSError as error:
            raise StorageError(
                f"the event file {path} cannot be written: {error.strerror}.",
                remedy="Name a file in a folder you can write to.",
            ) from error

    def __call__(self, event: Event) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(canonical(event) + b"\n")
        except OSError as error:
            self._stream = None
            self._tell(f"no more events in {self.path}: {error.strerror}")

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
