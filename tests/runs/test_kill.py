"""A run that is killed, stopped or cut off at any moment and resumed is the run that was never disturbed."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from real_command import (
    RealCommand,
    cached_replies,
    check_store,
    model,
    sql,
    store_of,
    wait_until,
    whole_table,
)

from promptlab import api

SLOTS = 8
VARIANTS = "zero_shot, zero_shot_cot, {technique: few_shot, demos: 2}"


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    write(command, fake_provider)
    return command


def write(command: RealCommand, provider: Any, limits: str = "") -> None:
    command.write(60, model("fake-1", provider.openai), VARIANTS, f"concurrency: {SLOTS}{limits}")


def settled(provider: Any) -> int:
    """The requests that came from a process that is dead, when the last of them has come."""
    seen = -1
    while provider.count()["in_flight"] or provider.requests != seen:
        seen = provider.requests
        time.sleep(0.05)
    return seen


def kill_at_random(command: RealCommand, provider: Any, rng: random.Random, home: Path) -> int | None:
    """Kills a run while it starts or after some requests. What was in flight then; None: it was done."""
    asked = provider.requests
    process = command.start("compare", "exp.yaml", "--json", home=home)
    if rng.random() < 0.25:
        time.sleep(rng.uniform(0.0, 1.2))
    else:
        wanted = asked + rng.randrange(1, 40)
        wait_until(
            lambda: provider.requests >= wanted or process.poll() is not None, "the run does not get going"
        )
    time.sleep(rng.uniform(0.0, 0.01))
    process.kill()
    in_flight = int(provider.count()["in_flight"])
    process.communicate()
    return in_flight if process.returncode == -9 else None


def campaign(command: RealCommand, provider: Any, kills: int, seed: int) -> None:
    """Rounds of a run each, killed until it is done; every round ends with the table of the first one."""
    undisturbed = whole_table(command.compare(home=command.folder / "undisturbed"))
    needed = provider.requests
    rng = random.Random(seed)
    done = rounds = paid = most_in_flight = held = 0
    while done < kills:
        rounds += 1
        home = command.folder / f"round-{rounds}"
        provider.control(reset=True, latency_ms=5, jitter_ms=20, seed=rounds)
        # Where a budget is set, no call may leave before the ledger has it: then it is exact.
        counted = rounds % 2 == 1
        write(command, provider, ", budget_calls: 1000000" if counted else "")
        lost = killed = 0
        for _ in range(min(12, kills - done)):
            in_flight = kill_at_random(command, provider, rng, home)
            if in_flight is None:
                break
            killed += 1
            # What is paid and not kept was in flight: as many as there are slots, at most.
            newly = settled(provider) - cached_replies(home) - lost
            assert 0 <= newly <= SLOTS
            lost += newly
            most_in_flight, held = max(most_in_flight, in_flight), held + in_flight
        done += killed
        resumed = command.compare(home=home)
        assert resumed["status"] == "complete"
        assert whole_table(resumed) == undisturbed
        assert provider.requests == needed + lost
        assert provider.count()["distinct"] == needed
        check_store(store_of(home))
        ((calls,),) = sql(home / "ledger.sqlite", "SELECT calls FROM ledger")
        assert not counted or provider.requests <= calls <= provider.requests + SLOTS * killed
        again = command.compare(home=home)
        assert again["sent_calls"] == 0
        assert whole_table(again) == undisturbed
        paid += provider.requests
    print(
        f"\n{done} kills in {rounds} runs: {paid} requests paid for {rounds * needed} needed, "
        f"{held} were in flight at the kills (at most {most_in_flight} at once)"
    )


def test_a_killed_run_resumes_to_the_same_table_without_paying_twice(
    command: RealCommand, fake_provider: Any
) -> None:
    campaign(command, fake_provider, kills=5, seed=5)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_kills_lose_nothing_and_pay_only_what_was_in_flight(
    command: RealCommand, fake_provider: Any
) -> None:
    campaign(command, fake_provider, kills=100, seed=11)


@contextmanager
def kept_log(path: Path) -> Iterator[None]:
    """While it lasts, every commit to that SQLite file stays in its write-ahead log."""
    wait_until(path.with_name(f"{path.name}-wal").exists, f"{path} is not made")
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def cut_copy(source: Path, target: Path, share: float) -> None:
    """The database as a crash leaves it that came when only so much of its log was on disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    log = source.with_name(f"{source.name}-wal").read_bytes()
    target.with_name(f"{target.name}-wal").write_bytes(log[: int(len(log) * share)])


def test_a_run_resumes_from_every_point_of_its_files(
    command: RealCommand, fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Store and cache cut off at any byte, each for itself, as a power failure leaves them."""
    monkeypatch.setenv("LOOP_KEY", "sk-loop")
    fake_provider.control(latency_ms=5)
    home = command.folder / "whole"
    process = command.start("compare", "exp.yaml", "--json", home=home)
    wait_until(lambda: list(home.glob("runs/*/run.sqlite-wal")), "the run does not get going")
    with kept_log(store_of(home)), kept_log(home / "cache" / "cache.db"):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        shutil.copytree(home, command.folder / "cut")
    undisturbed = api.load(command.folder / "exp.yaml", home=home).comparison().to_json()
    needed = fake_provider.requests
    cut = command.folder / "cut"
    run = store_of(cut).parent.name
    assert store_of(cut).with_name("run.sqlite-wal").stat().st_size > 100_000
    number = iter(range(1000))

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.floats(0.0, 1.0), st.just(1.0) | st.floats(0.0, 1.0))
    def check(share_of_run: float, share_of_cache: float) -> None:
        place = command.folder / f"resumed-{next(number)}"
        shutil.copytree(cut / "runs", place / "runs", ignore=shutil.ignore_patterns("run.sqlite*"))
        cut_copy(cut / "runs" / run / "run.sqlite", place / "runs" / run / "run.sqlite", share_of_run)
        cut_copy(cut / "cache" / "cache.db", place / "cache" / "cache.db", share_of_cache)
        kept = cached_replies(place)
        asked = fake_provider.requests
        experiment = api.load(command.folder / "exp.yaml", home=place)
        assert experiment.run().status == "complete"
        assert whole_table(experiment.comparison().to_json()) == whole_table(undisturbed)
        assert fake_provider.requests - asked <= needed - kept
        check_store(store_of(place))
        shutil.rmtree(place)

    check()


def test_a_run_stopped_after_any_number_of_requests_ends_as_if_it_had_not_been(
    command: RealCommand, fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOP_KEY", "sk-loop")
    path = command.folder / "exp.yaml"
    text = path.read_text()
    whole = api.load(path, home=command.folder / "whole")
    assert whole.run().status == "complete"
    undisturbed = whole_table(whole.comparison().to_json())
    needed = fake_provider.requests
    number = iter(range(1000))

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sets(st.integers(1, needed - 1), min_size=1, max_size=4))
    def check(stops: set[int]) -> None:
        home = command.folder / f"stopped-{next(number)}"
        fake_provider.reset()
        for stop in sorted(stops):
            path.write_text(text.replace("limits: {", f"limits: {{budget_calls: {stop}, "))
            assert api.load(path, home=home).run().status == "stopped: budget"
            assert fake_provider.requests == stop
        path.write_text(text)
        experiment = api.load(path, home=home)
        assert experiment.run().status == "complete"
        assert whole_table(experiment.comparison().to_json()) == undisturbed
        assert fake_provider.requests == needed
        check_store(store_of(home))

    check()
