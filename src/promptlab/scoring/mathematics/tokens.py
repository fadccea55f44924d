"""A mathematical answer cut into numbers, letters, commands and signs."""

from __future__ import annotations

import re

from promptlab.scoring.mathematics.tree import NotMathematics

MAX_TOKENS = 200
MAX_DIGITS = 100

_TOKEN = re.compile(
    r"\s*(?:\\(?P<matrix>begin|end)\s?\{[a-zA-Z]{0,8}matrix\}|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(?P<command>\\[a-zA-Z]+|\\[{}\\])|(?P<word>[a-zA-Z]+)"
    r"|(?P<sign><=|>=|!=|\*\*|[-+*/^!|()\[\]{},;<>=%&_:]))"
)
FUNCTIONS = frozenset(
    (
        "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "asin", "acos", "atan",
        "sinh", "cosh", "tanh", "log", "ln", "lg", "exp", "sqrt", "abs",
    )
)  # fmt: skip
_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=",
    "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "lvert": "|", "rvert": "|",
    "mid": "|", "vert": "|", "{": "{s", "}": "}s", "lbrace": "{s", "rbrace": "}s", "\\": "row", "lparen": "(",
    "rparen": ")",
}  # fmt: skip


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each. NotMathematics: something else stands there, or too much."""
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or len(found) > MAX_TOKENS:
            raise NotMathematics(text)
        at = match.end()
        kind, value = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "number":
            if len(value) > MAX_DIGITS:
                raise NotMathematics(text)
            found.append(("number", value))
        elif kind == "word":
            found += _words(value)
        elif kind == "matrix":
            found.append((f"{value} matrix", value))
        elif kind == "command":
            name = value[1:]
            sign = _COMMANDS.get(name)
            found.append((sign, sign) if sign else ("command", name))
        else:
            sign = {"**": "^", "%": "percent", ":": ","}.get(value, value)
            found.append((sign, value))
    return found


def _words(word: str) -> list[tuple[str, str]]:
    lower = word.lower()
    if lower in FUNCTIONS:
        return [("command", lower)]
    if lower in ("pi", "infinity", "inf", "oo", "infty"):
        return [("command", "pi" if lower == "pi" else "infty")]
    if len(word) > 3:
        raise NotMathematics(word)  # prose
    return [("symbol", letter) for letter in word]
