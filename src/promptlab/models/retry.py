"""When a failed attempt is tried again, and after how long. Pure: time and chance are passed in."""

from __future__ import annotations

import random
from dataclasses import dataclass

from promptlab.basics.errors import CallError, CallErrorKind

MAX_ATTEMPTS = 8
BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0


@dataclass(slots=True)
class Retries:
    """The retries of one call.

    Transient faults get `attempts` attempts (None: MAX_ATTEMPTS); refusals (429) are bounded by
    `retry_429_s` seconds since the first of them instead. Both wait a full-jitter backoff (uniform between 0
    and a doubling bound), and never less than the provider's Retry-After.
    """

    rng: random.Random
    retry_429_s: float
    attempts: int | None = None
    faults: int = 0
    refusals: int = 0
    refused_since: float | None = None

    def delay_s(self, error: CallError, now: float) -> float | None:
        """Seconds to wait before the next attempt; None: give up, and `error` is the call's outcome."""
        if not error.transient:
            return None
        asked = error.retry_after_s or 0.0
        if error.kind is CallErrorKind.RATE_LIMITED:
            if self.refused_since is None:
                self.refused_since = now
            self.refusals += 1
            delay = max(asked, self._jitter(self.refusals))
            left = self.refused_since + self.retry_429_s - now
            return delay if delay <= left else None
        self.faults += 1
        if self.faults >= (self.attempts or MAX_ATTEMPTS) or asked > self.retry_429_s:
            return None
        return max(asked, self._jitter(self.faults))

    def _jitter(self, failures: int) -> float:
        bound = BACKOFF_BASE_S * 2.0 ** min(failures - 1, 16)
        return self.rng.uniform(0.0, min(BACKOFF_CAP_S, bound))
