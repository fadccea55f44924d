"""Who listens hears the reply as it comes, pays once, and what was heard adds up to the reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from door_parts import until

from promptlab.basics.errors import CallError
from promptlab.models.catalog import resolve
from promptlab.models.client import Client
from promptlab.models.limits import Limits
from promptlab.models.request import Message, Price, Request
from promptlab.models.transports import make_transport

WORDS = "one two three four five six seven eight nine ten eleven twelve"


class Ear:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str | None] = []

    def __call__(self, piece: str | None) -> None:
        self.told.append(piece)

    @property
    def heard(self) -> str:
        """What a page would show."""
        text = ""
        for piece in self.told:
            text = "" if piece is None else text + piece
        return text


@asynccontextmanager
async def opened(home: Path, **more: Any) -> AsyncIterator[Client]:
    client = Client.open(home, experiment="e", transports=make_transport, **more)
    try:
        yield client
    finally:
        await client.close()


def asked(provider: Any, text: str, **more: Any) -> Request:
    price = Price(input=1e-6, output=2e-6)
    model = resolve("fake-1", api_base=provider.openai, price=price)
    return Request(model, (Message("user", text),), {"temperature": 0}, **more)


def test_a_reply_comes_in_pieces_and_is_the_one_that_is_kept(fake_provider: Any, tmp_path: Path) -> None:
    fake_provider.control(answers=[{"contains": "count", "reply": WORDS}])

    async def work() -> None:
        ear, again, plain = Ear(), Ear(), asked(fake_provider, "count")
        async with opened(tmp_path) as client:
            streamed = await client.stream(plain, ear)
            cached = await client.stream(plain, again)
            silent = await client.complete(plain)
        assert len(ear.told) > 3
        assert ear.heard == streamed.text == WORDS
        assert again.told == [WORDS], "a kept reply comes as one piece"
        assert cached.cached
        assert (streamed.cost, streamed.usage) == (silent.cost, silent.usage)
        assert streamed.cost is not None
        assert streamed.attempts == 1

    asyncio.run(work())
    assert fake_provider.requests == 1


def test_who_joins_hears_the_whole_and_pays_nothing(fake_provider: Any, tmp_path: Path) -> None:
    fake_provider.control(latency_ms=100, answers=[{"contains": "count", "reply": WORDS}])

    async def work() -> None:
        ears, request = [Ear(), Ear()], asked(fake_provider, "count")
        async with opened(tmp_path) as client:
            first, second = await asyncio.gather(*(client.stream(request, ear) for ear in ears))
        assert [ear.heard for ear in ears] == [WORDS, WORDS]
        assert len(ears[1].told) == 1
        assert (first.cached, second.cached) == (False, True)

    asyncio.run(work())
    assert fake_provider.requests == 1


def test_a_stream_that_breaks_is_tried_again_and_begins_anew(fake_provider: Any, tmp_path: Path) -> None:
    async def work() -> None:
        ear = Ear()
        async with opened(tmp_path) as client:
            reply = await client.stream(asked(fake_provider, f"[[cutstream*1]] say {WORDS}"), ear)
        assert None in ear.told
        assert ear.heard == reply.text
        assert reply.attempts == 2

    asyncio.run(work())
    assert fake_provider.requests == 2


def test_a_stream_that_stays_broken_is_a_call_error(fake_provider: Any, tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path, limits=Limits(attempts=1)) as client:
            with pytest.raises(CallError, match=r"broke off|connection"):
                await client.stream(asked(fake_provider, "[[cutstream]]"), Ear())
            assert client.stats.failed == 1

    asyncio.run(work())


def test_who_stops_listening_frees_the_slot(fake_provider: Any, tmp_path: Path) -> None:
    async def work() -> None:
        ear = Ear()
        async with opened(tmp_path) as client:
            task = asyncio.create_task(client.stream(asked(fake_provider, f"[[trickle:50]] {WORDS}"), ear))
            await until(lambda: ear.told)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert client.stats.in_flight == 0
            assert all(each.in_flight == 0 for each in client.limiters())

    asyncio.run(work())
