"""The swap point for the outside world: how one request reaches one kind of provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.request import Completion, Embeddings, Model, Request
from promptlab.models.weights import Progress

__all__ = ["Progress", "Transport", "silent"]


def silent(message: str) -> None:
    """The progress callback of who does not want to hear."""


class Transport(ABC):
    """Sends one request, once. No retry, no cache, no limit, no price: those are the client's.

    `send` returns a Completion with text, finish_reason, usage, model, reasoning, tool_calls, logprobs,
    fingerprint and left_out filled from the reply; the client adds the rest. It raises CallError with the
    typed kind, HTTP status, the provider's code and Retry-After; whatever else goes wrong on the way
    becomes a CallError too. It must stop within `request.timeout_s` and be cancellable at any await.
    The key is read from the environment (`promptlab.models.keys`) at the time of sending and never
    stands in an error, a log or a repr. It is bound to one event loop and closed on it.
    `progress` is told in one line what takes long (fetching weights); it may be called from any thread.
    A transport is made with that keyword alone.
    """

    name: ClassVar[str]
    keeps_time: ClassVar[bool] = False  # true: it surely stops within `timeout_s`, and needs no second clock

    def __init__(self, *, progress: Progress = silent) -> None:
        self.progress = progress

    @abstractmethod
    async def send(self, request: Request) -> Completion: ...

    async def stream(self, request: Request, on_delta: Callable[[str], None]) -> Completion:
        """Like `send`, and tells `on_delta` each piece of the text as it comes.

        A stream that breaks is a CallError, whatever came before. Where a provider cannot stream, the text
        comes as one piece.
        """
        completion = await self.send(request)
        on_delta(completion.text)
        return completion

    async def embed(self, model: Model, texts: Sequence[str], timeout_s: float = 60.0) -> Embeddings:
        """One vector per text, in one request. Raises CallError like `send`."""
        raise CallError(CallErrorKind.BAD_REQUEST, f"{model.id}: transport {self.name!r} has no embeddings.")

    def slots(self, model: Model) -> int | None:
        """How many requests it works on at once: more would only wait, with the clock running. None: any."""
        return None

    async def open(self, model: Model) -> None:  # noqa: B027  optional
        """Optional: gets ready for this model before its first request (starts a local server)."""

    async def close(self) -> None:  # noqa: B027  optional
        """Releases connections and processes."""
