"""The client: one request at a time through key, join, cache, lease, budget, limiter, transport and price."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptlab.basics.errors import CallError, StorageError
from promptlab.basics.hashing import seeded
from promptlab.models.budget import Budget
from promptlab.models.cache import Cache, DiskCache
from promptlab.models.embedding import embedding_requests, vectors_of
from promptlab.models.entry import unpack
from promptlab.models.flights import Flights
from promptlab.models.key import RequestKey, request_key
from promptlab.models.lease import CacheLeases, Leases, Row
from promptlab.models.ledger import LEDGER_FILE, Ledger, SqliteLedger
from promptlab.models.limiter import LimiterState
from promptlab.models.limits import Limits
from promptlab.models.listening import Listener, OnText
from promptlab.models.pricing import price_of
from promptlab.models.request import Completion, Embeddings, Model, Price, Request
from promptlab.models.sending import Sender, TransportFactory
from promptlab.models.stats import Stats
from promptlab.models.transports.base import Transport

CACHE_FOLDER = "cache"


@dataclass(frozen=True, slots=True)
class CacheMode:
    """`read=False` (--no-cache) reads and overwrites nothing; `max_age_s` passes over older answers."""

    read: bool = True
    max_age_s: float | None = None


class Client:
    """Implements `Door`. Belongs to one event loop; `close` it on that loop.

    Identical requests at the same time are one call. A reply is on disk before it is returned, and its
    slot is free only then. Cancelling the last one who waits cancels the call: its lease is released, its
    slot and its reservation are returned.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        leases: Leases,
        ledger: Ledger,
        transports: Mapping[str, Transport] | TransportFactory,
        limits: Limits | None = None,
        mode: CacheMode | None = None,
        prices: Callable[[Model], Price | None] = price_of,
        rng: random.Random | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.stats = Stats()
        self._cache = cache
        self._leases = leases
        self._mode = mode or CacheMode()
        self._wall_clock = wall_clock
        self._sender = Sender(
            cache=cache,
            replaces=self._mode.read,
            ledger=ledger,
            transports=transports,
            limits=limits or Limits(),
            prices=prices,
            rng=rng or random.Random(),
            wall_clock=wall_clock,
            stats=self.stats,
        )
        self._flights: Flights[Completion] = Flights()
        # Hits come in rows. After a miss nobody looks beforehand: taking the lease finds what is there, too.
        self._expects_hits = True

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        experiment: str,
        transports: Mapping[str, Transport] | TransportFactory,
        limits: Limits | None = None,
        mode: CacheMode | None = None,
        fresh: bool = False,
        seed: int = 0,
    ) -> Client:
        """The client of an experiment over the cache and ledger in `home` (PROMPTLAB_HOME).

        `fresh` opens a new ledger. UsageError: the folder cannot be written; StorageError: it is damaged.
        """
        cache = DiskCache(home / CACHE_FOLDER)
        return cls(
            cache=cache,
            leases=CacheLeases(cache),
            ledger=SqliteLedger(home / LEDGER_FILE, experiment, fresh=fresh),
            transports=transports,
            limits=limits,
            mode=mode,
            rng=seeded("backoff", experiment, seed, os.getpid()),
        )

    async def stream(self, request: Request, on_text: OnText) -> Completion:
        """Like `complete`, for who listens: see `OnText`. Paid, kept and priced exactly as otherwise.

        A reply from the cache, or of a call that was joined, comes as one piece.
        """
        listener = Listener(on_text)
        completion = await self.complete(request, listener)
        listener.whole(completion.text)
        return completion

    async def complete(self, request: Request, listener: Listener | None = None) -> Completion:
        """See `Door`."""
        key = request_key(request)
        await self._flights.over(key.text)
        if self._mode.read and self._expects_hits and key.text not in self._flights:
            hit = await self._lookup(key.text, request)
            if hit is not None:
                return self.stats.served(hit)
            self._expects_hits = False
        if key.text in self._flights:
            try:
                joined = await self._flights.join(key.text)
            except CallError as error:
                raise error.shared() from error
            if not self._serves(joined, request):
                return await self.complete(request, listener)
            self.stats.joins += 1
            return dataclasses.replace(joined, cached=True, attempts=0)
        return await self._flights.start(key.text, lambda: self._fly(key, request, listener))

    async def embed(
        self, model: Model, texts: Sequence[str], *, cell: str = "", timeout_s: float = 60.0
    ) -> Embeddings:
        """One vector per text, in order: cached, paid and limited like every call. Raises as `complete`."""
        requests = embedding_requests(model, texts, cell, timeout_s)
        return vectors_of(await asyncio.gather(*(self.complete(each) for each in requests)))

    def limiters(self) -> list[LimiterState]:
        """What goes on at each endpoint and key: for a progress display."""
        return self._sender.limiters()

    @property
    def budget(self) -> Budget:
        return self._sender.budget

    async def close(self) -> None:
        """Cancels what is on its way, writes what is queued, closes transports."""
        await self._flights.close()
        async with contextlib.AsyncExitStack() as last_to_first:
            last_to_first.push_async_callback(self._cache.close)
            last_to_first.push_async_callback(self._leases.close)
            last_to_first.push_async_callback(self._sender.close)

    async def _lookup(self, key: str, request: Request) -> Completion | None:
        row = await self._cache.get(key)
        entry = None if row is None else Row.read(row).entry
        if entry is None:
            return None
        completion = unpack(entry, key)
        return completion if self._serves(completion, request) else None

    def _serves(self, completion: Completion, request: Request) -> bool:
        """Young enough, and no wish of the request's was left out of what was asked then."""
        limit = self._mode.max_age_s
        young = limit is None or self._wall_clock() - completion.created <= limit
        return young and request.defaults.issuperset(completion.left_out)

    async def _fly(self, key: RequestKey, request: Request, listener: Listener | None) -> Completion:
        if not self._mode.read:
            return await self._sender.send(key, request, listener)
        entry = await self._leases.acquire(key.text, lambda row: self._serves(unpack(row, key.text), request))
        if entry is not None:
            self._expects_hits = True
            return self.stats.served(unpack(entry, key.text))
        try:
            completion = await self._sender.send(key, request, listener)
        except BaseException:
            with contextlib.suppress(StorageError):  # the first trouble is the one to tell
                await self._leases.release(key.text, replaced=False)
            raise
        await self._leases.release(key.text, replaced=True)
        return completion
