"""How fast one endpoint and key may be asked: learned from its answers. Pure: the time is passed in.

Two limits are kept, since providers limit in two ways: `window`, the requests in flight, and `rate`, the
requests per second (none until the first refusals). What holds requests back grows while all answers are
clean: doubling until the first refusal, and later while it is well below the level that was refused; around
that level in small steps; and doubling again once that level lies behind. On a refusal, once per cool-down
(refusals of requests that were sent before the last cut say nothing new), the one that is to blame is cut:
the window where more were in flight than lately went well, else the rate, and that to no less than what was
served over the last minute.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

# Until an endpoint and key have answered once: enough to find out that a key is wrong, few enough to waste.
FIRST_WINDOW = 4
PROVEN_WINDOW = 64

# A cut: a little, since the limit is near; more where many of the requests since the last cut were refused.
COOL_DOWN_S = 1.0
CUT = 0.95
DEEPEST_CUT = 0.5
SLOWEST_RATE = 1.0 / 30.0

# Growth around the level that was refused: so many clean answers and seconds (or simply a long time) for each
# step; after some steps they get larger.
CLEAN_ANSWERS = 20
CLEAN_S = 15.0
LONG_CLEAN_S = 60.0
SMALL_STEP = 0.01
SMALL_WINDOW = 10.0  # steps of smaller ones are as large as of this one
SMALL_STEPS = 5
# Below this share of the level that was refused there is nothing to be careful about: doubling, each time
# after a window full of clean answers, and a few at least.
NEAR = 0.85
FEWEST_CLEAN = 3

# How long a number in flight that went well counts as one that goes well.
PROVEN_S = 20.0

# So many cuts with hardly a success between: being slower does not help, the refusals are not about speed.
IDLE_CUTS = 8
FEW_SUCCESSES = 40
IGNORE_S = 60.0
SERVED_ALL_THE_SAME = 0.7

# A pause of the whole endpoint, after so many refusals with no success between; it doubles up to the cap.
REFUSALS_IN_A_ROW = 5
FIRST_PAUSE_S = 1.0
PAUSE_CAP_S = 60.0
DEEPEST_PAUSE_CUT = 1.0 / 8.0

# Providers count by the minute.
GOODPUT_S = 60
SHORTEST_GOODPUT_S = 5.0


@dataclass(slots=True)
class Pace:
    """`rate` is None while it is unbounded; `paused_until` is a point of the same clock as every `now`.

    `held_by` is what held a request back last, since the last change; the limiter sets it.
    """

    ceiling: int
    window: float = 0.0
    rate: float | None = None
    paused_until: float = 0.0
    held_by: Literal["window", "rate", None] = None
    _answered: bool = False
    _step: float = 1.0
    _steps: int = 0
    _clean: int = 0
    _changed_at: float = 0.0
    # The last cut, the successes and refusals since then, and how many cuts came right after another.
    _cut_at: float = float("-inf")
    _window_cut_at: float = float("-inf")
    _successes: int = 0
    _total: int = 0
    _refusals: int = 0
    # The most in flight when one was sent that went well, of this and the last PROVEN_S.
    _proven: tuple[int, int] = (0, 0)
    _proven_until: float = float("-inf")
    _cuts: int = 0
    _level: tuple[float, float | None] = (0.0, None)
    _level_before_cuts: tuple[float, float | None] = (0.0, None)
    _ignore_until: float = float("-inf")
    _in_a_row: int = 0
    _pause_s: float = FIRST_PAUSE_S
    _rate_before_pause: float | None = None
    # (second, successes in it), of the last minute
    _seconds: deque[list[int]] = field(default_factory=deque)
    _first_at: float | None = None

    def __post_init__(self) -> None:
        self.window = float(min(FIRST_WINDOW, self.ceiling))

    @property
    def open_slots(self) -> int:
        """Requests that may be in flight now. While all are refused: one, to see whether that is over."""
        return 1 if self._in_a_row >= REFUSALS_IN_A_ROW else int(self.window)

    def succeeded(self, now: float, sent_at: float, level: int) -> None:
        """`level`: how many were in flight with it, when it was sent or when it came, whichever is fewer."""
        self._count(now)
        self._in_a_row = 0
        self._pause_s = FIRST_PAUSE_S
        if not self._answered:
            self._answered = True
            if self._cuts == 0:
                self.window = float(min(PROVEN_WINDOW, self.ceiling))
        self._clean += 1
        self._successes += 1
        self._total += 1
        if now >= self._proven_until:
            self._proven = (0, self._proven[0])
            self._proven_until = now + PROVEN_S
        self._proven = (max(self._proven[0], level), self._proven[1])
        if self.held_by is not None and self._is_clean(now):
            self._grow(now)

    def refused(self, now: float, sent_at: float, level: int, retry_after_s: float) -> None:
        """A 429."""
        self._refusals += 1
        self._in_a_row += 1
        # Asking whether a pause is over says nothing about speed, nor does one sent before the last cut.
        telling = self._in_a_row <= REFUSALS_IN_A_ROW and sent_at >= self._cut_at
        if now < self._ignore_until and self._served() > SERVED_ALL_THE_SAME:
            telling = False
        else:
            self._clean = 0
        # As many in flight went well lately, and too little was served yet to say how fast is too fast: then
        # there is nothing to cut. One early refusal would else leave a single request in flight for minutes.
        blames_window = level > max(self._proven)
        if telling and (blames_window or self._knows_goodput(now)) and now >= self._cut_at + COOL_DOWN_S:
            self._cut(now, level)
        if self._in_a_row >= REFUSALS_IN_A_ROW and now >= self.paused_until:
            self._pause(now, retry_after_s)

    def _is_clean(self, now: float) -> bool:
        if self._step >= 1.0 or self._far_below():  # doubling needs one window full of clean answers
            return self._clean >= max(self.window, FEWEST_CLEAN) and now - self._cut_at >= COOL_DOWN_S
        clean_s = now - self._changed_at
        return (self._clean >= CLEAN_ANSWERS and clean_s >= CLEAN_S) or clean_s >= LONG_CLEAN_S

    def _far_below(self) -> bool:
        """Whether what holds requests back is well below the level that was refused."""
        window, rate = self._level
        if self.held_by == "rate" and self.rate is not None and rate is not None:
            return self.rate < NEAR * rate
        return self.held_by == "window" and self.window < int(NEAR * window)

    def _grow(self, now: float) -> None:
        if self._step < 1.0 and self._far_below():
            if self.held_by == "window":
                self.window = min(2.0 * self.window, max(self.window, float(int(NEAR * self._level[0]))))
            elif self.rate is not None and self._level[1] is not None:
                self.rate = min(2.0 * self.rate, NEAR * self._level[1])
            self._changed(now)
            return
        # What was not in the way returns to where it was before the cut, and no further.
        window = self.window + self._step * max(self.window, SMALL_WINDOW)
        if self.held_by == "window" or window <= self._level[0]:
            self.window = min(float(self.ceiling), window)
        if self.rate is not None:
            rate = self.rate * (1.0 + self._step)
            if self.held_by == "rate" or rate <= (self._level[1] or 0.0):
                self.rate = rate
        self._steps += 1
        if self._steps >= SMALL_STEPS:
            self._step = min(1.0, 2.0 * self._step)
        self._changed(now)

    def _cut(self, now: float, level: int) -> None:
        if self._successes > FEW_SUCCESSES or self._cuts == 0:
            self._level_before_cuts = (self.window, self.rate)
            self._cuts = 0
        self._cuts += 1
        self._level = (self.window, self.rate)
        if self._cuts > IDLE_CUTS:
            self.window, self.rate = self._level_before_cuts
            self._ignore_until = now + IGNORE_S
            self._cuts = 0
        else:
            factor = min(CUT, max(DEEPEST_CUT, self._served()))
            proven = max(self._proven)
            if level > proven:
                # More in flight than lately went well: the endpoint limits that.
                lower = level - 1.0 if self._served() >= CUT else max(proven, level * factor)
                self.window = max(1.0, min(self.window, lower))
                self._window_cut_at = now
            else:
                # What it served over the last minute it will serve again, whatever it refuses just now.
                rate = max(SLOWEST_RATE, CUT * self._goodput(now), factor * (self.rate or 0.0))
                self.rate = min(self.rate or math.inf, rate)
        self._cut_at = now
        self._grow_slowly()
        self._successes = self._refusals = 0
        self._changed(now)

    def _pause(self, now: float, retry_after_s: float) -> None:
        if self._in_a_row == REFUSALS_IN_A_ROW:
            self._rate_before_pause = self.rate
            self._grow_slowly()
        # Refusals of the burst that has just cut the window say nothing about the rate.
        if self._knows_goodput(now) and now >= self._window_cut_at + COOL_DOWN_S:
            floor = max(SLOWEST_RATE, (self._rate_before_pause or 0.0) * DEEPEST_PAUSE_CUT)
            self.rate = min(self.rate or math.inf, max(floor, self._goodput(now)))
        self.paused_until = now + min(PAUSE_CAP_S, max(self._pause_s, retry_after_s))
        self._pause_s = min(PAUSE_CAP_S, 2.0 * self._pause_s)

    def _grow_slowly(self) -> None:
        # The first refusals, before there were many answers, say little about where the limit lies.
        self._step, self._steps = (SMALL_STEP if self._total >= FEW_SUCCESSES else 1.0), 0

    def _changed(self, now: float) -> None:
        self._changed_at = now
        self._clean = 0
        self.held_by = None

    def _count(self, now: float) -> None:
        if self._first_at is None:
            self._first_at = now
        if self._seconds and self._seconds[-1][0] == int(now):
            self._seconds[-1][1] += 1
        else:
            self._seconds.append([int(now), 1])
            self._forget(now)

    def _served(self) -> float:
        """The share of successes since the last cut."""
        return self._successes / max(1, self._successes + self._refusals)

    def _knows_goodput(self, now: float) -> bool:
        return self._first_at is not None and now - self._first_at >= SHORTEST_GOODPUT_S

    def _goodput(self, now: float) -> float:
        """Successes per second over the last minute, or since the first of them."""
        if self._first_at is None:
            return 0.0
        self._forget(now)
        seconds = min(float(GOODPUT_S), max(SHORTEST_GOODPUT_S, now - self._first_at))
        return sum(count for _, count in self._seconds) / seconds

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - GOODPUT_S:
            self._seconds.popleft()
