"""Who may be sent when: a queue per endpoint and key. Time is the running loop's, so a loop with a virtual
clock tests days in seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from promptlab.basics.errors import CallError
from promptlab.models.pace import Pace

# A learned rate lets so many seconds' worth go at once, which keeps timers from setting the pace.
_RATE_BURST_S = 0.05


class Bucket:
    """A token bucket that may go into debt: what is taken may be more than it holds at most."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = 0.0

    @classmethod
    def per_minute(cls, limit: float) -> Bucket:
        """So filled that no 60 s see more than `limit`, with a second's worth at once."""
        burst = max(1.0, limit / 60.0)
        return cls((limit - (burst - 1.0)) / 60.0, burst)

    def wait_s(self, now: float, amount: float) -> float:
        """Seconds until `amount` may be taken; 0: now."""
        self._fill(now)
        missing = min(amount, self.burst) - self._level
        return 0.0 if missing <= 1e-9 else missing / self.rate

    def take(self, now: float, amount: float) -> None:
        """Takes it; a negative amount gives back."""
        self._fill(now)
        self._level = min(self.burst, self._level - amount)

    def _fill(self, now: float) -> None:
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now


@dataclass(slots=True)
class Slot:
    """The right to have one request in flight. `tokens` is what was set aside for it."""

    limiter: Limiter
    tokens: float
    sent_at: float
    level: int
    asked_at: float

    def check(self, model: str) -> None:
        """Raises what another request met meanwhile that this one would meet too (`hopeless`)."""
        met = self.limiter._hopeless.get(model)
        if met is not None and met[0] >= self.asked_at:
            raise met[1].shared()

    def hopeless(self, model: str, error: CallError) -> None:
        """Whoever waits for this model now need not ask: a wrong key, no quota, no such model."""
        self.limiter._hopeless[model] = (asyncio.get_running_loop().time(), error)

    def succeeded(self, tokens: float | None) -> None:
        """The endpoint answered, with so many tokens used (None: unknown)."""
        self.limiter._succeeded(self, tokens)

    def refused(self, retry_after_s: float | None) -> None:
        """The endpoint answered 429."""
        self.limiter._refused(self, retry_after_s or 0.0)

    def leave(self) -> None:
        """Gives the slot to the next one. Exactly once."""
        self.limiter._leave()


@dataclass(frozen=True, slots=True)
class LimiterState:
    """For people: what goes on at one endpoint and key. `rate_s`: requests per second, None is unbounded."""

    endpoint: str
    in_flight: int
    waiting: int
    window: int
    rate_s: float | None
    paused_s: float
    refused: int


class Limiter:
    """The limits of one endpoint and key, stated (`ceiling`, `rpm`, `tpm`) and learned (`Pace`).

    First come, first served, but a request that was tried before goes before those that were not.
    """

    def __init__(
        self, endpoint: str, ceiling: int, rpm: float | None = None, tpm: float | None = None
    ) -> None:
        self.endpoint = endpoint
        self._pace = Pace(ceiling)
        self._requests = None if rpm is None else Bucket.per_minute(rpm)
        self._tokens = None if tpm is None else Bucket.per_minute(tpm)
        self._learned = Bucket(1.0, 1.0)
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()
        self._in_flight = 0
        self._refused_count = 0
        self._hopeless: dict[str, tuple[float, CallError]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, tokens: float = 0.0, *, again: bool = False) -> Slot:
        """Waits for a slot. Cancelled while waiting: as if it had never asked."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        if self._waiting or self._blocked_s(asked_at, tokens) > 0:
            turn: asyncio.Future[None] = loop.create_future()
            if again:
                self._waiting.appendleft((turn, tokens))
            else:
                self._waiting.append((turn, tokens))
            self._pump()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                raise
        else:
            self._admit(asked_at, tokens)
        return Slot(self, tokens, loop.time(), self._in_flight, asked_at)

    def state(self) -> LimiterState:
        pace, now = self._pace, asyncio.get_running_loop().time()
        return LimiterState(
            endpoint=self.endpoint,
            in_flight=self._in_flight,
            waiting=sum(not turn.done() for turn, _ in self._waiting),
            window=pace.open_slots,
            rate_s=pace.rate,
            paused_s=max(0.0, pace.paused_until - now),
            refused=self._refused_count,
        )

    def _succeeded(self, slot: Slot, tokens: float | None) -> None:
        now = asyncio.get_running_loop().time()
        self._pace.succeeded(now, slot.sent_at, min(slot.level, self._in_flight))
        if self._tokens is not None and tokens is not None:
            self._tokens.take(now, tokens - slot.tokens)

    def _refused(self, slot: Slot, retry_after_s: float) -> None:
        self._refused_count += 1
        now = asyncio.get_running_loop().time()
        self._pace.refused(now, slot.sent_at, slot.level, retry_after_s)

    def _leave(self) -> None:
        self._in_flight -= 1
        if self._waiting:
            self._pump()

    def _admit(self, now: float, tokens: float) -> None:
        self._in_flight += 1
        if self._requests is not None:
            self._requests.take(now, 1.0)
        if self._tokens is not None:
            self._tokens.take(now, tokens)
        if self._pace.rate is not None:
            self._learned.take(now, 1.0)

    def _pump(self) -> None:
        """Lets go whoever may, and sets the clock for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._waiting:
            turn, tokens = self._waiting[0]
            if turn.done():  # cancelled while it waited
                self._waiting.popleft()
                continue
            wait_s = self._blocked_s(now, tokens)
            if wait_s > 0:
                if wait_s != float("inf"):  # else: whoever leaves calls again
                    self._timer = loop.call_later(wait_s, self._pump)
                return
            self._waiting.popleft()
            self._admit(now, tokens)
            turn.set_result(None)

    def _blocked_s(self, now: float, tokens: float) -> float:
        """Seconds until the next request may go; infinite: not before one comes back; 0: now."""
        pace = self._pace
        if self._in_flight >= pace.open_slots:
            pace.held_by = "window"
            return float("inf")
        wait_s = max(0.0, pace.paused_until - now)
        if self._requests is not None:
            wait_s = max(wait_s, self._requests.wait_s(now, 1.0))
        if self._tokens is not None:
            wait_s = max(wait_s, self._tokens.wait_s(now, tokens))
        if pace.rate is not None:
            self._learned.rate = pace.rate
            self._learned.burst = max(1.0, pace.rate * _RATE_BURST_S)
            learned_s = self._learned.wait_s(now, 1.0)
            if learned_s > wait_s:
                pace.held_by = "rate"
                wait_s = learned_s
        return wait_s
