"""Pieces of text to compare texts by. CJK is never split on white space: there is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

_CJK = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_STRETCH = re.compile(f"[{_CJK}]+|[^{_CJK}]+")
_WORD = re.compile(f"[{_CJK}]+|[^\\W{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")


def normalised(text: str) -> str:
    """Full-width forms, case and runs of white space made equal (NFKC, case folded)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def char_grams(text: str, size: int, cjk_size: int) -> Iterator[str]:
    """Overlapping pieces of `size` characters, of `cjk_size` where they are CJK; shorter stretches whole."""
    for stretch in _STRETCH.findall(normalised(text)):
        width = cjk_size if _IS_CJK.match(stretch) else size
        for start in range(max(1, len(stretch) - width + 1)):
            yield stretch[start : start + width]


def words(text: str) -> Iterator[str]:
    """Words of letters and digits; of a CJK stretch its characters and its pairs of characters."""
    for word in _WORD.findall(normalised(text)):
        if not _IS_CJK.match(word):
            yield word
            continue
        yield from word
        yield from (word[start : start + 2] for start in range(len(word) - 1))


def tokens(text: str) -> Iterator[str]:
    """Words of letters and digits; of a CJK stretch its characters."""
    for word in _WORD.findall(normalised(text)):
        yield from word if _IS_CJK.match(word) else (word,)


def text_of(inputs: Mapping[str, Any]) -> str:
    """A sample's inputs as one text, a line each, in the order of their names."""
    return "\n".join(str(inputs[name]) for name in sorted(inputs))
