"""What a run tells while it goes on. Counters that any thread may read."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Counters of one run. Written by the engine's loop, read by whoever shows them.

    `unit` is what is counted: trials, or answers that a judge looks at.
    """

    planned: int = 0
    reused: int = 0
    finished: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    sent_calls: int = 0
    cached_calls: int = 0
    paid_usd: float = 0.0
    unknown_costs: int = 0
    stopping: str = ""
    note: str = ""
    unit: str = "trials"
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        return max(0, self.planned - self.reused - self.finished)

    def per_second(self) -> float:
        """Trials finished per second since the start of this command."""
        elapsed = time.monotonic() - self.started
        return self.finished / elapsed if elapsed > 0 else 0.0

    def seconds_left(self) -> float | None:
        """At the rate so far; None before the first trial is finished."""
        rate = self.per_second()
        return self.left / rate if rate > 0 else None
