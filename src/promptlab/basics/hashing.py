"""Canonical bytes and their hashes: the ground on which identities and cache keys stand."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON-like value: sorted keys, no spaces, UTF-8; dataclasses become objects.

    1 and 1.0 stay different, as do absent and null: the caller leaves out what was not given.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError:
        # Lone surrogates and integers beyond 64 bit are legal in data files but not in orjson.
        import json

        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain
        ).encode()


def _plain(value: Any) -> Any:
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def digest(value: Any) -> str:
    """SHA-256 of the canonical bytes, 64 hex characters."""
    return hashlib.sha256(canonical(value)).hexdigest()


def short_digest(value: Any) -> str:
    """The first 16 hex characters (64 bit) of `digest`: for names that people read."""
    return digest(value)[:16]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seeded(*parts: Any) -> random.Random:
    """A random generator that depends on `parts` only: same parts, same draws, on every platform."""
    return random.Random(int.from_bytes(hashlib.sha256(canonical(parts)).digest()[:8], "big"))
