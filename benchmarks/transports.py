"""What the transports cost, and what a slow endpoint leaves idle: `python benchmarks/transports.py [CALLS]`.

Three comparisons, each against its bare counterpart on the same server, in turns: the litellm transport
against litellm.acompletion; a whole client over openai_chat against a bare aiohttp loop; and, at 500 ms of
latency and 256 slots, the calls per second after the ramp-up against what the latency allows.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from promptlab.basics.collecting import seldom_collecting
from promptlab.basics.loop import new_loop
from promptlab.models.client import Client
from promptlab.models.limits import Limits
from promptlab.models.request import Draw, Message, Model, Price, Request
from promptlab.models.transports import make_transport

PROVIDER = Path(__file__).resolve().parents[1] / "tests" / "servers" / "fake_provider.py"
SLOTS = 32
ROUNDS = 5
LATENCY_S = 0.5
WIDE = 256
RAMP_S, MEASURED_S = 4.0, 6.0
_numbers = itertools.count()

Call = Callable[[int], Awaitable[object]]


def request(number: int, model: Model) -> Request:
    messages = (Message("system", "Be brief."), Message("user", f"What is {number} + 1?"))
    return Request(model, messages, {"temperature": 0.7, "max_tokens": 16}, draw=Draw(sample=str(number)))


def body(number: int) -> dict[str, object]:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": f"What is {number} + 1?"},
    ]
    return {"messages": messages, "temperature": 0.7, "max_tokens": 16}


async def cpu_s(calls: int, call: Call) -> float:
    """CPU seconds a call of this process, with SLOTS at once."""
    numbers = iter([next(_numbers) for _ in range(calls)])

    async def work() -> None:
        for number in numbers:
            await call(number)

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(SLOTS)))
    return (time.process_time() - began) / calls


async def compare(what: str, calls: int, ours: Call, bare: Call, at_most: float) -> None:
    """Rounds in turns, so that what else the machine does strikes both."""
    await cpu_s(calls // 5, ours)
    await cpu_s(calls // 5, bare)
    pairs = [(await cpu_s(calls, ours), await cpu_s(calls, bare)) for _ in range(ROUNDS)]
    ratios = [mine / other for mine, other in pairs]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    mine_ms, other_ms = (1e3 * statistics.median(each) for each in zip(*pairs, strict=True))
    print(
        f"{what:<44} {mine_ms:6.2f} ms CPU a call, bare {other_ms:5.2f},"
        f" ratio {statistics.median(ratios):.2f} ({spread}), at most {at_most:.2f}"
    )


def client(home: str, slots: int) -> Client:
    limits = Limits(concurrency=slots)
    return Client.open(Path(home), experiment="benchmark", transports=make_transport, limits=limits)


async def litellm_against_bare(url: str, calls: int) -> None:
    model = Model("openai/fake-1", "m", "litellm", url, api_base=f"{url}/v1", key_env="BENCH_KEY")
    transport = make_transport("litellm")
    await transport.open(model)
    import litellm  # as the transport has set it up

    async def bare(number: int) -> object:
        reply: object = await litellm.acompletion(
            model="openai/fake-1",
            api_base=f"{url}/v1",
            api_key="sk-bench",
            timeout=60,
            num_retries=0,
            max_retries=0,
            **body(number),
        )
        return reply

    await compare(
        "litellm transport / litellm.acompletion",
        calls // 5,
        lambda number: transport.send(request(number, model)),
        bare,
        1.15,
    )
    await transport.close()


async def client_against_aiohttp(url: str, calls: int) -> None:
    base = f"{url}/v1"
    model = Model("openai/fake-1", "m", "openai_chat", base, api_base=base, price=Price(1e-6, 2e-6))
    with tempfile.TemporaryDirectory() as home:
        door = client(home, SLOTS)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def bare(number: int) -> None:
                asked = {"model": "fake-1", **body(number)}
                async with session.post(f"{base}/chat/completions", json=asked) as reply:
                    (await reply.json())["choices"][0]["message"]["content"]

            await compare(
                "client over openai_chat / bare aiohttp",
                calls,
                lambda number: door.complete(request(number, model)),
                bare,
                2.5,
            )
        await door.close()


async def slow_endpoint(url: str) -> None:
    base = f"{url}/v1"
    async with aiohttp.ClientSession() as session:
        await session.post(f"{url}/_control", json={"latency_ms": 1000 * LATENCY_S})
    model = Model("openai/fake-1", "m", "openai_chat", base, api_base=base)
    done = 0
    with tempfile.TemporaryDirectory() as home:
        door = client(home, WIDE)

        async def work() -> None:
            nonlocal done
            while True:
                await door.complete(request(next(_numbers), model))
                done += 1

        workers = [asyncio.create_task(work()) for _ in range(2 * WIDE)]
        await asyncio.sleep(RAMP_S)
        before, began = done, time.perf_counter()
        await asyncio.sleep(MEASURED_S)
        rate = (done - before) / (time.perf_counter() - began)
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await door.close()
    allowed = WIDE / LATENCY_S
    print(
        f"{f'{WIDE} slots at {1000 * LATENCY_S:.0f} ms, after the ramp-up':<44} {rate:6.0f} calls a second,"
        f" {rate / allowed:.0%} of the {allowed:.0f} the latency allows, at least 90%"
    )


async def measure(url: str, calls: int) -> None:
    await client_against_aiohttp(url, calls)
    await litellm_against_bare(url, calls)
    await slow_endpoint(url)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    os.environ["BENCH_KEY"] = "sk-bench"
    provider = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, text=True)
    assert provider.stdout is not None
    try:
        # Both sides as a run goes: on promptlab's own loop, with its settings of the garbage collector.
        with seldom_collecting(), asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(measure(provider.stdout.readline().strip(), calls))
    finally:
        provider.terminate()
        provider.wait()


if __name__ == "__main__":
    main()
