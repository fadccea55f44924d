"""The budget: every attempt asks here before it may reach a transport, and says afterwards what it used."""

from __future__ import annotations

import asyncio
import bisect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from promptlab.basics.errors import BudgetReached, StorageError, UsageError
from promptlab.models.ledger import Ledger, Spending, Totals, Verdict
from promptlab.models.limits import Limits
from promptlab.models.pricing import in_usd
from promptlab.models.request import Completion, Model, Price, Request

# Until a cell has answered, without max_tokens.
DEFAULT_REPLY_TOKENS = 512
# English has about 4 bytes to a token, Chinese 3 bytes to a character of about one token.
BYTES_PER_TOKEN = 4
# What chat formats add to each message.
MESSAGE_TOKENS = 4
# A picture's tokens: what providers count for one of medium size.
IMAGE_TOKENS = 800
PERCENTILE = 0.95
_RECENT = 200
# How often to ask again while other processes' calls in flight are in the way.
ASK_AGAIN_S = 0.25
# Without a budget the ledger is still kept, in batches.
FLUSH_S = 0.05


class RunningPercentile:
    """The 95th percentile of the last 200 values."""

    def __init__(self) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def add(self, value: float) -> None:
        if len(self._order) == _RECENT:
            del self._sorted[bisect.bisect_left(self._sorted, self._order.popleft())]
        self._order.append(value)
        bisect.insort(self._sorted, value)

    def value(self) -> float | None:
        return self._sorted[int(PERCENTILE * (len(self._sorted) - 1) + 0.5)] if self._sorted else None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside for one attempt. `tokens` also feeds the tokens-per-minute limit."""

    tokens: int
    usd: float


@dataclass(slots=True)
class _Usual:
    """What the calls of one cell use, as the provider counted."""

    prompt: RunningPercentile = field(default_factory=RunningPercentile)
    reply: RunningPercentile = field(default_factory=RunningPercentile)


_NOTHING = Reservation(0, 0.0)


class Budget:
    """The limits of one experiment over its ledger."""

    def __init__(self, ledger: Ledger, limits: Limits, price_of: Callable[[Model], Price | None]) -> None:
        self._ledger = ledger
        self._limits = limits
        self._price_of = price_of
        self._usual: dict[str, _Usual] = {}
        self._returned = asyncio.Event()
        self._unwritten = Spending()
        self._flush_task: asyncio.Task[None] | None = None

    async def reserve(self, request: Request) -> Reservation:
        """Sets one call aside. BudgetReached names limit and figure. UsageError: budget_usd without price."""
        if not self._limits.has_budget:
            self._note(Spending(calls=1))
            return _NOTHING if self._limits.tpm is None else self._estimate(request)
        wanted = self._estimate(request)
        spending = Spending(calls=1, tokens=wanted.tokens, usd=wanted.usd)
        while True:
            self._returned.clear()
            reserving = asyncio.ensure_future(self._ledger.reserve(spending, self._limits))
            try:
                answer = await asyncio.shield(reserving)
            except asyncio.CancelledError:
                answer = await reserving  # it is being written: give it back
                if answer.verdict is Verdict.GRANTED:
                    await self.give_back(wanted)
                raise
            if answer.verdict is Verdict.GRANTED:
                return wanted
            if answer.verdict is Verdict.REACHED:
                raise _reached(self._limits, answer.totals)
            try:
                async with asyncio.timeout(ASK_AGAIN_S):
                    await self._returned.wait()
            except TimeoutError:
                continue

    async def settle(self, request: Request, held: Reservation, completion: Completion | None) -> None:
        """The attempt is over: what it used replaces what was set aside. A failed one used no tokens.

        Where the provider did not count, what was set aside counts as used.
        """
        spent = Spending()
        if completion is not None:
            usage = completion.usage
            tokens, usd = held.tokens, held.usd
            if usage.prompt_tokens is None or usage.completion_tokens is None:
                if held is _NOTHING:
                    tokens = self._estimate(request).tokens
            else:
                tokens = usage.prompt_tokens + usage.completion_tokens
                if held is not _NOTHING:
                    usual = self._usual.setdefault(request.cell, _Usual())
                    usual.prompt.add(usage.prompt_tokens)
                    usual.reply.add(usage.completion_tokens)
            cost = in_usd(completion.cost, completion.currency, self._limits.rates)
            spent = Spending(tokens=tokens, usd=usd if cost is None else cost)
        await self._write(held, spent)

    async def give_back(self, held: Reservation) -> None:
        """The attempt never reached a transport."""
        await self._write(held, Spending(calls=-1))

    async def totals(self) -> Totals:
        """What the experiment has spent so far, in all its processes."""
        await self._flush()
        return await self._ledger.totals()

    async def close(self) -> None:
        await self._flush()
        await self._ledger.close()

    async def _write(self, held: Reservation, spent: Spending) -> None:
        if self._limits.has_budget:
            await self._ledger.settle(Spending(tokens=held.tokens, usd=held.usd), spent)
            self._returned.set()
        else:
            self._note(spent)

    def _note(self, spent: Spending) -> None:
        """Adds to what the next flush writes. A ledger that could not be written is said at the next call."""
        self._unwritten = self._unwritten.plus(spent)
        task = self._flush_task
        if task is None or task.done():
            self._flush_task = asyncio.create_task(self._flush_soon())
            if task is not None:
                task.result()

    async def _flush_soon(self) -> None:
        while self._unwritten != Spending():
            await asyncio.sleep(FLUSH_S)
            await self._write_unwritten()

    async def _flush(self) -> None:
        task, self._flush_task = self._flush_task, None
        if task is not None:
            await asyncio.wait([task])
            task.exception()  # what it could not write is tried once more
        await self._write_unwritten()

    async def _write_unwritten(self) -> None:
        spent, self._unwritten = self._unwritten, Spending()
        if spent != Spending():
            try:
                await self._ledger.settle(Spending(), spent)
            except StorageError:
                self._unwritten = self._unwritten.plus(spent)
                raise

    def _estimate(self, request: Request) -> Reservation:
        """The cell's running 95th percentiles, or `max_tokens` if lower; at first by the prompt's size."""
        usual = self._usual.get(request.cell)
        usual_prompt = usual.prompt.value() if usual is not None else None
        usual_reply = usual.reply.value() if usual is not None else None
        prompt = _prompt_tokens(request) if usual_prompt is None else int(usual_prompt)
        allowed = request.sampling.get("max_completion_tokens", request.sampling.get("max_tokens"))
        known = [int(each) for each in (usual_reply, allowed) if isinstance(each, (int, float))]
        reply = min(known, default=DEFAULT_REPLY_TOKENS)
        if self._limits.budget_usd is None:
            return Reservation(prompt + reply, 0.0)
        price = self._price_of(request.model)
        if price is None or price.input is None or price.output is None:
            raise UsageError(
                f"budget_usd is set, but the price of model {request.model.name!r} is unknown.",
                remedy="Give the model a `price: {input: …, output: …, currency: USD, per: 1000000}`.",
            )
        usd = in_usd(
            prompt * price.input + reply * price.output + price.request, price.currency, self._limits.rates
        )
        if usd is None:
            raise UsageError(
                f"budget_usd is set, but the price of model {request.model.name!r} is in {price.currency}.",
                remedy=f"Give `limits.rates: {{{price.currency}: {{usd: …, date: …, source: …}}}}`.",
            )
        return Reservation(prompt + reply, usd)


def _prompt_tokens(request: Request) -> int:
    size, images = 0, 0
    for message in request.messages:
        for part in (message.content,) if isinstance(message.content, str) else message.content:
            if isinstance(part, str):
                size += len(part) if part.isascii() else len(part.encode("utf-8", "replace"))
            else:
                images += 1
    return len(request.messages) * MESSAGE_TOKENS + size // BYTES_PER_TOKEN + images * IMAGE_TOKENS


def _reached(limits: Limits, totals: Totals) -> BudgetReached:
    spent = totals.spent
    for name, limit, figure in (
        ("budget_calls", limits.budget_calls, f"{spent.calls} calls"),
        ("budget_tokens", limits.budget_tokens, f"{spent.tokens} tokens"),
        ("budget_usd", limits.budget_usd, f"{spent.usd:.4f} USD"),
    ):
        amount = {"budget_calls": spent.calls, "budget_tokens": spent.tokens, "budget_usd": spent.usd}[name]
        if limit is not None and amount >= limit:
            return BudgetReached(
                f"{name} {limit} is reached: {figure} spent.",
                remedy=f"Raise limits.{name} and run again to go on.",
            )
    raise AssertionError("no limit is reached")
