"""The one door to the models, as its users see it."""

from __future__ import annotations

from typing import Protocol

from promptlab.models.request import Completion, Request


class Door(Protocol):
    """`complete(request)`: the only way to a model, for techniques, judges and optimizers alike."""

    async def complete(self, request: Request) -> Completion:
        """The reply: from memory, the cache, another process, or the provider, in this order.

        Raises CallError (after its retries), BudgetReached, StorageError.
        """
        ...
