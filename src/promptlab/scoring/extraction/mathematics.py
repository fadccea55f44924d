r"""Mathematical answers: the last box, else what follows the last answer phrase, else the last formula."""

from __future__ import annotations

import re

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.phrases import first_line, last_line, stated_tails
from promptlab.scoring.extraction.plain import bare
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import REACH_CHARS, Found, Rule, Value
from promptlab.scoring.mathematics import boxed, equivalent, is_mathematics, tidied

_SHORT_CHARS = 80
_FORMULA = re.compile(
    r"\$\$(.{1,400}?)\$\$|(?<!\\)\$([^$\n]{1,400})(?<!\\)\$|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]",
    re.DOTALL,
)
_IS = re.compile(r"(?:\bis|\bare|[=：:]|[是为])\s*([^\s].{0,200})$")
_PROSE = re.compile(
    r"\b(?:so|we|get|thus|is|the|and|it|as|for|if|then|hence|of|to|by|at|on|or|an|our|are)\b", re.IGNORECASE
)
_DENIED = re.compile(r"\s*(?:not\b|unknown\b|不)", re.IGNORECASE)


def read_mathematics(text: str, form: AnswerForm) -> Found | None:
    inner = boxed(text)
    if inner is not None and inner.strip():
        return Found(tidied(inner))
    for tail in stated_tails(text):
        if tail.kind == "correction" or _DENIED.match(tail.text):
            continue
        found = _answer(tail.text if tail.kind == "box" else first_line(tail.text))
        if found:
            return Found(found)
    if is_refusal(text):
        return None
    whole = text.strip()
    line = whole if len(whole) <= _SHORT_CHARS else last_line(whole)
    found = _answer(line)
    if "\\boxed" in found:
        return None  # a box that the reply's end cuts off
    prose = _PROSE.search(found) is not None or not is_mathematics(found)
    said = _IS.search(line) if prose else None
    if said is not None and is_mathematics(said[1]):
        found = tidied(bare(said[1]))
    return Found(found, stated=False) if found else None


def _answer(line: str) -> str:
    """A line's last formula, else the line."""
    formulas = [next(part for part in match.groups() if part) for match in _FORMULA.finditer(line)]
    return tidied(formulas[-1] if formulas else bare(line.lstrip(":： ")))


def spell_mathematics(text: str, form: AnswerForm) -> str | None:
    return tidied(text) or None


def _same(left: Value, right: Value) -> bool:
    return isinstance(left, str) and isinstance(right, str) and equivalent(left, right)


_MATHEMATICS = Rule(
    "robust/math",
    1,
    read_mathematics,
    spell_mathematics,
    _same,
    frozenset({AnswerType.TEXT, AnswerType.NUMBER}),
    REACH_CHARS,
)
RULES = (("robust/math", _MATHEMATICS),)
