"""Paid replies on their way between caches: rows taken out as they lie, taken in once they are checked."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from promptlab.basics.errors import PromptlabError, StorageError
from promptlab.basics.hashing import canonical
from promptlab.basics.loop import submit
from promptlab.models.cache import BUSY_TIMEOUT_S, DATABASE, DiskCache
from promptlab.models.entry import unpack, unpack_request
from promptlab.models.lease import Row
from promptlab.models.request import Completion

_KEY = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows were new, and how many keys the cache had already: what is there wins."""

    added: int
    known: int


@contextlib.contextmanager
def stored_reply(folder: Path) -> Iterator[Callable[[str, str | None], bytes | None]]:
    """Looks rows up, read only: the sound entry of a key whose reply has that text, or None."""
    if not (folder / DATABASE).is_file():
        yield lambda key, reply: None
        return
    rows = sqlite3.connect(
        f"{(folder / DATABASE).absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S
    )

    def find(key: str, reply: str | None) -> bytes | None:
        found = rows.execute("SELECT value FROM Cache WHERE key = ? AND raw = 1", (key,)).fetchone()
        if found is None or type(found[0]) is not bytes:
            return None
        try:
            entry = Row.read(found[0]).entry
            return entry if entry is not None and check_entry(key, entry).text == reply else None
        except StorageError:
            return None  # `cache verify` names it

    try:
        yield find
    except sqlite3.Error as error:
        raise StorageError(
            f"the cache {folder} cannot be read: {error}.", remedy="Run `promptlab cache verify`."
        ) from error
    finally:
        rows.close()


def check_entry(key: str, row: bytes) -> Completion:
    """The reply in a row from elsewhere, if nothing is wrong with it.

    StorageError: its checksum, its form, or its key, which is computed anew from the request it answers.
    """
    if not _KEY.fullmatch(key):
        raise StorageError(f"{key[:80]!r} is no key of a cache entry.")
    try:
        reply = unpack(row, key)
        request = canonical(unpack_request(row, key))
    except PromptlabError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            f"the cache entry {key} is no reply with its request ({type(error).__name__}: {error})."
        ) from error
    if hashlib.sha256(request).hexdigest() != key:
        raise StorageError(f"the cache entry {key} answers another request than its key says.")
    if not _is_sane(reply):
        raise StorageError(f"the cache entry {key} has fields of the wrong kind.")
    return reply


def import_entries(folder: Path, entries: Callable[[], Iterable[tuple[str, bytes]]]) -> Imported:
    """Adds the rows that `entries()` gives to the cache in `folder`; it is called twice.

    StorageError, and nothing is added, where one of them is not sound.
    """
    for key, row in entries():
        check_entry(key, row)

    async def work() -> Imported:
        cache = DiskCache(folder)
        added = total = 0
        try:
            waiting = iter(entries())
            while batch := list(islice(waiting, _AT_ONCE)):
                there = await asyncio.gather(*(cache.add(key, row) for key, row in batch))
                added += sum(each is None for each in there)
                total += len(batch)
        finally:
            await cache.close()
        return Imported(added, total - added)

    return submit(work()).result()


def _is_sane(reply: Completion) -> bool:
    """A hit is used without a second look: its fields must be what the client would have stored."""
    usage = reply.usage
    counts = (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens)
    amounts = (reply.latency_s, reply.created, 0.0 if reply.cost is None else reply.cost)
    texts = (reply.text, reply.finish_reason, reply.model, reply.reasoning, reply.fingerprint, reply.currency)
    return (
        all(isinstance(each, str) for each in (*texts, *reply.left_out))
        and all(each is None or (type(each) is int and each >= 0) for each in counts)
        and all(type(each) in (int, float) and math.isfinite(each) and each >= 0 for each in amounts)
    )
