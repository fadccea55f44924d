"""Text from outside made safe to show: what would steer the terminal or reorder a line is spelled out."""

from __future__ import annotations

import unicodedata

# Control, format (bidi overrides, zero width), surrogates, and the two separators that break lines.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    r"""`text` on one line, with every invisible or steering character as its escape (`\x1b`, `\u202e`)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _HIDDEN else char
        for char in text
    )
