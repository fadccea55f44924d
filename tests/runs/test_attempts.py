"""What was sent for a trial is on the trial, failed requests included, over all its tries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, sql, store_of

PRICE = "api_key_env: LOOP_KEY, price: {input: 1, output: 1, currency: USD, per: 1000}"


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    models = model("fake-1", fake_provider.openai, PRICE)
    command.write(5, models, "zero_shot, zero_shot_cot", "concurrency: 1, retry_429_s: 2, confirm_usd: 100")
    return command


def trial(command: RealCommand) -> tuple[Any, ...]:
    query = "SELECT status, attempts, calls, cached_calls, cost_usd, paid_usd FROM trials"
    (row,) = sql(store_of(command.folder / ".promptlab"), query)
    return row


def ledger(command: RealCommand) -> tuple[int, float]:
    ((calls, usd),) = sql(command.folder / ".promptlab" / "ledger.sqlite", "SELECT calls, usd FROM ledger")
    return calls, usd


def test_what_a_failed_trial_paid_stays_on_it_when_it_is_tried_again(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(sequence=["ok", "400"])
    one = ("--limit", "1", "--variant", "zero_shot_cot")
    command.compare(*one, code=3)
    status, attempts, calls, _, _, first_paid = trial(command)
    assert (status, attempts, calls) == ("error", 2, 1)
    assert first_paid > 0
    shown, _ = command.run("show", "loop", "1")
    assert "failed after 1 attempt(s)" in shown
    command.compare(*one)
    status, attempts, calls, cached, cost, paid = trial(command)
    assert (status, attempts, calls, cached) == ("ok", 3, 2, 1)
    # The first reply came from the cache this time: it was paid in this run all the same, and once.
    assert paid == pytest.approx(cost)
    assert paid > first_paid
    assert ledger(command) == (fake_provider.requests, pytest.approx(paid)) == (3, pytest.approx(paid))


def test_every_refused_request_of_a_call_that_was_given_up_is_counted(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(rules=[{"fault": "429", "p": 1.0}])
    one = ("--limit", "1", "--variant", "zero_shot")
    command.compare(*one, code=3)
    assert trial(command)[:2] == ("error", fake_provider.requests)
    assert fake_provider.requests > 1
    exported = command.folder / "calls.jsonl"
    command.run("export", "loop", "--to", str(exported), "--what", "calls")
    assert json.loads(exported.read_text())["attempts"] == fake_provider.requests
    fake_provider.control(rules=[])
    command.compare(*one)
    assert trial(command)[:2] == ("ok", fake_provider.requests)
    assert ledger(command)[0] == fake_provider.requests
