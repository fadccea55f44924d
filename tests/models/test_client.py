"""The one door: every call paid once, stored before it is seen, and let go of cleanly."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from door_parts import MODEL, Answering, counting_server, drawn, refusal, request, until

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models import sending
from promptlab.models.cache import DiskCache
from promptlab.models.client import CacheMode, Client
from promptlab.models.door import Door
from promptlab.models.entry import unpack, unpack_request
from promptlab.models.key import request_key
from promptlab.models.limits import Limits
from promptlab.models.request import Completion, Embeddings, Price, Request, Usage

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"


def run(work: Any) -> Any:
    return asyncio.run(work)


@asynccontextmanager
async def opened(home: Path, transport: Answering, **more: Any) -> AsyncIterator[Client]:
    client = Client.open(home, experiment="e", transports={"scripted": transport}, **more)
    try:
        yield client
    finally:
        await client.close()


async def nothing_left(client: Client) -> None:
    """No task, slot, lease or reservation remains of what was cancelled."""
    assert len(client._flights) == 0
    assert all(each.in_flight == each.waiting == 0 for each in client.limiters())
    assert client.stats.in_flight == 0
    assert not client._leases._held  # type: ignore[attr-defined]
    assert (await client.budget.totals()).held_tokens == 0


def once_ready(make: Callable[[Request], Awaitable[str]] | None = None) -> tuple[Answering, asyncio.Event]:
    """A transport that answers when the event is set."""
    ready = asyncio.Event()

    async def answer(asked: Request) -> str:
        await ready.wait()
        return "fine" if make is None else await make(asked)

    return Answering(answer), ready


# Paid once


def test_a_second_run_is_served_from_the_cache(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = Answering(), Answering()
        async with opened(tmp_path, first) as client:
            door: Door = client
            paid = await door.complete(request("a"))
            assert (paid.text, paid.cached, paid.attempts) == ("fine", False, 1)
            assert paid.key == request_key(request("a")).text
            assert paid.created == pytest.approx(time.time(), abs=5)
        async with opened(tmp_path, second) as client:
            hit = await client.complete(request("a"))
            assert client.stats.hits == 1
            assert client.stats.oldest_hit == paid.created
        assert not second.sent
        assert hit == replace(paid, cached=True, attempts=0)

    run(main())


def test_identical_calls_at_the_same_time_are_one(tmp_path: Path) -> None:
    async def main() -> None:
        transport, ready = once_ready()
        async with opened(tmp_path, transport) as client:
            calls = [asyncio.create_task(client.complete(request("a"))) for _ in range(10)]
            await until(lambda: transport.sent)
            ready.set()
            done = await asyncio.gather(*calls)
            assert len(transport.sent) == client.stats.sent_calls == 1
            assert [each.cached for each in done].count(False) == 1
            assert client.stats.joins == 9

    run(main())


def test_draws_are_calls_of_their_own(tmp_path: Path) -> None:
    async def main() -> None:
        transport = Answering()
        async with opened(tmp_path, transport) as client:
            await asyncio.gather(*(client.complete(drawn(f"s{i}")) for i in range(5)))
        assert len(transport.sent) == 5

    run(main())


def test_the_reply_is_on_disk_before_it_is_seen_and_before_its_slot_is_free(tmp_path: Path) -> None:
    async def main() -> None:
        def stored(text: str) -> bool:
            with DiskCacheReader(tmp_path / "cache") as rows:
                return rows.holds(text)

        async def answer(asked: Request) -> str:
            if asked.messages[0].content == "second":
                assert stored("first")
            return "fine"

        async with opened(tmp_path, Answering(answer), limits=Limits(concurrency=1)) as client:
            await asyncio.gather(*(client.complete(request(text)) for text in ("first", "second")))
            assert stored("second")

    run(main())


class DiskCacheReader:
    """Looks at the cache as another process would."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> DiskCacheReader:
        import sqlite3

        self._rows = sqlite3.connect(self._folder / "cache.db")
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def holds(self, text: str) -> bool:
        key = request_key(request(text)).text
        found = self._rows.execute("SELECT value FROM Cache WHERE key = ?", (key,)).fetchone()
        return found is not None and bytes(found[0]).startswith(b'{"crc"')


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_every_completed_reply_is_kept(tmp_path: Path, reason: Any) -> None:
    class Stopping(Answering):
        async def send(self, request: Request) -> Completion:
            return replace(await super().send(request), finish_reason=reason)

    async def main() -> None:
        transport = Stopping()
        async with opened(tmp_path, transport) as client:
            await client.complete(request("a"))
            assert (await client.complete(request("a"))).finish_reason == reason
        assert len(transport.sent) == 1

    run(main())


def test_errors_are_not_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: Request) -> str:
            if len(transport.sent) == 1:
                raise CallError(CallErrorKind.AUTH, "wrong key", status=401)
            return "fine"

        transport = Answering(answer)
        async with opened(tmp_path, transport) as client:
            with pytest.raises(CallError, match="wrong key"):
                await client.complete(request("a"))
            assert client.stats.failed == 1
            assert (await client.complete(request("a"))).text == "fine"

    run(main())


@pytest.mark.parametrize("kind", [CallErrorKind.AUTH, CallErrorKind.NO_QUOTA, CallErrorKind.NO_MODEL])
def test_who_waits_behind_a_wrong_key_need_not_ask(tmp_path: Path, kind: CallErrorKind) -> None:
    """Sixty at once, with room for sixty-four: four probe, and the rest hear what those met."""

    async def main() -> None:
        async def answer(_: Request) -> str:
            await asyncio.sleep(0)
            if wrong:
                raise CallError(kind, "refused", status=401)
            return "fine"

        wrong = [True]
        transport = Answering(answer)
        async with opened(tmp_path, transport) as client:
            calls = (client.complete(request(f"q{index}")) for index in range(60))
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(each, CallError) and each.kind is kind for each in errors)
            assert len(transport.sent) <= 8
            attempts = [each.attempts for each in errors if isinstance(each, CallError)]
            assert sum(attempts) == len(transport.sent)
            wrong.clear()  # mended: who asks from now on is served
            assert (await client.complete(request("q0"))).text == "fine"

    run(main())


def test_the_entry_holds_the_request_for_replay(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path, Answering()) as client:
            key = (await client.complete(request("a"))).key
        cache = DiskCache(tmp_path / "cache")
        row = await cache.get(key)
        assert row is not None
        assert unpack_request(row, key)["messages"] == [{"role": "user", "content": "a"}]
        assert unpack(row, key).model == "x-1"
        await cache.close()

    run(main())


# Cache modes


def test_without_the_cache_nothing_is_read_and_nothing_overwritten(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: Request) -> str:
            return str(len(transport.sent))

        transport = Answering(answer)
        async with opened(tmp_path, transport) as client:
            await client.complete(request("a"))
        async with opened(tmp_path, transport, mode=CacheMode(read=False)) as client:
            assert (await client.complete(request("a"))).text == "2"
            assert (await client.complete(request("a"))).text == "3"
            assert (await client.complete(request("new"))).text == "4"
        async with opened(tmp_path, transport) as client:
            assert (await client.complete(request("a"))).text == "1"
            assert (await client.complete(request("new"))).text == "4"

    run(main())


class Deaf(Answering):
    """Takes no temperature: leaves it out where it is a default."""

    async def send(self, request: Request) -> Completion:
        if "temperature" not in request.defaults:
            raise CallError(CallErrorKind.BAD_REQUEST, "temperature is not supported")
        return replace(await super().send(request), left_out=("temperature",))


def test_an_answer_without_the_default_temperature_is_not_one_with_the_wished(tmp_path: Path) -> None:
    async def main() -> None:
        transport = Deaf()
        async with opened(tmp_path, transport) as client:
            by_default = request(defaults=frozenset({"temperature"}))
            await client.complete(by_default)
            assert (await client.complete(by_default)).cached
            with pytest.raises(CallError, match="not supported"):
                await client.complete(request())
            waiting = [
                client.complete(each) for each in (request("b", defaults=by_default.defaults), request("b"))
            ]
            first, second = await asyncio.gather(*waiting, return_exceptions=True)
            assert isinstance(first, Completion)
            assert isinstance(second, CallError)
            assert (await client.complete(by_default)).cached

    asyncio.run(main())


def test_answers_beyond_the_age_limit_are_asked_again(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: Request) -> str:
            return str(len(transport.sent))

        transport = Answering(answer)
        async with opened(tmp_path, transport) as client:
            await client.complete(request("a"))
            client._sender._wall_clock = lambda: time.time() - 1000
            await client.complete(request("old"))
        async with opened(tmp_path, transport, mode=CacheMode(max_age_s=500)) as client:
            assert (await client.complete(request("a"))).text == "1"
            assert (await client.complete(request("old"))).text == "3"
            assert (await client.complete(request("old"))).text == "3"

    run(main())


def test_an_old_answer_outlives_a_failed_renewal(tmp_path: Path) -> None:
    async def main() -> None:
        async def refuse(_: Request) -> str:
            raise CallError(CallErrorKind.AUTH, "no")

        async with opened(tmp_path, Answering()) as client:
            await client.complete(request("a"))
        async with opened(tmp_path, Answering(refuse), mode=CacheMode(max_age_s=0)) as client:
            with pytest.raises(CallError):
                await client.complete(request("a"))
        async with opened(tmp_path, Answering(refuse)) as client:
            assert (await client.complete(request("a"))).cached

    run(main())


# Weather


def test_two_thousand_calls_in_bad_weather_end_complete_and_correct(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_GRACE_S", 0.0)
    monkeypatch.setattr("promptlab.models.retry.BACKOFF_BASE_S", 0.02)
    weather = random.Random(5)

    async def answer(asked: Request) -> str:
        fate = weather.random()
        await asyncio.sleep(0)
        if fate < 0.10:
            raise refusal()
        if fate < 0.15:
            raise CallError(CallErrorKind.SERVER, "500", status=500)
        if fate < 0.16:
            await asyncio.Event().wait()
        if fate < 0.17:
            raise CallError(CallErrorKind.MALFORMED, "the body ends in the middle")
        return f"reply to {asked.messages[0].content}"

    async def main() -> None:
        transport = Answering(answer)
        async with opened(tmp_path, transport, limits=Limits(concurrency=32)) as client:
            asked = [request(str(i), timeout_s=0.3) for i in range(2000)]
            done = await asyncio.gather(*(client.complete(each) for each in asked))
            assert [each.text for each in done] == [f"reply to {i}" for i in range(2000)]
            assert client.stats.sent_calls == len(transport.sent) == sum(each.attempts for each in done)
            await nothing_left(client)

    run(main())


def test_a_transport_that_hangs_is_stopped(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_GRACE_S", 0.05)
    monkeypatch.setattr("promptlab.models.retry.MAX_ATTEMPTS", 1)

    async def main() -> None:
        transport, _ = once_ready()
        async with opened(tmp_path, transport) as client:
            with pytest.raises(CallError, match=r"no reply from test://one within 0.01 s") as caught:
                await client.complete(request("a", timeout_s=0.01))
            assert caught.value.kind is CallErrorKind.TIMEOUT
            await nothing_left(client)

    run(main())


def test_a_refusal_delays_that_request_and_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(asked: Request) -> str:
            if asked.messages[0].content == "refused" and len(transport.sent) == 2:
                raise refusal(retry_after_s=30.0)
            return "fine"

        transport = Answering(answer)
        async with opened(tmp_path, transport) as client:
            await client.complete(request("first"))
            refused = asyncio.create_task(client.complete(request("refused")))
            await until(lambda: len(transport.sent) == 2)
            async with asyncio.timeout(5):
                await asyncio.gather(*(client.complete(request(str(i))) for i in range(50)))
            assert not refused.done()
            refused.cancel()
            await asyncio.wait([refused])
            await nothing_left(client)

    run(main())


def test_a_slow_endpoint_never_starves_a_fast_one(tmp_path: Path) -> None:
    async def main() -> None:
        never = asyncio.Event()

        async def answer(asked: Request) -> str:
            if asked.model.endpoint == "test://slow":
                await never.wait()
            return "fine"

        slow = replace(MODEL, endpoint="test://slow")
        async with opened(tmp_path, Answering(answer), limits=Limits(concurrency=4)) as client:
            stuck = [asyncio.create_task(client.complete(request(str(i), model=slow))) for i in range(50)]
            async with asyncio.timeout(5):
                await asyncio.gather(*(client.complete(request(str(i))) for i in range(50)))
            other_key = replace(slow, key_env="OTHER", endpoint="test://one")
            await client.complete(request("other key", model=other_key))
            assert {each.endpoint for each in client.limiters()} == {"test://slow", "test://one"}
            assert len(client.limiters()) == 3
            assert not any(each.done() for each in stuck)

    run(main())


# Cancelling


def test_an_endpoint_that_refuses_everything_can_be_left_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: Request) -> str:
            raise refusal()

        transport = Answering(answer)
        limits = Limits(concurrency=8, budget_calls=1000, budget_tokens=10**9)
        async with opened(tmp_path, transport, limits=limits) as client:
            calls = [asyncio.create_task(client.complete(request(str(i)))) for i in range(100)]
            await until(lambda: client.stats.sent_calls >= 6)
            for call in calls:
                call.cancel()
            async with asyncio.timeout(2):
                done = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in done)
            await nothing_left(client)
        assert len(transport.sent) < 50
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_a_call_goes_on_while_anyone_waits_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        transport, ready = once_ready()
        async with opened(tmp_path, transport) as client:
            first, second = (asyncio.create_task(client.complete(request("a"))) for _ in range(2))
            await until(lambda: transport.sent)
            first.cancel()
            await asyncio.wait([first])
            ready.set()
            assert (await second).text == "fine"
        assert len(transport.sent) == 1

    run(main())


def test_a_call_asked_again_while_it_is_being_cancelled_starts_anew(tmp_path: Path) -> None:
    async def main() -> None:
        transport, ready = once_ready()
        async with opened(tmp_path, transport) as client:
            first = asyncio.create_task(client.complete(request("a")))
            await until(lambda: transport.sent)
            first.cancel()
            ready.set()
            await asyncio.sleep(0)
            async with asyncio.timeout(2):
                assert (await client.complete(request("a"))).text == "fine"
            await nothing_left(client)

    run(main())


@pytest.mark.parametrize("steps", range(0, 40, 3))
def test_cancelled_at_any_step_leaves_nothing_behind(tmp_path: Path, steps: int) -> None:
    async def main() -> None:
        async with opened(tmp_path, Answering(), limits=Limits(budget_calls=100)) as client:
            call = asyncio.create_task(client.complete(request("a")))
            for _ in range(steps):
                await asyncio.sleep(0 if steps % 2 else 0.0002)
            call.cancel()
            await asyncio.wait([call])
            await nothing_left(client)
            async with asyncio.timeout(2):
                assert (await client.complete(request("a"))).text == "fine"

    run(main())


def test_closing_cancels_what_is_on_its_way(tmp_path: Path) -> None:
    async def main() -> None:
        transport, _ = once_ready()
        async with opened(tmp_path, transport) as client:
            call = asyncio.create_task(client.complete(request("a")))
            await until(lambda: transport.sent)
        with pytest.raises(asyncio.CancelledError):
            await call
        cache = DiskCache(tmp_path / "cache")
        assert await cache.get(request_key(request("a")).text) is None
        await cache.close()

    run(main())


# Money, and getting ready


def test_a_reply_says_what_it_cost(tmp_path: Path) -> None:
    async def main() -> None:
        priced = replace(MODEL, price=Price(input=1.0, output=2.0, currency="CNY"))
        unpriced = replace(MODEL, price=Price(None, None), endpoint="test://two")
        async with opened(tmp_path, Answering()) as client:
            paid = await client.complete(request("a", model=priced))
            assert (paid.cost, paid.currency) == (20.0, "CNY")
            assert (await client.complete(request("a", model=unpriced))).cost is None
            assert (await client.complete(request("b"))).cost == 0.0
            assert (client.stats.paid_usd, client.stats.unpriced) == (0.0, 2)
            assert (client.stats.prompt_tokens, client.stats.completion_tokens) == (30, 15)

    run(main())


def test_a_transport_gets_ready_once_and_that_is_no_latency(tmp_path: Path) -> None:
    class Slow(Answering):
        async def open(self, model: Any) -> None:
            await super().open(model)
            await asyncio.sleep(0.2)

    async def main() -> None:
        transport = Slow()
        async with opened(tmp_path, transport) as client:
            done = await asyncio.gather(*(client.complete(request(str(i))) for i in range(5)))
            assert max(each.latency_s for each in done) < 0.2
        assert transport.opened == [MODEL]
        async with opened(tmp_path, transport) as client:
            await client.complete(request("1"))
        assert transport.opened == [MODEL]

    run(main())


def test_a_transport_that_could_not_get_ready_is_tried_again(tmp_path: Path) -> None:
    class Shy(Answering):
        async def open(self, model: Any) -> None:
            await super().open(model)
            if len(self.opened) == 1:
                raise CallError(CallErrorKind.NO_MODEL, "no weights")

    async def main() -> None:
        async with opened(tmp_path, Shy()) as client:
            with pytest.raises(CallError, match="no weights"):
                await client.complete(request("a"))
            assert (await client.complete(request("a"))).text == "fine"

    run(main())


def test_usage_that_was_not_counted_stays_unknown(tmp_path: Path) -> None:
    class Silent(Answering):
        async def send(self, request: Request) -> Completion:
            return replace(await super().send(request), usage=Usage())

    async def main() -> None:
        priced = replace(MODEL, price=Price(input=1.0, output=2.0))
        async with opened(tmp_path, Silent()) as client:
            assert (await client.complete(request("a", model=priced))).cost is None

    run(main())


def test_embeddings_go_through_the_same_door(tmp_path: Path) -> None:
    class Embedding(Answering):
        async def embed(self, model: Any, texts: Any, timeout_s: float = 60.0) -> Embeddings:
            self.sent.extend(texts)
            return Embeddings(tuple((float(len(text)), 0.5) for text in texts), Usage(len(texts), 0), "e-1")

    async def main() -> None:
        transport = Embedding()
        texts = [f"text {i}" for i in range(100)]
        async with opened(tmp_path, transport) as client:
            paid = await client.embed(MODEL, texts)
            assert client.stats.sent_calls == 2
            assert client.stats.prompt_tokens == 100
        async with opened(tmp_path, transport) as client:
            assert await client.embed(MODEL, texts) == paid
            assert client.stats.hits == 2
        assert paid.vectors == tuple((float(len(text)), 0.5) for text in texts)
        assert len(transport.sent) == 100

    run(main())


# Processes


def child(home: Path, url: str, first: int, last: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "door_child.py"), str(home), url, str(first), str(last)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
    )


def result(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(process.communicate(timeout=60)[0])
    return found


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_at_once_pay_for_each_distinct_request_once(tmp_path: Path, processes: int) -> None:
    with counting_server() as server:
        results = [result(each) for each in [child(tmp_path, server.url, 0, 150) for _ in range(processes)]]
        assert sorted(server.asked.values()) == [1] * 150
        assert sum(each["sent"] for each in results) == 150
        for each in results:
            assert each["texts"] == [f"reply to {i}" for i in range(150)]
            assert not each["errors"]


def test_killed_owner_delays_the_others_by_less_than_a_second(tmp_path: Path) -> None:
    with counting_server() as server:
        server.gate.clear()
        owner = child(tmp_path, server.url, 0, 4)
        assert server.first.wait(30)
        while sum(server.asked.values()) < 4:
            time.sleep(0.005)

        async def main() -> float:
            from door_parts import Posting

            model = replace(MODEL, transport="posting", api_base=server.url)
            client = Client.open(tmp_path, experiment="e", transports={"posting": Posting()})
            calls = [asyncio.create_task(client.complete(request(str(i), model=model))) for i in range(4)]
            await asyncio.sleep(0.3)
            assert sum(server.asked.values()) == 4
            owner.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            server.gate.set()
            await asyncio.gather(*calls)
            waited_s = time.monotonic() - killed
            await client.close()
            return waited_s

        assert run(main()) < 1.0
        assert set(server.asked.values()) == {2}
        owner.wait()
        assert owner.stdout is not None
        owner.stdout.close()


def test_a_killed_run_resumes_paying_again_only_what_its_slots_held(tmp_path: Path) -> None:
    with counting_server() as server:
        for kill_at in (50, 150, 250):
            process = child(tmp_path, server.url, 0, 400)
            while sum(server.asked.values()) < kill_at:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        assert len(result(child(tmp_path, server.url, 0, 400))["texts"]) == 400
        slots = Limits().concurrency
        assert sum(server.asked.values()) <= 400 + 3 * slots
