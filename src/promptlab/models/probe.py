"""One tiny request to each of some models: does it answer, how fast, and if not, why."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptlab.basics.errors import PromptlabError
from promptlab.models.client import CacheMode, Client
from promptlab.models.limits import Limits
from promptlab.models.request import Message, Model, Request
from promptlab.models.transports import make_transport
from promptlab.models.transports.base import Progress

PROMPT = "Say hello."
REPLY_TOKENS = 16
_LIMIT_NAMES = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Probe:
    """What one model answered. `error` is one line, "" where it answered."""

    model: str
    endpoint: str
    ok: bool
    error: str = ""
    reply: str = ""
    latency_s: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    answered_by: str = ""


async def probe(models: Sequence[Model], timeout_s: float, progress: Progress) -> list[Probe]:
    """Asks all at once, each once (no retry), through a client whose cache is thrown away."""
    with tempfile.TemporaryDirectory(prefix="promptlab-") as folder:
        client = Client.open(
            Path(folder),
            experiment="models test",
            transports=lambda name: make_transport(name, progress=progress),
            limits=Limits(timeout_s=timeout_s, retry_429_s=0.0, attempts=1),
            mode=CacheMode(read=False),
        )
        try:
            return await asyncio.gather(*(_ask(client, each, timeout_s) for each in models))
        finally:
            await client.close()


async def _ask(client: Client, model: Model, timeout_s: float) -> Probe:
    sampling = dict(model.sampling)
    limit = next((name for name in _LIMIT_NAMES if name in sampling), "max_tokens")
    defaults = frozenset() if limit in sampling else frozenset({limit})
    sampling[limit] = REPLY_TOKENS
    asked = Request(model, (Message("user", PROMPT),), sampling, defaults=defaults, timeout_s=timeout_s)
    try:
        completion = await client.complete(asked)
    except PromptlabError as error:
        return Probe(model.name, model.endpoint, ok=False, error=str(error))
    return Probe(
        model.name,
        model.endpoint,
        ok=True,
        reply=completion.text,
        latency_s=completion.latency_s,
        prompt_tokens=completion.usage.prompt_tokens,
        completion_tokens=completion.usage.completion_tokens,
        answered_by=completion.model,
    )
