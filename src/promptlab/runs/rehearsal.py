"""A trial without a provider: its technique against a door that only looks up and writes down."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.experiment import Trial
from promptlab.models import Completion, Message, Model, Request
from promptlab.techniques import TrialContext

if TYPE_CHECKING:
    from promptlab.models.cache import Cache

# A technique that goes on until a reply pleases it would never end with placeholders.
MOST_CALLS = 64
_PLACEHOLDER = re.compile("reply[0-9a-f]{16}")


class CacheView:
    """What would come back without a call: the cache's answers, and those promised to earlier requests."""

    def __init__(self, cache: Cache | None, max_age_s: float | None) -> None:
        self._cache = cache
        self._max_age_s = max_age_s
        self._promised: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, home: Path | None, max_age_s: float | None) -> AsyncIterator[CacheView]:
        """Over the cache in `home`; None, or a home without one, holds nothing."""
        from promptlab.models.cache import DiskCache
        from promptlab.models.client import CACHE_FOLDER

        if home is None or not (home / CACHE_FOLDER / "cache.db").is_file():
            yield cls(None, max_age_s)
            return
        cache = DiskCache(home / CACHE_FOLDER)
        try:
            yield cls(cache, max_age_s)
        finally:
            await cache.close()

    async def get(self, key: str) -> Completion | None:
        """The answer to a request that would not be sent; None: it would be, once."""
        from promptlab.models.entry import unpack
        from promptlab.models.lease import Row

        row = None if self._cache is None else await self._cache.get(key)
        entry = None if row is None else Row.read(row).entry
        if entry is not None:
            found = unpack(entry, key)
            if self._max_age_s is None or time.time() - found.created <= self._max_age_s:
                return found
        if key in self._promised:
            return _placeholder(key)
        self._promised.add(key)
        return None


@dataclass(frozen=True, slots=True)
class SentCall:
    """A call that would be sent. `replies` counts the placeholders in `messages`, which are without them."""

    name: str
    model: Model
    messages: tuple[Message, ...]
    replies: int
    max_tokens: int | None


@dataclass(slots=True)
class Rehearsal:
    """One trial: `sent` is what would reach the provider, `hits` what would not.

    `whole`: the technique came to its end; else a placeholder was not what it could go on with.
    """

    sent: list[SentCall] = field(default_factory=list)
    hits: int = 0
    whole: bool = True


async def rehearse(trial: Trial, cache: CacheView) -> Rehearsal:
    """Runs the trial's technique as the engine does, but sends nothing."""
    found = Rehearsal()
    cell = trial.cell
    context = TrialContext.over(cell.context, _Door(found, cache), trial.sample, trial.repeat)
    try:
        await context.solve()
    except Exception:  # noqa: BLE001  a technique may be a user's own code, and meets placeholders here
        found.whole = False
    return found


class _Door:
    """Implements `Door`: answers from the cache, else writes the request down."""

    def __init__(self, found: Rehearsal, cache: CacheView) -> None:
        self._found = found
        self._cache = cache

    async def complete(self, request: Request) -> Completion:
        from promptlab.models.key import request_key

        if len(self._found.sent) + self._found.hits >= MOST_CALLS:
            raise RuntimeError(f"no end after {MOST_CALLS} calls")
        key = request_key(request).text
        hit = await self._cache.get(key)
        if hit is not None:
            self._found.hits += 1
            return hit
        messages, replies = _without_placeholders(request.messages)
        sampling = request.sampling
        allowed = sampling.get("max_completion_tokens", sampling.get("max_tokens"))
        self._found.sent.append(SentCall(request.name, request.model, messages, replies, allowed))
        return _placeholder(key)


def _placeholder(key: str) -> Completion:
    return Completion(text=f"reply{key[:16]}", key=key)


def _without_placeholders(messages: Sequence[Message]) -> tuple[tuple[Message, ...], int]:
    kept, count = [], 0
    for message in messages:
        if isinstance(message.content, str):
            text, found = _PLACEHOLDER.subn("", message.content)
            count += found
            message = Message(message.role, text)
        kept.append(message)
    return tuple(kept), count
