"""Limits nobody stated, learned from a real server's refusals, in real time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from promptlab.models.client import Client
from promptlab.models.limits import Limits
from promptlab.models.request import Draw, Message, Model, Request
from promptlab.models.transports import make_transport

LEARNING_S, MEASURED_S = 30.0, 60.0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("limit", "latency_ms", "allowed_s"),
    [
        pytest.param({"per_s": 30, "burst": 60}, 100, 30.0, id="requests per second"),
        pytest.param({"in_flight": 10}, 250, 40.0, id="requests in flight"),
    ],
)
def test_a_limit_that_nobody_stated_is_found_and_used_for_a_minute(
    tmp_path: Path, fake_provider: Any, limit: dict[str, float], latency_ms: float, allowed_s: float
) -> None:
    fake_provider.control(limit=limit, latency_ms=latency_ms)
    base = fake_provider.openai
    model = Model("openai/fake-1", "m", "openai_chat", base, api_base=base)

    async def main() -> tuple[int, int]:
        client = Client.open(
            tmp_path, experiment="e", transports=make_transport, limits=Limits(concurrency=64)
        )
        numbers = iter(range(10**9))

        async def work() -> None:
            while True:
                sample = str(next(numbers))
                question = (Message("user", f"What is {sample} + 1?"),)
                await client.complete(Request(model, question, draw=Draw(sample=sample)))

        def counted() -> tuple[int, int]:
            outcomes = fake_provider.count()["outcomes"]
            return outcomes["ok"], outcomes.get("429", 0)

        workers = [asyncio.create_task(work()) for _ in range(100)]
        await asyncio.sleep(LEARNING_S)
        served, refused = counted()
        await asyncio.sleep(MEASURED_S)
        served, refused = counted()[0] - served, counted()[1] - refused
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await client.close()
        return served, refused

    served, refused = asyncio.run(main())
    assert served >= 0.9 * allowed_s * MEASURED_S, (served, refused)
    assert refused <= 0.02 * (served + refused), (served, refused)
