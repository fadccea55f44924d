"""What the client costs per call, in CPU: `python benchmarks/door.py [CALLS]`.

Three comparisons, each against its bare counterpart: hits against plain cache reads; misses against a
transport that answers at once; misses over real HTTP against a bare aiohttp loop to the same server, which
is a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
from aiohttp import web

from promptlab.models.cache import DiskCache
from promptlab.models.client import Client
from promptlab.models.key import request_key
from promptlab.models.limits import Limits
from promptlab.models.request import Completion, Draw, Message, Model, Price, Request, Usage
from promptlab.models.transports import make_transport
from promptlab.models.transports.base import Transport

SLOTS = 32
REPLY = {
    "id": "x",
    "model": "m-1",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "children"}}
    ],
    "usage": {"prompt_tokens": 40, "completion_tokens": 2, "total_tokens": 42},
}


class AtOnce(Transport):
    name = "at_once"

    async def send(self, request: Request) -> Completion:
        return Completion(text="children", usage=Usage(40, 2), model="m-1")


def request(number: int, model: Model) -> Request:
    return Request(
        model,
        (
            Message("system", "You are a careful linguist."),
            Message("user", f"Give the plural of the word: child {number}\n\nReply with the plural only."),
        ),
        {"temperature": 0.7, "max_tokens": 64},
        draw=Draw(sample=f"sample {number}"),
        cell="cell",
    )


async def timed(name: str, calls: int, call: Callable[[int], Awaitable[object]]) -> float:
    """CPU seconds per call of this process, with SLOTS at once."""
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await call(number)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(SLOTS)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"{name:32}{1e3 * cpu / calls:8.3f} ms CPU a call{calls / wall:10.0f} calls/s")
    return cpu / calls


async def measure(calls: int, base: str) -> None:
    here = Model("openai_like/m", "m", "at_once", "test://here", price=Price(1e-6, 2e-6))
    there = Model("openai_like/m", "m", "openai_chat", base, api_base=base, price=Price(1e-6, 2e-6))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        limits = Limits(concurrency=SLOTS)

        def client() -> Client:
            return Client.open(
                home,
                experiment="benchmark",
                transports=lambda name: AtOnce() if name == "at_once" else make_transport(name),
                limits=limits,
            )

        first = client()
        miss = await timed("miss, transport at once", calls, lambda i: first.complete(request(i, here)))
        await first.close()

        cache = DiskCache(home / "cache")
        keys = [request_key(request(i, here)).text for i in range(calls)]
        bare_hit = await timed("bare cache read", calls, lambda i: cache.get(keys[i]))
        await cache.close()
        second = client()
        hit = await timed("hit", calls, lambda i: second.complete(request(i, here)))
        await second.close()

        async with aiohttp.ClientSession() as session:

            async def bare(number: int) -> None:
                messages = [
                    {"role": each.role, "content": each.content} for each in request(number, there).messages
                ]
                body = {"model": "m", "messages": messages, "temperature": 0.7, "max_tokens": 64}
                async with session.post(f"{base}/chat/completions", json=body) as reply:
                    await reply.json()

            await timed("(warming up)", 200, bare)
            bare_http = await timed("bare aiohttp", calls, bare)
        third = client()
        http = await timed("miss over HTTP", calls, lambda i: third.complete(request(i, there)))
        await third.close()
    print(f"hit / bare cache read      {hit / bare_hit:5.2f}")
    print(f"miss over HTTP / aiohttp   {http / bare_http:5.2f}")
    print(f"the client's own part      {1e3 * miss:5.2f} ms a miss, {1e3 * hit:.2f} ms a hit")


def serve(ready: Connection) -> None:
    """Answers every request at once, until the process is ended."""

    async def answer(asked: web.Request) -> web.Response:
        await asked.read()
        return web.json_response(REPLY)

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        asyncio.run(measure(calls, f"http://127.0.0.1:{ours.recv()}/v1"))
    finally:
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
