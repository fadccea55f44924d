"""From a call that nothing has answered yet to its stored reply: budget, limiter, transport, price, cache."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping

from promptlab.basics.errors import CallError, CallErrorKind, StorageError
from promptlab.models.budget import Budget
from promptlab.models.cache import Cache
from promptlab.models.embedding import send
from promptlab.models.entry import pack
from promptlab.models.key import RequestKey
from promptlab.models.ledger import Ledger
from promptlab.models.limiter import Limiter, LimiterState
from promptlab.models.limits import Limits
from promptlab.models.listening import Listened, Listener
from promptlab.models.pricing import cost_of, in_usd
from promptlab.models.request import Completion, Model, Price, Request
from promptlab.models.retry import Retries
from promptlab.models.stats import Stats
from promptlab.models.transports.base import Transport

# A transport must stop by itself at the request's timeout; one that does not is stopped so much later.
TIMEOUT_GRACE_S = 5.0

TransportFactory = Callable[[str], Transport]


class Sender:
    """Sends calls, tries again, pays, and keeps the replies: on disk before `send` returns.

    There is one transport of each kind, and one limiter for each endpoint and key.
    `replaces`: a stored reply takes the place of an older one.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        replaces: bool,
        ledger: Ledger,
        transports: Mapping[str, Transport] | TransportFactory,
        limits: Limits,
        prices: Callable[[Model], Price | None],
        rng: random.Random,
        wall_clock: Callable[[], float],
        stats: Stats,
    ) -> None:
        self.budget = Budget(ledger, limits, self._price)
        self._cache = cache
        self._replaces = replaces
        self._make_transport = transports.__getitem__ if isinstance(transports, Mapping) else transports
        self._transports: dict[str, Transport] = {}
        self._limits = limits
        self._prices = prices
        self._rng = rng
        self._wall_clock = wall_clock
        self._stats = stats
        self._unstorable: StorageError | None = None
        self._limiters: dict[tuple[str, str], Limiter] = {}
        self._opened: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._known_prices: dict[int, tuple[Model, Price | None]] = {}

    def limiters(self) -> list[LimiterState]:
        """What goes on at each endpoint and key."""
        return [limiter.state() for limiter in self._limiters.values()]

    async def close(self) -> None:
        """Cancels what is being opened, closes transports and the budget."""
        opening = [task for task in self._opened.values() if not task.done()]
        for task in opening:
            task.cancel()
        if opening:
            await asyncio.wait(opening)
        transports, self._transports = self._transports, {}
        async with contextlib.AsyncExitStack() as last_to_first:
            last_to_first.push_async_callback(self.budget.close)
            for transport in transports.values():
                last_to_first.push_async_callback(transport.close)

    async def send(self, key: RequestKey, request: Request, listener: Listener | None) -> Completion:
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
                    self._stats.failed += 1
                    error.attempts = attempts if error.sent else attempts - 1
                    raise
            await asyncio.sleep(delay_s)

    async def _attempt(
        self, key: RequestKey, request: Request, transport: Transport, number: int
    ) -> Completion:
        """Budget, limiter, transport, price, cache: one attempt."""
        held = await self.budget.reserve(request)
        sent, completion = False, None
        try:
            limiter = self._limiter(request.model, transport)
            slot = await limiter.enter(held.tokens, again=number > 1)
            try:
                self._check_storage()
                slot.check(request.model.id)
                sent = True
                self._stats.sent_calls += 1
                self._stats.in_flight += 1
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
                self._stats.paid(completion.usage, cost_usd)
                await self._store(key, request, completion)
            finally:
                if sent:
                    self._stats.in_flight -= 1
                slot.leave()
        finally:
            if sent:
                await self.budget.settle(request, held, completion)
            else:
                await self.budget.give_back(held)
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
            await self._cache.put(key.text, pack(completion, key.canonical), over=self._replaces)
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
