"""What an optimization uses: an exact number of calls per model, each counted and written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from promptlab.basics.errors import CallError
from promptlab.models import Rate
from promptlab.models.door import Door
from promptlab.models.pricing import in_usd
from promptlab.models.request import Completion, Draw, Request


class CallsSpent(Exception):
    """An optimizer's `budget_calls` is used up: a normal end."""


class Stopped(Exception):
    """Somebody asked the run to end. What was paid is in the cache, and the next command goes on from it."""


@dataclass
class Spending:
    """Counts requests per model, those served by the cache included.

    A resumed optimization so takes the same way as one that was never stopped. `limit` is never exceeded.
    Attempts that the client repeats after a transient fault are one request.
    """

    limit: int
    rates: Mapping[str, Rate] = field(default_factory=dict)
    stopped: Callable[[], bool] = bool
    calls: Counter[str] = field(default_factory=Counter)
    cost_usd: float = 0.0
    unknown_costs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    counted: Callable[[], None] = lambda: None

    def room(self, calls: Mapping[str, int]) -> int:
        """How many times so many calls to each model are left."""
        return min((self.limit - self.calls[name]) // count for name, count in calls.items())

    def need(self, calls: Mapping[str, int], times: int = 1) -> None:
        """CallsSpent where so many calls to each model, so many times, are not left."""
        if self.stopped():
            raise Stopped
        for name, count in calls.items():
            if self.limit - self.calls[name] < count * times:
                raise CallsSpent(f"{self.calls[name]} of {self.limit} calls are used")

    def took(self, request: Request, completion: Completion) -> None:
        cost = in_usd(completion.cost, completion.currency, self.rates)
        self.cost_usd += cost or 0.0
        self.unknown_costs += cost is None
        self.prompt_tokens += completion.usage.prompt_tokens or 0
        self.completion_tokens += completion.usage.completion_tokens or 0
        self._note(
            request,
            reply=completion.text,
            key=completion.key,
            tokens=[completion.usage.prompt_tokens, completion.usage.completion_tokens],
            cost_usd=cost,
        )
        self.counted()

    def failed(self, request: Request, error: CallError) -> None:
        self._note(request, error=str(error))

    def _note(self, request: Request, **came: Any) -> None:
        self.log.append(
            {
                "name": request.name,
                "scope": request.draw.scope.partition("/")[2],
                "model": request.model.name,
                "messages": [{"role": each.role, "content": str(each.content)} for each in request.messages],
                "sampling": dict(request.sampling),
                **came,
            }
        )


@dataclass
class ScopedDoor:
    """Implements `Door` for one place of an optimization: counted, and with draws of its own."""

    door: Door
    spending: Spending
    scope: str

    async def complete(self, request: Request) -> Completion:
        self.spending.need({request.model.name: 1})
        self.spending.calls[request.model.name] += 1
        draw: Draw = replace(request.draw, scope=self.scope)
        sent = replace(request, draw=draw)
        try:
            completion = await self.door.complete(sent)
        except CallError as error:
            self.spending.failed(sent, error)
            raise
        self.spending.took(sent, completion)
        return completion
