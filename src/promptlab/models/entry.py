"""One row of the cache: a completed reply with the request it answers, as checked JSON bytes.

    {"crc":"1c291ca3","entry":{"v":1,"request":{...},"completion":{...}}}

The checksum is of the bytes of the entry, so that a damaged row is refused and never served.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import orjson

from promptlab.basics.errors import StorageError
from promptlab.basics.hashing import canonical
from promptlab.models.request import Completion, ToolCall, Usage

ENTRY_VERSION = 1
_HEAD = b'{"crc":"%08x","entry":'
_HEAD_BYTES = len(_HEAD % 0)
_DAMAGED_REMEDY = (
    "Run `promptlab cache verify` to find damaged entries, or go around the cache with --no-cache."
)


def pack(completion: Completion, request: bytes) -> bytes:
    """The row for a reply; `request` is its canonical JSON."""
    reply = {
        "text": completion.text,
        "finish_reason": completion.finish_reason,
        "usage": completion.usage,
        "model": completion.model,
        "reasoning": completion.reasoning,
        "tool_calls": completion.tool_calls,
        "logprobs": completion.logprobs,
        "fingerprint": completion.fingerprint,
        "latency_s": completion.latency_s,
        "created": completion.created,
        "cost": completion.cost,
        "currency": completion.currency,
        "left_out": completion.left_out,
    }
    body = b'{"v":%d,"request":%b,"completion":%b}' % (ENTRY_VERSION, request, canonical(reply))
    return b"%b%b}" % (_HEAD % zlib.crc32(body), body)


def unpack(row: bytes, key: str) -> Completion:
    """The reply in a row, marked as a hit. StorageError: damaged, or written by a newer version."""
    reply = _entry(row, key)["completion"]
    return Completion(
        text=reply["text"],
        finish_reason=reply["finish_reason"],
        usage=Usage(**reply["usage"]),
        model=reply["model"],
        reasoning=reply["reasoning"],
        tool_calls=tuple(ToolCall(**each) for each in reply["tool_calls"]),
        logprobs=reply["logprobs"],
        fingerprint=reply["fingerprint"],
        latency_s=reply["latency_s"],
        created=reply["created"],
        cost=reply["cost"],
        currency=reply["currency"],
        left_out=tuple(reply["left_out"]),
        key=key,
        cached=True,
        attempts=0,
    )


def unpack_request(row: bytes, key: str) -> dict[str, Any]:
    """The canonical request a row answers. StorageError as for `unpack`."""
    request: dict[str, Any] = _entry(row, key)["request"]
    return request


def _entry(row: bytes, key: str) -> dict[str, Any]:
    body = row[_HEAD_BYTES:-1]
    if row[:_HEAD_BYTES] != _HEAD % zlib.crc32(body) or row[-1:] != b"}":
        raise StorageError(f"the cache entry {key} is damaged.", remedy=_DAMAGED_REMEDY)
    try:
        entry: dict[str, Any] = orjson.loads(body)
    except orjson.JSONDecodeError:
        entry = json.loads(body)  # lone surrogates are legal in replies but not in orjson
    if entry["v"] != ENTRY_VERSION:
        raise StorageError(
            f"the cache entry {key} has version {entry['v']}, this promptlab reads {ENTRY_VERSION}.",
            remedy="Upgrade promptlab, or go around the cache with --no-cache.",
        )
    return entry
