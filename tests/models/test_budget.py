"""Budgets hold over runs, resumes and processes: calls exactly, tokens and money up to what is in flight."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from door_parts import MODEL, Answering, counting_server, refusal, request, until
from hypothesis import given
from hypothesis import strategies as st

from promptlab.basics.errors import BudgetReached, CallError, CallErrorKind, UsageError
from promptlab.models.budget import RunningPercentile
from promptlab.models.client import Client
from promptlab.models.ledger import Spending, SqliteLedger, Verdict
from promptlab.models.limits import Limits, Rate
from promptlab.models.request import Price, Request

SRC = Path(__file__).parents[2] / "src"
PRICED = replace(MODEL, price=Price(input=0.001, output=0.01))  # a reply of 10 and 5 tokens: 0.06 USD


def run(work: Any) -> Any:
    return asyncio.run(work)


async def ask(home: Path, texts: list[str], limits: Limits, **more: Any) -> tuple[list[Any], Client]:
    transport = more.pop("transport", None) or Answering()
    model = more.pop("model", MODEL)
    sampling = more.pop("sampling", {"temperature": 0, "max_tokens": 5})
    client = Client.open(home, experiment="e", transports={"scripted": transport}, limits=limits, **more)
    calls = [client.complete(request(text, model=model, sampling=sampling)) for text in texts]
    try:
        return await asyncio.gather(*calls, return_exceptions=True), client
    finally:
        await client.close()


def reached(done: list[Any]) -> list[BudgetReached]:
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, BudgetReached):
            raise each
    return [each for each in done if isinstance(each, BudgetReached)]


def test_calls_are_exact(tmp_path: Path) -> None:
    done, client = run(ask(tmp_path, [str(i) for i in range(25)], Limits(budget_calls=10)))
    assert client.stats.sent_calls == 10
    assert len(reached(done)) == 15
    assert str(reached(done)[0]) == (
        "budget_calls 10 is reached: 10 calls spent. Raise limits.budget_calls and run again to go on."
    )


def test_a_budget_goes_on_where_it_was_and_fresh_opens_a_new_one(tmp_path: Path) -> None:
    def sent(texts: str, limit: int, fresh: bool = False) -> int:
        _, client = run(ask(tmp_path, list(texts), Limits(budget_calls=limit), fresh=fresh))
        return client.stats.sent_calls

    assert sent("abcdef", 4) == 4
    assert sent("abcdef", 4) == 0
    assert sent("abcdef", 5) == 1
    assert sent("uvw", 2, fresh=True) == 2
    assert sent("xyz", 2) == 0


def test_what_was_spent_without_a_budget_counts_when_one_is_set(tmp_path: Path) -> None:
    run(ask(tmp_path, ["a", "b", "c"], Limits()))
    _, client = run(ask(tmp_path, ["d", "e"], Limits(budget_calls=4)))
    assert client.stats.sent_calls == 1


def test_hits_are_no_calls(tmp_path: Path) -> None:
    run(ask(tmp_path, ["a", "b"], Limits(budget_calls=2)))
    done, client = run(ask(tmp_path, ["a", "b"], Limits(budget_calls=2)))
    assert not reached(done)
    assert client.stats.sent_calls == 0


def test_each_attempt_is_a_call(tmp_path: Path) -> None:
    async def answer(_: Request) -> str:
        if len(transport.sent) < 3:
            raise CallError(CallErrorKind.SERVER, "500")
        return "fine"

    transport = Answering(answer)
    done, client = run(ask(tmp_path, ["a"], Limits(budget_calls=2), transport=transport))
    assert reached(done)
    assert client.stats.sent_calls == 2
    done, client = run(ask(tmp_path, ["a"], Limits(budget_calls=3), transport=transport))
    assert done[0].text == "fine"


def test_a_call_cancelled_before_it_was_sent_is_given_back(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: Request) -> str:
            await asyncio.Event().wait()
            return ""

        limits = Limits(concurrency=1, budget_calls=10, budget_tokens=10_000)
        client = Client.open(
            tmp_path, experiment="e", transports={"scripted": Answering(answer)}, limits=limits
        )
        calls = [asyncio.create_task(client.complete(request(str(i)))) for i in range(5)]
        await until(lambda: client.stats.in_flight == 1 and client.limiters()[0].waiting == 4)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        totals = await client.budget.totals()
        assert (totals.spent.calls, totals.held_tokens) == (1, 0)
        await client.close()

    run(main())


def test_tokens_overshoot_by_one_call_at_most(tmp_path: Path) -> None:
    done, client = run(
        ask(tmp_path, [f"{i} is some number" * 2 for i in range(50)], Limits(budget_tokens=100))
    )
    used = client.stats.prompt_tokens + client.stats.completion_tokens
    assert 100 <= used < 115
    assert "budget_tokens 100 is reached" in str(reached(done)[0])


def test_large_reservations_wait_instead_of_wasting_the_budget(tmp_path: Path) -> None:
    """512 tokens are set aside for the first replies, 15 are used: all 20 calls fit into 700 tokens."""
    done, client = run(ask(tmp_path, [str(i) for i in range(20)], Limits(budget_tokens=700), sampling={}))
    assert not reached(done)
    assert client.stats.sent_calls == 20


def test_money_is_bounded_in_the_currency_of_the_price(tmp_path: Path) -> None:
    done, client = run(ask(tmp_path, [str(i) for i in range(20)], Limits(budget_usd=0.30), model=PRICED))
    assert client.stats.paid_usd == pytest.approx(0.30)
    assert "budget_usd 0.3 is reached: 0.3000 USD" in str(reached(done)[0])
    assert done[0].cost == pytest.approx(0.06)


def test_money_in_another_currency_counts_at_the_given_rate(tmp_path: Path) -> None:
    yuan = replace(MODEL, price=Price(input=0.001, output=0.01, currency="CNY"))
    limits = Limits(budget_usd=0.03, rates={"CNY": Rate(usd=0.1)})
    done, client = run(ask(tmp_path, [str(i) for i in range(20)], limits, model=yuan))
    assert client.stats.paid_usd == pytest.approx(0.03)
    assert (done[0].cost, done[0].currency) == (pytest.approx(0.06), "CNY")
    with pytest.raises(UsageError, match=r"limits\.rates"):
        raise run(ask(tmp_path, ["x"], Limits(budget_usd=1.0), model=yuan))[0][0]


def test_a_budget_of_money_needs_a_price(tmp_path: Path) -> None:
    unknown = replace(MODEL, id="openai_like/x", transport="scripted")
    done, client = run(
        ask(tmp_path, ["a"], Limits(budget_usd=1.0), model=replace(unknown, price=Price(None, None)))
    )
    assert client.stats.sent_calls == 0
    with pytest.raises(UsageError, match=r"price of model 'x' is unknown.*price: \{input"):
        raise done[0]


def test_refused_attempts_use_no_tokens(tmp_path: Path) -> None:
    async def answer(_: Request) -> str:
        if len(transport.sent) == 1:
            raise refusal()
        return "fine"

    async def main() -> None:
        client = Client.open(
            tmp_path, experiment="e", transports={"scripted": transport}, limits=Limits(budget_tokens=1000)
        )
        await client.complete(request("a"))
        totals = await client.budget.totals()
        assert (totals.spent.calls, totals.spent.tokens, totals.held_tokens) == (2, 15, 0)
        await client.close()

    transport = Answering(answer)
    run(main())


def test_four_processes_share_one_budget_exactly(tmp_path: Path) -> None:
    with counting_server() as server:
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    str(Path(__file__).parent / "door_child.py"),
                    *(
                        str(tmp_path),
                        server.url,
                        str(100 * i),
                        str(100 * i + 40),
                        json.dumps({"budget_calls": 50}),
                    ),
                ],
                env={**os.environ, "PYTHONPATH": str(SRC)},
                stdout=subprocess.PIPE,
            )
            for i in range(4)
        ]
        results = [json.loads(process.communicate()[0]) for process in processes]
        assert sum(server.asked.values()) == 50
        assert sum(each["sent"] for each in results) == 50


def test_what_a_killed_process_had_set_aside_counts_as_spent(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from promptlab.models.ledger import SqliteLedger, Spending\n"
        "from promptlab.models.limits import Limits\n"
        "async def main():\n"
        "    ledger = SqliteLedger(Path(sys.argv[1]), 'e')\n"
        "    await ledger.reserve(Spending(1, 70, 0.5), Limits(budget_tokens=100))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    path = tmp_path / "ledger.sqlite"
    subprocess.run([sys.executable, "-c", code, str(path)], env={**os.environ, "PYTHONPATH": str(SRC)})

    async def main() -> None:
        ledger = SqliteLedger(path, "e")
        totals = await ledger.totals()
        assert totals.spent == Spending(1, 70, 0.5)
        assert totals.held_tokens == 0
        answer = await ledger.reserve(Spending(1, 20, 0.0), Limits(budget_tokens=100))
        assert answer.verdict is Verdict.GRANTED
        assert (
            await ledger.reserve(Spending(1, 20, 0.0), Limits(budget_tokens=100))
        ).verdict is Verdict.LATER
        await ledger.close()

    run(main())


@given(st.lists(st.integers(0, 50), min_size=1, max_size=400))
def test_the_percentile_is_of_the_last_200_values(values: list[int]) -> None:
    running = RunningPercentile()
    for value in values:
        running.add(value)
    recent = sorted(values[-200:])
    assert running.value() == recent[int(0.95 * (len(recent) - 1) + 0.5)]
