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

from promptlab.basics.errors import CallError, CallErrorKind, StorageError
from promptlab.basics.hashing import seeded
from promptlab.models.budget import Budget
from promptlab.models.cache import Cache, DiskCache
from promptlab.models.embedding import embedding_requests, send, vectors_of
from promptlab.models.entry import pack, unpack
from promptlab.models.flights import Flights
from promptlab.models.key import RequestKey, request_key
from promptlab.models.lease import CacheLeases, Leases, Row
from promptlab.models.ledger import LEDGER_FILE, Ledger, SqliteLedger
from promptlab.models.limiter import Limiter, LimiterState
from promptlab.models.limits import Limits
from promptlab.models.listening import Listened, Listener, OnText
from promptlab.models.pricing import cost_of, in_usd, price_of
from promptlab.models.request import Completion, Embeddings, Model, Price, Request
from promptlab.models.retry import Retries
from promptlab.models.stats import Stats
from promptlab.models.transports.base import Transport

CACHE_FOLDER = "cache"
# A transport must stop by itself at the request's timeout; one that does not is stopped so much later.
TIMEOUT_GRACE_S = 5.0

TransportFactory = Callable[[str], Transport]


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
        self._make_transport = transports.__getitem__ if isinstance(transports, Mapping) else transports
        self._transports: dict[str, Transport] = {}
        self._limits = limits or Limits()
        self._mode = mode or CacheMode()
        self._prices = prices
        self._budget = Budget(ledger, self._limits, self._price)
        self._rng = rng or random.Random()
        self._wall_clock = wall_clock
        self._flights: Flights[Completion] = Flights()
        # Hits come in rows. After a miss nobody looks beforehand: taking the lease finds what is there, too.
        self._expects_hits = True
        self._unstorable: StorageError | None = None
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._opened: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._known_prices: dict[int, tuple[Model, Price | None]] = {}

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
        return [limiter.state() for limiter in self._limiters.values()]

    @property
    def budget(self) -> Budget:
        return self._budget

    async def close(self) -> None:
        """Cancels what is on its way, writes what is queued, closes transports."""
        await self._flights.close()
        opening = [task for task in self._opened.values() if not task.done()]
        for task in opening:
            task.cancel()
        if opening:
            await asyncio.wait(opening)
        transports, self._transports = self._transports, {}
        async with contextlib.AsyncExitStack() as last_to_first:
            last_to_first.push_async_callback(self._budget.close)
            last_to_first.push_async_callback(self._cache.close)
            last_to_first.push_async_callback(self._leases.close)
            for transport in transports.values():
                last_to_first.push_async_callback(transport.close)

    # From memory and from disk

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
            return await self._send(key, request, listener)
        entry = await self._leases.acquire(key.text, lambda row: self._serves(unpack(row, key.text), request))
        if entry is not None:
            self._expects_hits = True
            return self.stats.served(unpack(entry, key.text))
        try:
            completion = await self._send(key, request, listener)
        except BaseException:
            with contextlib.suppress(StorageError):  # the first trouble is the one to tell
                await self._leases.release(key.text, replaced=False)
            raise
        await self._leases.release(key.text, replaced=True)
        return completion

    # To the provider

    async def _send(self, key: RequestKey, request: Request, listener: Listener | None) -> Completion:
        """All attempts of one call; returns when the reply is stored."""
        transport = await self._open(request.model)
        if listener is not None:
            transport = Listened(transport, listener)
        retries = Retries(self._rng, self._limits.retry_429_s, self._limits.attempts)
        attempts = 0
        while True:
            attempts += 1
            try:
                return await self._attempt(key, request, transport, attempts)
            except CallError as error:
                delay_s = retries.delay_s(error, asyncio.get_running_loop().time())
                if delay_s is None:
                    self.stats.failed += 1
                    error.attempts = attempts if error.sent else attempts - 1
                    raise
            await asyncio.sleep(delay_s)

    async def _attempt(
        self, key: RequestKey, request: Request, transport: Transport, number: int
    ) -> Completion:
        """Budget, limiter, transport, price, cache: one attempt."""
        held = await self._budget.reserve(request)
        sent, completion = False, None
        try:
            limiter = self._limiter(request.model, transport)
            slot = await limiter.enter(held.tokens, again=number > 1)
            try:
                self._check_storage()
                slot.check(request.model.id)
                sent = True
                self.stats.sent_calls += 1
                self.stats.in_flight += 1
                try:
                    completion = await self._ask(key, request, transport, number)
                except CallError as error:
                    if error.kind is CallErrorKind.RATE_LIMITED:
                        slot.refused(error.retry_after_s)
                    elif error.ends_model:
                        slot.hopeless(request.model.id, error)
                    raise
                slot.succeeded(_tokens(completion))
                cost_usd = in_usd(completion.cost, completion.currency, self._limits.rates)
                self.stats.paid(completion.usage, cost_usd)
                await self._store(key, request, completion)
            finally:
                if sent:
                    self.stats.in_flight -= 1
                slot.leave()
        finally:
            if sent:
                await self._budget.settle(request, held, completion)
            else:
                await self._budget.give_back(held)
        return completion

    async def _ask(self, key: RequestKey, request: Request, transport: Transport, number: int) -> Completion:
        loop = asyncio.get_running_loop()
        began = loop.time()
        if transport.keeps_time:
            completion = await send(request, transport)
        else:
            completion = await _in_time(request, transport)
        latency_s = loop.time() - began
        price = self._price(request.model)
        return Completion(  # dataclasses.replace costs three times as much
            text=completion.text,
            finish_reason=completion.finish_reason,
            usage=completion.usage,
            model=completion.model,
            reasoning=completion.reasoning,
            tool_calls=completion.tool_calls,
            logprobs=completion.logprobs,
            fingerprint=completion.fingerprint,
            latency_s=latency_s,
            created=self._wall_clock(),
            cost=cost_of(completion.usage, price),
            currency="USD" if price is None else price.currency,
            left_out=completion.left_out,
            key=key.text,
            attempts=number,
        )

    async def _store(self, key: RequestKey, request: Request, completion: Completion) -> None:
        """Puts a paid reply on disk; a cancelled call waits for that too."""
        try:
            await self._cache.put(key.text, pack(completion, key.canonical), over=self._mode.read)
        except StorageError as error:
            self._unstorable = StorageError(
                f"a completed reply of {request.model.name!r} was not stored and is lost: {error.message}",
                remedy=error.remedy,
            )
            raise self._unstorable from error

    def _check_storage(self) -> None:
        """Nothing is paid for that cannot be kept."""
        if self._unstorable is not None:
            raise self._unstorable
        self._cache.check()

    # One of each

    async def _open(self, model: Model) -> Transport:
        """The model's transport, ready: the first call gets it ready, the others wait for that."""
        transport = self._transports.get(model.transport)
        if transport is None:
            transport = self._transports[model.transport] = self._make_transport(model.transport)
        which = (model.transport, model.id, model.endpoint)
        opening = self._opened.get(which)
        if opening is None:
            opening = self._opened[which] = asyncio.create_task(transport.open(model))
        if not opening.done():
            await asyncio.wait([opening])
        if opening.cancelled() or opening.exception() is not None:
            self._opened.pop(which, None)  # the next call may try again
        opening.result()
        return transport

    def _limiter(self, model: Model, transport: Transport) -> Limiter:
        which = (model.endpoint, model.key_env)
        limiter = self._limiters.get(which)
        if limiter is None:
            limits = self._limits
            ceiling = min(limits.concurrency, transport.slots(model) or limits.concurrency)
            limiter = Limiter(model.endpoint, ceiling, limits.rpm, limits.tpm)
            self._limiters[which] = limiter
        return limiter

    def _price(self, model: Model) -> Price | None:
        known = self._known_prices.get(id(model))
        if known is None:  # the model is kept with its price, so that its id stays its own
            known = self._known_prices[id(model)] = (model, self._prices(model))
        return known[1]


async def _in_time(request: Request, transport: Transport) -> Completion:
    try:
        async with asyncio.timeout(request.timeout_s + TIMEOUT_GRACE_S):
            return await send(request, transport)
    except TimeoutError as error:
        raise CallError(
            CallErrorKind.TIMEOUT,
            f"no reply from {request.model.endpoint} within {request.timeout_s:g} s.",
        ) from error


def _tokens(completion: Completion) -> int | None:
    usage = completion.usage
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return usage.prompt_tokens + usage.completion_tokens
