"""The head of GGUF files: what a token of context takes, whatever the file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from promptlab.models.gguf import Shape, read_shape
from promptlab.models.memory import available_bytes

TEXT, ARRAY, U32 = 8, 9, 4
PLAIN: dict[str, Any] = {
    "general.architecture": "llama",
    "general.tags": ["a", "b"],
    "llama.block_count": 30,
    "llama.context_length": 8192,
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def typed(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", TEXT) + text(value)
    if isinstance(value, list):
        inner = typed(value[0])[:4]
        return (
            struct.pack("<I", ARRAY)
            + inner
            + struct.pack("<Q", len(value))
            + b"".join(typed(each)[4:] for each in value)
        )
    return struct.pack("<II", U32, value)


def gguf(folder: Path, **more: Any) -> Path:
    pairs = PLAIN | more
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs))
    path = folder / "m.gguf"
    path.write_bytes(head + b"".join(text(key) + typed(value) for key, value in pairs.items()))
    return path


@pytest.mark.parametrize(
    ("more", "token_bytes"),
    [
        ({}, 30 * 9 * (64 + 64) * 2),
        ({"llama.attention.head_count_kv": 3}, 30 * 3 * (64 + 64) * 2),
        ({"llama.attention.head_count_kv": [3, 9, 3]}, 30 * 9 * (64 + 64) * 2),
        ({"llama.attention.key_length": 128, "llama.attention.value_length": 32}, 30 * 9 * (128 + 32) * 2),
        ({"tokenizer.ggml.tokens": ["x"] * 10, "never.read": 1}, 30 * 9 * (64 + 64) * 2),
    ],
)
def test_the_context_of_a_token_follows_from_layers_heads_and_widths(
    tmp_path: Path, more: dict[str, Any], token_bytes: int
) -> None:
    assert read_shape(gguf(tmp_path, **more)) == Shape("llama", 8192, token_bytes)


def test_what_is_no_whole_gguf_has_no_shape(tmp_path: Path) -> None:
    whole = gguf(tmp_path).read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        assert read_shape(cut) is None
    cut.write_bytes(b"GGUF" + b"\xff" * 100)
    assert read_shape(cut) is None


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="needs /proc")
def test_available_memory_is_part_of_the_machines() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    available = available_bytes()
    assert available is not None
    assert 0 < available < total
