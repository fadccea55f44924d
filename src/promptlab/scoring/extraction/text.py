"""Text: what follows the last answer phrase, else the one answer in quotes, else the first line."""

from __future__ import annotations

import re

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.phrases import first_line, last_line, stated_tails
from promptlab.scoring.extraction.plain import bare
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import Found, Rule

_FENCE = re.compile(r"\s*(?:```|~~~)[^\n]*(?:\n|$)")
# `The plural of "fox" is "foxes".`: the question said again, and the answer in quotation marks. Bounded
# repeats keep it linear.
_RESTATED = re.compile(
    r"\b(?:is|are|was|were)\s{0,3}:?\s{0,3}(?:\*\*|[\"“`*])([^\"“”`*\n]{1,200})(?:\*\*|[\"”`*])",
    re.IGNORECASE,
)
_RESTATING = re.compile(r"(?:the|its|your|this|that)\b", re.IGNORECASE)
_DENIED = re.compile(r"\s*(?:not\b|unknown\s*to\b)", re.IGNORECASE)


def read_text(text: str, form: AnswerForm) -> Found | None:
    for tail in stated_tails(text):
        if tail.kind == "correction" or _DENIED.match(tail.text):
            continue
        line = tail.text if tail.kind == "box" else first_line(tail.text)
        if tail.kind == "hashes" and line != last_line(text).lstrip("# \t"):
            continue  # a heading
        value = bare(line.lstrip(":："))
        if value:
            return Found(value)
    if is_refusal(text):
        return None
    begin = 0
    while (fence := _FENCE.match(text, begin)) is not None and fence.end() > begin:
        begin = fence.end()
    line = first_line(text[begin:])
    if _RESTATING.match(line):
        quoted = _RESTATED.findall(line)
        if len(quoted) == 1 and bare(quoted[0]):
            return Found(bare(quoted[0]))
    value = bare(line)
    return Found(value, stated=False) if value else None


def spell_text(text: str, form: AnswerForm) -> str | None:
    return bare(text)


_TEXT = Rule("robust/text", 1, read_text, spell_text, types=frozenset({AnswerType.TEXT}))
RULES = (("robust", _TEXT), ("robust/text", _TEXT))
