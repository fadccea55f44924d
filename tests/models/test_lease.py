"""Of several who want the same reply, one pays; a dead one is taken over at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from promptlab.basics.errors import StorageError
from promptlab.basics.process import Owner, process, this_process
from promptlab.models import lease
from promptlab.models.cache import DiskCache
from promptlab.models.lease import CacheLeases, Row


def always(_: bytes) -> bool:
    return True


def run(work: Any) -> Any:
    return asyncio.run(work)


def lease_row(owner: Owner, kept: bytes | None = None) -> bytes:
    body = {"host": owner.host, "pid": owner.pid, "start": owner.start, "token": "other", "beat": 0}
    return b'{"lease":' + orjson.dumps(body) + (b"}" if kept is None else b',"kept":' + kept + b"}")


def ended_process() -> Owner:
    """A process that is over, and that its parent has not buried."""
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = process(started.pid)
    assert not owner.is_dead()
    started.kill()
    while not owner.is_dead():
        time.sleep(0.001)
    return owner


def test_one_of_two_holds_and_the_other_gets_the_reply(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        first, second = CacheLeases(cache), CacheLeases(cache)
        assert await first.acquire("k", always) is None
        waiting = asyncio.create_task(second.acquire("k", always))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await cache.put("k", b'{"crc":"reply"}')
        await first.release("k", replaced=True)
        assert await asyncio.wait_for(waiting, 0.2) == b'{"crc":"reply"}'
        await cache.close()

    run(main())


def test_a_lease_given_up_goes_to_who_waits(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        first, second = CacheLeases(cache), CacheLeases(cache)
        await first.acquire("k", always)
        waiting = asyncio.create_task(second.acquire("k", always))
        await asyncio.sleep(0.01)
        await first.release("k", replaced=False)
        assert await asyncio.wait_for(waiting, 0.3) is None
        await second.close()
        assert await cache.get("k") is None
        await cache.close()

    run(main())


def test_killed_owner_is_taken_over_at_once(tmp_path: Path) -> None:
    async def main() -> float:
        cache = DiskCache(tmp_path)
        await cache.put("k", lease_row(ended_process()))
        began = time.monotonic()
        assert await CacheLeases(cache).acquire("k", always) is None
        await cache.close()
        return time.monotonic() - began

    assert run(main()) < 0.5


def test_a_later_process_with_the_same_number_is_not_the_owner() -> None:
    assert replace(this_process(), start="1").is_dead()
    assert not this_process().is_dead()
    assert not process(os.getppid()).is_dead()


def test_of_another_machines_process_nothing_is_known() -> None:
    assert not Owner("elsewhere", ended_process().pid, "1").is_dead()


def test_an_owner_elsewhere_is_taken_over_when_its_heart_stops(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lease, "SILENCE_S", 0.3)

    async def main() -> None:
        cache = DiskCache(tmp_path)
        elsewhere = lease_row(Owner("elsewhere", 1, "1"))
        await cache.put("k", elsewhere)
        waiting = asyncio.create_task(CacheLeases(cache).acquire("k", always))
        for beat in range(1, 5):  # it lives longer than the silence that is allowed
            await asyncio.sleep(0.15)
            assert not waiting.done()
            await cache.put("k", elsewhere.replace(b'"beat":0', b'"beat":%d' % beat))
        assert await asyncio.wait_for(waiting, 1.0) is None
        await cache.close()

    run(main())


def test_a_held_lease_beats(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lease, "BEAT_S", 0.02)

    async def main() -> None:
        cache = DiskCache(tmp_path)
        leases = CacheLeases(cache)
        await leases.acquire("k", always)
        async with asyncio.timeout(5):
            for before in (0, 1, 2):
                row = await cache.get("k") or b""
                assert Row.read(row).beat >= before
                while await cache.get("k") == row:  # noqa: ASYNC110  another process has no event to set
                    await asyncio.sleep(0.005)
        await leases.release("k", replaced=False)
        assert await cache.get("k") is None
        await leases.close()
        await cache.close()

    run(main())


def test_an_old_entry_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        old = b'{"crc":"old"}'
        await cache.put("k", old)
        leases = CacheLeases(cache)
        assert await leases.acquire("k", lambda row: row != old) is None
        assert Row.read(await cache.get("k") or b"").entry == old
        assert await CacheLeases(cache).acquire("k", always) == old
        await leases.release("k", replaced=False)
        assert await cache.get("k") == old
        await leases.close()
        await cache.close()

    run(main())


def test_an_old_entry_survives_the_death_of_its_renewer(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        old = b'{"crc":"old"}'
        await cache.put("k", lease_row(ended_process(), kept=old))
        leases = CacheLeases(cache)
        assert await leases.acquire("k", lambda row: row != old) is None
        await leases.close()
        assert await cache.get("k") == old
        await cache.close()

    run(main())


@pytest.mark.parametrize("row", [b'{"lease":', b'{"lease":[]}', b'{"lease":{"host":"h"}}'])
def test_a_damaged_lease_is_said_in_one_line(row: bytes) -> None:
    with pytest.raises(StorageError, match="damaged lease"):
        Row.read(row)


@pytest.mark.parametrize("steps", range(4))
def test_cancelled_while_asking_leaves_no_lease_behind(tmp_path: Path, steps: int) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        leases = CacheLeases(cache)
        asking = asyncio.create_task(leases.acquire("k", always))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        await leases.close()
        assert await cache.get("k") is None
        await cache.close()

    run(main())
