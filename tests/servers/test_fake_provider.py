"""The fake provider does what it is told: else every test that leans on it is worth nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from promptlab.basics.loop import run_sync


async def call(method: str, url: str, **options: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.request(method, url, **options) as response:
        return response.status, await response.json(content_type=None)


def ask(url: str, text: str, **more: Any) -> tuple[int, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return run_sync(call("POST", f"{url}/v1/chat/completions", json=body))


def test_the_program_prints_its_address_and_serves() -> None:
    program = Path(__file__).with_name("fake_provider.py")
    with subprocess.Popen(
        [sys.executable, str(program), "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            assert ask(url, "hi")[1]["choices"][0]["message"]["content"].startswith("This is reply")
            status, _ = run_sync(call("POST", f"{url}/_control", json={"labels": ["good"]}))
            assert status == 200
            assert ask(url, "hello")[1]["choices"][0]["message"]["content"] == "good"
            assert run_sync(call("GET", f"{url}/_count"))[1]["requests"] == 2
            assert [each["body"]["model"] for each in run_sync(call("GET", f"{url}/_log"))[1]] == ["m", "m"]
            assert run_sync(call("GET", f"{url}/v1/models"))[0] == 200
            assert run_sync(call("POST", f"{url}/_control", json={"nonsense": 1}))[0] == 400
        finally:
            server.terminate()


def test_replies_depend_on_the_request_alone(fake_provider: Any) -> None:
    first, again, other = (ask(fake_provider.url, text)[1] for text in ("a", "a", "b"))
    assert first == again != other
    count = fake_provider.count()
    assert (count["requests"], count["distinct"]) == (3, 2)


def test_a_sequence_is_consumed_in_order(fake_provider: Any) -> None:
    fake_provider.control(sequence=["500", "ok", "429:1"])
    assert [ask(fake_provider.url, "x")[0] for _ in range(4)] == [500, 200, 429, 200]


def test_chance_is_seeded(fake_provider: Any) -> None:
    def struck(seed: int) -> list[int]:
        fake_provider.control(reset=True, seed=seed, rules=[{"fault": "500", "p": 0.3}])
        return [ask(fake_provider.url, f"question {each}")[0] for each in range(60)]

    first = struck(1)
    assert 5 <= first.count(500) <= 32
    assert first == struck(1) != struck(2)


def test_a_mark_may_strike_the_first_times_only(fake_provider: Any) -> None:
    assert [ask(fake_provider.url, "[[503*2]]")[0] for _ in range(3)] == [503, 503, 200]


def test_rules_answer_before_hashes(fake_provider: Any) -> None:
    fake_provider.control(answers=[{"contains": "2 + 2", "reply": "4"}, {"regex": "^Who", "reply": "me"}])
    replies = [
        ask(fake_provider.url, text)[1]["choices"][0]["message"]["content"]
        for text in ("2 + 2?", "Who?", "x")
    ]
    assert replies[:2] == ["4", "me"]
    assert replies[2].startswith("This is reply")


def test_a_wrong_key_is_refused_where_one_is_ordered(fake_provider: Any) -> None:
    fake_provider.control(key="sk-right")
    assert ask(fake_provider.url, "hi")[0] == 401


def test_an_unknown_order_is_an_error(fake_provider: Any) -> None:
    with pytest.raises(ValueError, match="unknown order"):
        fake_provider.control(latencies=3)
