"""Python notation for long outputs (Zhou et al. 2022, arXiv 2205.10625): `"LOOK" * 2`, parsed, never run.

The paper lets a model write action sequences as sums and products of strings and expands them with a script.
Here the script is a parser of that notation and of nothing else.
"""

from __future__ import annotations

import re

MAX_WORDS = 10_000
_TOKEN = re.compile(r"""(?:"([^"\n]*)"|'([^'\n]*)'|(\d{1,4})|([()+*]))""")
_PHRASE = re.compile(r"\banswer is\b:?", re.IGNORECASE)
_STRAY_TOKENS = 3
_DEEPEST = 50

Token = tuple[str, str | int]


def expand(text: str) -> str | None:
    """The words that the last expression in `text` stands for, one space between; None where there is none.

    None also for more than MAX_WORDS words: nobody asked for those.
    """
    phrases = list(_PHRASE.finditer(text))
    tail = text[phrases[-1].end() :] if phrases else text
    for run in reversed(_runs(tail)):
        # A stray number or sign may stand before it: "1. \"LOOK\" * 2".
        for start in range(min(len(run), _STRAY_TOKENS + 1)):
            try:
                words = _Parser(run[start:]).whole()
            except _NoExpression:
                continue
            # A quotation alone in the midst of words is a mention, no answer.
            joined = any(value in ("+", "*") for _, value in run[start:])
            if joined or phrases or tail.strip(" \n.\"'") == " ".join(words):
                return " ".join(words)
    return None


def _runs(text: str) -> list[list[Token]]:
    """Stretches of tokens that stand next to each other."""
    runs: list[list[Token]] = []
    at, near = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            near = near and text[at].isspace()
            at += 1
            continue
        if not near:
            runs.append([])
        near = True
        double, single, number, sign = match.groups()
        if number is not None:
            runs[-1].append(("number", int(number)))
        elif sign is not None:
            runs[-1].append(("sign", sign))
        else:
            runs[-1].append(("words", double if double is not None else single))
        at = match.end()
    return runs


class _NoExpression(Exception):
    """These tokens are none."""


class _Parser:
    """sum = product {"+" product}; product = {number "*"} atom {"*" number}; atom = words | "(" sum ")"."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> list[str]:
        words = self._sum()
        if self._at != len(self._tokens):
            raise _NoExpression
        return words

    def _sum(self) -> list[str]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NoExpression
        words = self._product()
        while self._take("sign", "+"):
            words = self._bounded(words + self._product())
        self._depth -= 1
        return words

    def _product(self) -> list[str]:
        factor = 1
        while self._peek("number"):
            factor *= self._number()
            if not self._take("sign", "*"):
                raise _NoExpression
        words = self._times(self._atom(), factor)
        while self._take("sign", "*"):
            words = self._times(words, self._number())
        return words

    def _atom(self) -> list[str]:
        if self._take("sign", "("):
            words = self._sum()
            if not self._take("sign", ")"):
                raise _NoExpression
            return words
        if not self._peek("words"):
            raise _NoExpression
        self._at += 1
        return str(self._tokens[self._at - 1][1]).split()

    def _number(self) -> int:
        if not self._peek("number"):
            raise _NoExpression
        self._at += 1
        return int(self._tokens[self._at - 1][1])

    def _times(self, words: list[str], factor: int) -> list[str]:
        if len(words) * factor > MAX_WORDS:
            raise _NoExpression
        return words * factor

    def _bounded(self, words: list[str]) -> list[str]:
        return self._times(words, 1)

    def _peek(self, kind: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][0] == kind

    def _take(self, kind: str, value: str) -> bool:
        if self._peek(kind) and self._tokens[self._at][1] == value:
            self._at += 1
            return True
        return False
