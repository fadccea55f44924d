"""Embeddings through the same door: a batch of texts is one request, its vectors are the reply's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson

from promptlab.models.request import Completion, Embeddings, Message, Model, Request
from promptlab.models.transports.base import Transport

# Texts in one request: what the smaller providers take.
BATCH_TEXTS = 64

# Marks a request for vectors, also in its key.
_VECTORS: Mapping[str, Any] = MappingProxyType({"type": "embedding"})


def embedding_requests(model: Model, texts: Sequence[str], cell: str, timeout_s: float) -> list[Request]:
    """One request per batch. Vectors have no temperature: equal batches are one request."""
    return [
        Request(
            model=model,
            messages=tuple(Message("user", text) for text in texts[at : at + BATCH_TEXTS]),
            response_format=_VECTORS,
            name="embedding",
            cell=cell,
            timeout_s=timeout_s,
        )
        for at in range(0, len(texts), BATCH_TEXTS)
    ]


async def send(request: Request, transport: Transport) -> Completion:
    """One attempt, for a reply in words or in vectors."""
    if request.response_format is not _VECTORS:
        return await transport.send(request)
    texts = [message.content for message in request.messages if isinstance(message.content, str)]
    reply = await transport.embed(request.model, texts, request.timeout_s)
    return Completion(text=orjson.dumps(reply.vectors).decode(), usage=reply.usage, model=reply.model)


def vectors_of(replies: Sequence[Completion]) -> Embeddings:
    """The vectors of all batches, in order. The usage of each batch stays with its own reply."""
    vectors = tuple(tuple(vector) for reply in replies for vector in orjson.loads(reply.text))
    return Embeddings(vectors, model=replies[0].model if replies else "")
