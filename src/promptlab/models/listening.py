"""Who listens to a call: the reply's pieces as they come, and the whole where it came as one piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from promptlab.models.request import Completion, Embeddings, Model, Request
from promptlab.models.transports.base import Transport

# Gets each piece of the text; None: what came so far is void, the reply begins anew. It must not raise.
OnText = Callable[[str | None], None]


class Listener:
    """Tells `on_text` of one call, whatever becomes of its stream: what it was told adds up to the reply."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._told: list[str] = []

    def piece(self, text: str) -> None:
        self._told.append(text)
        self._on_text(text)

    def anew(self) -> None:
        """A stream broke, and the call is tried again."""
        if self._told:
            self._told.clear()
            self._on_text(None)

    def whole(self, text: str) -> None:
        """The reply, however it came: from the cache, joined to another call, or in the pieces told."""
        if "".join(self._told) != text:
            self.anew()
            self.piece(text)


class Listened(Transport):
    """A transport that streams each reply to a listener; all else is the transport's own."""

    def __init__(self, transport: Transport, listener: Listener) -> None:
        super().__init__(progress=transport.progress)
        self.keeps_time = transport.keeps_time  # type: ignore[misc]  # that of the one behind it
        self._transport = transport
        self._listener = listener

    async def send(self, request: Request) -> Completion:
        self._listener.anew()
        return await self._transport.stream(request, self._listener.piece)

    async def embed(self, model: Model, texts: Sequence[str], timeout_s: float = 60.0) -> Embeddings:
        return await self._transport.embed(model, texts, timeout_s)

    def slots(self, model: Model) -> int | None:
        return self._transport.slots(model)
