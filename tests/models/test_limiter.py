"""The limiter on a virtual clock: days of changing limits in seconds."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from promptlab.models.limiter import Limiter
from promptlab.models.pace import PAUSE_CAP_S

HOUR_S = 3600.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = selectors.DefaultSelector()
        select = selector.select

        def jump(timeout: float | None = None) -> Any:
            assert timeout is not None, "everything waits for nothing"
            self.now += timeout
            return select(0)

        selector.select = jump  # type: ignore[method-assign]
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.now


def virtually(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def now() -> float:
    return asyncio.get_running_loop().time()


class Endpoint:
    """A provider with limits of its own, which change every so often; latencies vary by half."""

    def __init__(self, levels: list[float], change_s: float = HOUR_S, latency_s: float = 1.0) -> None:
        self.levels = levels
        self.change_s = change_s
        self.latency_s = latency_s
        self.in_flight = 0
        self.served = 0
        self.refused = 0
        self.most_in_flight = 0
        self.chance = random.Random(7)

    def level(self) -> float:
        return self.levels[int(now() / self.change_s) % len(self.levels)]

    def admits(self) -> bool:
        return True

    async def ask(self) -> bool:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        good = self.admits()
        await asyncio.sleep(self.latency_s * self.chance.uniform(0.5, 1.5) if good else 0.05)
        self.in_flight -= 1
        self.served += good
        self.refused += not good
        return good


class RateLimited(Endpoint):
    """A token bucket of `level` requests per second, holding `burst_s` seconds' worth."""

    burst_s = 10.0
    tokens = 0.0
    filled_at = 0.0

    def admits(self) -> bool:
        burst = max(1.0, self.level() * self.burst_s)
        self.tokens = min(burst, self.tokens + (now() - self.filled_at) * self.level())
        self.filled_at = now()
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


class FixedWindow(Endpoint):
    """So many requests in every minute of the clock, however they are spread."""

    minute = -1
    asked = 0

    def admits(self) -> bool:
        if int(now() / 60) != self.minute:
            self.minute, self.asked = int(now() / 60), 0
        self.asked += 1
        return self.asked <= 60 * self.level()


class SlidingWindow(Endpoint):
    """So many requests in any 60 s."""

    def admits(self) -> bool:
        self.admitted = [at for at in getattr(self, "admitted", []) if at > now() - 60]
        if len(self.admitted) >= 60 * self.level():
            return False
        self.admitted.append(now())
        return True


class ConcurrencyLimited(Endpoint):
    def admits(self) -> bool:
        return self.in_flight <= self.level()


class Unfriendly(Endpoint):
    """Refuses one in ten, however slowly it is asked."""

    def admits(self) -> bool:
        return self.chance.random() >= 0.1


class Unlucky(Unfriendly):
    """The same, and the very first request is refused."""

    def admits(self) -> bool:
        return super().admits() and self.served + self.refused > 0


class Closed(Endpoint):
    def admits(self) -> bool:
        return False


async def keep_busy(limiter: Limiter, endpoint: Endpoint, until_s: float, workers: int) -> None:
    """Workers that ask as fast as the limiter lets them, and back off from refusals as calls do."""
    jitter = random.Random(3)

    async def worker() -> None:
        failures = 0
        while now() < until_s:
            slot = await limiter.enter(again=failures > 0)
            if now() >= until_s:
                slot.leave()
                return
            if await endpoint.ask():
                slot.succeeded(None)
                slot.leave()
                failures = 0
            else:
                slot.refused(None)
                slot.leave()
                await asyncio.sleep(jitter.uniform(0, min(30.0, 0.5 * 2**failures)))
                failures += 1

    await asyncio.gather(*(worker() for _ in range(workers)))


def share_refused(endpoint: Endpoint) -> float:
    return endpoint.refused / (endpoint.refused + endpoint.served)


@pytest.mark.parametrize(
    ("endpoint", "per_level"),
    [
        pytest.param(
            RateLimited([1, 3, 0.5, 4, 2, 3], 4 * HOUR_S),
            1.0,
            id="requests per second",
            marks=pytest.mark.long,
        ),
        pytest.param(
            FixedWindow([1, 3, 0.5, 4, 2, 3], 4 * HOUR_S),
            1.0,
            id="requests in each minute",
            marks=pytest.mark.long,
        ),
        pytest.param(
            SlidingWindow([1, 3, 0.5, 4, 2, 3], 4 * HOUR_S),
            1.0,
            id="requests in any minute",
            marks=pytest.mark.long,
        ),
        pytest.param(ConcurrencyLimited([4, 8, 2, 12, 5, 16], 4 * HOUR_S, 5.0), 0.2, id="requests in flight"),
    ],
)
def test_a_day_of_changing_limits_is_used_to_nine_tenths_with_few_refusals(
    endpoint: Endpoint, per_level: float
) -> None:
    virtually(keep_busy(Limiter("x", 32), endpoint, 24 * HOUR_S, 40))
    allowed = sum(endpoint.levels) / len(endpoint.levels) * per_level * 24 * HOUR_S
    assert endpoint.served >= 0.9 * allowed
    assert share_refused(endpoint) < 0.02


@pytest.mark.parametrize("latency_s", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("make", [RateLimited, FixedWindow, SlidingWindow, ConcurrencyLimited])
def test_a_limit_is_found_within_minutes(make: type[Endpoint], latency_s: float) -> None:
    endpoint, limiter = make([8], latency_s=latency_s), Limiter("x", 64)
    allowed = 8 / latency_s if make is ConcurrencyLimited else 8.0

    async def main() -> tuple[int, int]:
        busy = asyncio.create_task(keep_busy(limiter, endpoint, 900.0, 100))
        await asyncio.sleep(300.0)
        before = endpoint.served
        await busy
        return before, endpoint.served - before

    early, later = virtually(main())
    assert early >= 0.5 * allowed * 300
    assert later >= 0.85 * allowed * 600


def test_refusals_that_do_not_depend_on_speed_do_not_slow_everything_down() -> None:
    endpoint = Unfriendly([1])
    virtually(keep_busy(Limiter("x", 16), endpoint, HOUR_S, 32))
    assert endpoint.served >= 0.5 * 16 * HOUR_S


@pytest.mark.parametrize("seed", range(12))
def test_an_unlucky_first_answer_does_not_leave_one_request_in_flight(seed: int) -> None:
    endpoint = Unlucky([1], latency_s=0.01)
    endpoint.chance = random.Random(seed)
    virtually(keep_busy(Limiter("x", 64), endpoint, 20.0, 64))
    # One at a time would be served less than half of this.
    assert endpoint.served >= 20 * 100


def test_an_endpoint_that_refuses_all_is_hardly_asked() -> None:
    endpoint = Closed([1])
    virtually(keep_busy(Limiter("x", 64), endpoint, HOUR_S, 100))
    assert endpoint.refused < HOUR_S / PAUSE_CAP_S + 20


def test_four_in_flight_until_the_first_success_then_the_ceiling() -> None:
    async def main() -> None:
        limiter = Limiter("x", 16)
        slots = [await limiter.enter() for _ in range(4)]
        fifth = asyncio.create_task(limiter.enter())
        await asyncio.sleep(1.0)
        assert not fifth.done()
        slots[0].succeeded(None)
        slots[0].leave()
        slots = [await fifth, *slots[1:], *[await limiter.enter() for _ in range(12)]]
        assert limiter.state().in_flight == 16
        seventeenth = asyncio.create_task(limiter.enter())
        await asyncio.sleep(1.0)
        assert not seventeenth.done()
        seventeenth.cancel()

    virtually(main())


def test_the_ceiling_is_reached_by_doubling_and_never_passed() -> None:
    endpoint = Endpoint([1])
    limiter = Limiter("x", 300)
    virtually(keep_busy(limiter, endpoint, 1.0, 1000))
    assert endpoint.most_in_flight <= 64
    virtually(keep_busy(limiter, endpoint, 60.0, 1000))
    assert endpoint.most_in_flight == 300


def test_a_ceiling_below_four_holds_from_the_start() -> None:
    endpoint = Endpoint([1])
    virtually(keep_busy(Limiter("x", 2), endpoint, 60.0, 10))
    assert endpoint.most_in_flight == 2


@pytest.mark.parametrize("rpm", [6, 60, 600, 3000])
def test_stated_requests_per_minute_are_kept_and_used(rpm: float) -> None:
    async def main() -> list[float]:
        limiter, times = Limiter("x", 200, rpm=rpm), []

        async def worker() -> None:
            while now() < 600:
                slot = await limiter.enter()
                times.append(now())
                await asyncio.sleep(0.5)
                slot.succeeded(None)
                slot.leave()

        await asyncio.gather(*(worker() for _ in range(100)))
        return [each for each in times if each < 600]

    times = virtually(main())
    assert len(times) >= 0.9 * 10 * rpm
    for first, later in zip(times, times[int(rpm) :], strict=False):
        assert later - first > 60.0 - 1e-6


def test_stated_tokens_per_minute_are_kept_with_what_was_really_used() -> None:
    """Each call sets 100 aside and uses 250: the limit holds for what is used."""

    async def main() -> int:
        limiter, used = Limiter("x", 8, tpm=60_000), 0

        async def worker() -> None:
            nonlocal used
            while now() < 600:
                slot = await limiter.enter(100)
                await asyncio.sleep(0.2)
                used += 250
                slot.succeeded(250)
                slot.leave()

        await asyncio.gather(*(worker() for _ in range(16)))
        return used

    used = virtually(main())
    assert 0.9 * 600_000 <= used <= 1.02 * 600_000


def test_a_tried_request_goes_before_new_ones() -> None:
    async def main() -> list[str]:
        limiter, order = Limiter("x", 1), []
        held = await limiter.enter()

        async def call(name: str, again: bool) -> None:
            slot = await limiter.enter(again=again)
            order.append(name)
            slot.leave()

        tasks = [asyncio.create_task(call(name, name == "again")) for name in ("first", "second", "again")]
        await asyncio.sleep(0)
        held.leave()
        await asyncio.gather(*tasks)
        return order

    assert virtually(main()) == ["again", "first", "second"]


@pytest.mark.parametrize("let_go_first", [False, True])
def test_cancelled_in_the_queue_takes_no_slot(let_go_first: bool) -> None:
    async def main() -> None:
        limiter = Limiter("x", 1)
        held = await limiter.enter()
        waiting = [asyncio.create_task(limiter.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        if let_go_first:
            held.leave()
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        if not let_go_first:
            held.leave()
        (await limiter.enter()).leave()
        assert limiter.state().in_flight == limiter.state().waiting == 0

    virtually(main())


def test_one_refusal_does_not_pause_the_endpoint() -> None:
    async def main() -> None:
        limiter = Limiter("x", 4)
        first = await limiter.enter()
        first.succeeded(None)
        first.leave()
        slot = await limiter.enter()
        slot.refused(600.0)
        slot.leave()
        began = now()
        (await limiter.enter()).leave()
        assert now() == began

    virtually(main())


def test_several_refusals_in_a_row_pause_the_endpoint_as_long_as_it_asks() -> None:
    async def main() -> None:
        limiter = Limiter("x", 4)
        for _ in range(5):
            slot = await limiter.enter()
            slot.refused(20.0)
            slot.leave()
        began = now()
        await limiter.enter()
        assert now() - began == pytest.approx(20.0)

    virtually(main())
