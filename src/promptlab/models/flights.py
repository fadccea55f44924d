"""Identical calls at the same time in this process are one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiting: list[asyncio.Future[T]] = field(default_factory=list)
    leaving: bool = False


class Flights(Generic[T]):
    """Calls on their way, by key. One is cancelled when the last who waits for it is."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    async def over(self, key: str) -> None:
        """Returns at once, unless a call of that key is being cancelled: it must have cleaned up first."""
        while (flight := self._flights.get(key)) is not None and flight.leaving:
            await asyncio.wait([flight.task])

    async def join(self, key: str) -> T:
        """The result of the call that is on its way."""
        return await self._wait_for(self._flights[key])

    async def start(self, key: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Starts the call; there must be none of that key on its way."""
        flight = self._flights[key] = _Flight(asyncio.create_task(work()))
        flight.task.add_done_callback(lambda _: self._landed(key, flight))
        return await self._wait_for(flight)

    async def close(self) -> None:
        """Cancels all and returns when they have cleaned up."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _landed(self, key: str, flight: _Flight[T]) -> None:
        """Tells all who wait what came of it."""
        del self._flights[key]
        cancelled = flight.task.cancelled()
        error = None if cancelled else flight.task.exception()
        for waiter in flight.waiting:
            if waiter.done():
                continue
            if cancelled:
                waiter.cancel()
            elif error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(flight.task.result())

    async def _wait_for(self, flight: _Flight[T]) -> T:
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        flight.waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            flight.waiting.remove(waiter)
            if not flight.waiting and not flight.task.done():
                flight.leaving = True
                flight.task.cancel()
                await asyncio.wait([flight.task])
                if not flight.task.cancelled():
                    flight.task.result()  # it failed while it cleaned up: that must be said
            raise
