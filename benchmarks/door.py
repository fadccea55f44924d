"""What the client costs per call, in CPU: `python benchmarks/door.py [CALLS]`.

Hits against plain cache reads, and misses with a transport that answers at once: what is left is the
client's own part. (What a call over HTTP costs in all is in transports.py.)
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from promptlab.basics.loop import new_loop
from promptlab.models.cache import DiskCache
from promptlab.models.client import Client
from promptlab.models.key import request_key
from promptlab.models.limits import Limits
from promptlab.models.request import Completion, Draw, Message, Model, Price, Request, Usage
from promptlab.models.transports.base import Transport

SLOTS = 32


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


async def measure(calls: int) -> None:
    here = Model("openai_like/m", "m", "at_once", "test://here", price=Price(1e-6, 2e-6))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        limits = Limits(concurrency=SLOTS)

        def client() -> Client:
            return Client.open(
                home,
                experiment="benchmark",
                transports={"at_once": AtOnce()},
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
    print(f"hit / bare cache read      {hit / bare_hit:5.2f}")
    print(f"the client's own part      {1e3 * miss:5.2f} ms a miss, {1e3 * hit:.2f} ms a hit")


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(measure(calls))


if __name__ == "__main__":
    main()
