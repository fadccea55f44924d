"""Two texts word by word, and where an answer stands in its reply."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Change = Literal["same", "gone", "new"]
MOST_WORDS = 3_000  # of each text; what comes after is left out, since the time grows with the square
MOST_CHARS = 60_000

# A word, a Chinese or Japanese character (no spaces stand between their words), or anything else by itself.
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|\s+|[^\w\s]"
)


def word_diff(before: str, after: str) -> list[tuple[Change, str]]:
    """What of `before` is gone and what is new in `after`, in order: `[("same", "a "), ("gone", "b")]`.

    Joined, what is not new gives the first 3,000 words of `before`, what is not gone those of `after`.
    """
    one, other = _words(before), _words(after)
    found: list[tuple[Change, str]] = []
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(one[i:j])))
            continue
        if j > i:
            found.append(("gone", "".join(one[i:j])))
        if m > k:
            found.append(("new", "".join(other[k:m])))
    return found


def answer_place(reply: str, answer: str) -> tuple[int, int] | None:
    """Where `answer` stands in `reply` last, as start and end; None where it is not there word for word.

    Case and white space do not count, nor separators within numbers: 1234 is found in "1,234".
    """
    parts = answer.split()
    if not parts:
        return None
    if re.fullmatch(r"-?\d+(\.\d+)?", answer):
        whole, _, fraction = answer.partition(".")
        pattern = r"[,\s]?".join(map(re.escape, whole)) + (rf"\.{fraction}0*" if fraction else r"(?:\.0+)?")
        pattern = rf"(?<![\d.]){pattern}(?![\d]|[.,]\d)"
    else:
        inside = r"\s+".join(map(re.escape, parts))
        pattern = rf"(?<!\w){inside}(?!\w)" if answer.isascii() else inside
    places = [each.span() for each in re.finditer(pattern, reply[-MOST_CHARS:], re.IGNORECASE)]
    if not places:
        return None
    start, end = places[-1]
    before = max(0, len(reply) - MOST_CHARS)
    return start + before, end + before


def _words(text: str) -> list[str]:
    return _WORDS.findall(text[:MOST_CHARS])[:MOST_WORDS]
