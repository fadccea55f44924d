"""What a run tells while it goes on. Counters that any thread may read."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.techniques.compiling import Round


@dataclass
class Progress:
    """Counters of one run. Written by the engine's loop, read by whoever shows them.

    `unit` is what is counted: trials, or answers that a judge looks at. `errors` counts by message,
    `error_kinds` by type ("timeout", "rate_limited", ...). `search` is the prompt that is looked for
    just now, before its cell's trials: for which cell, and how far.
    """

    planned: int = 0
    reused: int = 0
    finished: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    error_kinds: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sent_calls: int = 0
    cached_calls: int = 0
    paid_usd: float = 0.0
    unknown_costs: int = 0
    stopping: str = ""
    note: str = ""
    unit: str = "trials"
    paused: bool = False
    search: tuple[str, Round] | None = None
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        return max(0, self.planned - self.reused - self.finished)

    def add(self, earlier: Progress) -> None:
        """What an earlier part of the same command did, counted with this one's."""
        self.started = earlier.started
        self.finished += earlier.finished
        self.reused -= earlier.finished  # this part took them for finished before
        self.errors += earlier.errors
        self.error_kinds += earlier.error_kinds
        self.failures += earlier.failures
        self.sent_calls += earlier.sent_calls
        self.cached_calls += earlier.cached_calls
        self.paid_usd += earlier.paid_usd
        self.unknown_costs += earlier.unknown_costs

    def per_second(self) -> float:
        """Trials finished per second since the start of this command."""
        elapsed = time.monotonic() - self.started
        return self.finished / elapsed if elapsed > 0 else 0.0

    def seconds_left(self) -> float | None:
        """At the rate so far; None before the first trial is finished."""
        rate = self.per_second()
        return self.left / rate if rate > 0 else None

    def counters(self) -> dict[str, Any]:
        """All of it as plain values, with the rate and the time left."""
        return {
            "unit": self.unit,
            "planned": self.planned,
            "reused": self.reused,
            "finished": self.finished,
            "errors": dict(self.error_kinds),
            "failures": dict(self.failures),
            "sent_calls": self.sent_calls,
            "cached_calls": self.cached_calls,
            "paid_usd": self.paid_usd,
            "unknown_costs": self.unknown_costs,
            "paused": self.paused,
            "stopping": self.stopping or None,
            "per_second": self.per_second(),
            "seconds_left": self.seconds_left(),
        }
