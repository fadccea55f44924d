"""The head of a GGUF file: what a model needs besides its weights.

Format: GGUF version 2 and 3 of the ggml project (magic, counts, then typed key-value pairs, little-endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_MAGIC = b"GGUF"
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_CACHE_BYTES = 2  # a 16-bit number for each element of keys and values
_MAX_TEXT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's measures. `cache_bytes` is what one token of context takes in memory."""

    architecture: str
    trained_context_tokens: int
    cache_bytes: int


def read_shape(path: Path) -> Shape | None:
    """The shape a GGUF file states; None where it states none (another kind of file, or a damaged one)."""
    try:
        with path.open("rb") as stream:
            pairs = _pairs(stream)
        kind = pairs["general.architecture"]
        layers = pairs[f"{kind}.block_count"]
        heads = _most(pairs[f"{kind}.attention.head_count"])
        kv_heads = _most(pairs.get(f"{kind}.attention.head_count_kv", heads))
        width = pairs[f"{kind}.embedding_length"] // heads
        keys = pairs.get(f"{kind}.attention.key_length", width)
        values = pairs.get(f"{kind}.attention.value_length", width)
        return Shape(
            kind, pairs[f"{kind}.context_length"], layers * kv_heads * (keys + values) * _CACHE_BYTES
        )
    except (struct.error, KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _pairs(stream: IO[bytes]) -> dict[str, Any]:
    """The pairs before the vocabulary, which comes last and is long."""
    if stream.read(4) != _MAGIC:
        raise ValueError("no GGUF file")
    _, _, count = struct.unpack("<IQQ", stream.read(20))
    pairs: dict[str, Any] = {}
    for _ in range(count):
        key = _text(stream)
        if key.startswith("tokenizer."):
            break
        pairs[key] = _value(stream, _number(stream, "I"))
    return pairs


def _value(stream: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        return _text(stream)
    if kind == _ARRAY:
        inner, length = _number(stream, "I"), _number(stream, "Q")
        return [_value(stream, inner) for _ in range(length)]
    return _number(stream, _SCALARS[kind])


def _text(stream: IO[bytes]) -> str:
    length = _number(stream, "Q")
    if length > _MAX_TEXT_BYTES:
        raise ValueError("a damaged GGUF file")
    return stream.read(length).decode(errors="replace")


def _number(stream: IO[bytes], code: str) -> Any:
    return struct.unpack(f"<{code}", stream.read(struct.calcsize(f"<{code}")))[0]


def _most(value: Any) -> int:
    """Some models state a number for each layer."""
    return int(max(value) if isinstance(value, list) else value)
