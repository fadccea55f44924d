"""Leases: of several processes that want the same reply, one pays and the others wait for it.

A lease is a row under the request's key that says whose it is; the reply replaces it.

    {"lease":{"host":…,"pid":…,"start":…,"token":…,"beat":…},"kept":<an older entry, where there was one>}
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import orjson

from promptlab.basics.errors import StorageError
from promptlab.basics.process import Owner, this_process
from promptlab.models.cache import Cache

POLL_FIRST_S = 0.005
POLL_CAP_S = 0.05
BEAT_S = 5.0
# How long a lease may go without a heartbeat, while we watch, before it counts as abandoned: its owner hangs,
# or died on another machine. An owner that died on this one is known at once from the process table.
SILENCE_S = 4 * BEAT_S

_HEAD = b'{"lease":'
_KEPT = b',"kept":'


class Leases(Protocol):
    """What the client needs of leases."""

    async def acquire(self, key: str, serves: Callable[[bytes], bool]) -> bytes | None:
        """None: the key is ours to pay for. Else the entry to serve: another process was faster.

        Waits while a living process holds the key. `serves` says whether an entry is good enough (young
        enough); one that is not stays in place until the new reply replaces it.
        """

    async def release(self, key: str, *, replaced: bool) -> None:
        """Gives the key up: `replaced` by a reply, or as it was before."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the cache taken apart: an entry, a lease, or a lease over an older entry."""

    entry: bytes | None
    owner: Owner | None
    beat: int = 0

    @classmethod
    def read(cls, row: bytes) -> Row:
        if not row.startswith(_HEAD):
            return cls(row, None)
        # A quote inside a JSON text is escaped, so this cannot occur within the lease.
        at = row.find(_KEPT)
        entry = None if at < 0 else row[at + len(_KEPT) : -1]
        try:
            lease = orjson.loads(row[len(_HEAD) : -1 if at < 0 else at])
            return cls(entry, Owner(lease["host"], lease["pid"], lease["start"]), lease["beat"])
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"the cache holds a damaged lease: {row[:80]!r}.",
                remedy="Run `promptlab cache verify`, or go around the cache with --no-cache.",
            ) from error


@dataclass(slots=True)
class _Held:
    row: bytes
    kept: bytes | None
    beat: int = 0


class CacheLeases:
    """`Leases` as rows of a cache."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._owner = this_process()
        # Two clients in one process are two owners.
        self._token = os.urandom(4).hex()
        self._held: dict[str, _Held] = {}
        self._beating: asyncio.Task[None] | None = None

    async def acquire(self, key: str, serves: Callable[[bytes], bool]) -> bytes | None:
        try:
            found = await self._acquire(key, serves)
        except BaseException:
            # A write that was queued when we were cancelled still happens: take it back after it.
            await self.release(key, replaced=False)
            raise
        if found is None:
            if self._beating is None:
                self._beating = asyncio.create_task(self._beat())
        else:
            self._held.pop(key, None)
        return found

    async def _acquire(self, key: str, serves: Callable[[bytes], bool]) -> bytes | None:
        clock = asyncio.get_running_loop().time
        poll_s = POLL_FIRST_S
        watched: bytes | None = None
        since = 0.0
        there = await self._cache.add(key, self._hold(key, None))
        while there is not None:
            row = Row.read(there)
            if row.entry is not None and serves(row.entry):
                return row.entry
            if watched != there:
                watched, since = there, clock()
            if row.owner is None or row.owner.is_dead() or clock() - since > SILENCE_S:
                if await self._cache.swap(key, there, self._hold(key, row.entry)):
                    return None
            else:
                await asyncio.sleep(poll_s)
                poll_s = min(POLL_CAP_S, 2 * poll_s)
            there = await self._cache.get(key)
            if there is None:
                there = await self._cache.add(key, self._hold(key, None))
        return None

    async def release(self, key: str, *, replaced: bool) -> None:
        held = self._held.pop(key, None)
        if held is not None and not replaced:
            await self._cache.swap(key, held.row, held.kept)

    async def close(self) -> None:
        """Stops the heartbeat and gives up what is still held."""
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating])
        for key in list(self._held):
            await self.release(key, replaced=False)

    def _hold(self, key: str, kept: bytes | None) -> bytes:
        """Notes the row as held before it is written, so that no way out can forget it."""
        row = self._row(0, kept)
        self._held[key] = _Held(row, kept)
        return row

    def _row(self, beat: int, kept: bytes | None) -> bytes:
        owner = self._owner
        lease = {
            "host": owner.host,
            "pid": owner.pid,
            "start": owner.start,
            "token": self._token,
            "beat": beat,
        }
        return _HEAD + orjson.dumps(lease) + (b"}" if kept is None else _KEPT + kept + b"}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            swaps = []
            for key, held in self._held.items():
                before, held.beat = held.row, held.beat + 1
                held.row = self._row(held.beat, held.kept)
                swaps.append(self._cache.swap(key, before, held.row))
            # A heartbeat that cannot be written is no failure of a call: the reply's own write will tell.
            await asyncio.gather(*swaps, return_exceptions=True)
