"""Code: the last fenced block, else the whole reply."""

from __future__ import annotations

import re

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import Found, Rule

_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}|~{3,})(?P<language>[^\n`]*)$", re.MULTILINE)


def fenced_blocks(text: str) -> list[str]:
    """The contents of the fenced blocks in order; one that the reply's end cuts off counts as well."""
    return [content for _, content in named_blocks(text)]


def named_blocks(text: str) -> list[tuple[str, str]]:
    """The same, each with what stands behind its opening fence: the language, where one is named."""
    blocks: list[tuple[str, str]] = []
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif not fence["language"].strip() and fence["mark"].startswith(opening["mark"]):
            blocks.append((opening["language"].strip(), text[opening.end() + 1 : fence.start()]))
            opening = None
    if opening is not None:
        blocks.append((opening["language"].strip(), text[opening.end() + 1 :]))
    return blocks


def read_code(text: str, form: AnswerForm) -> Found | None:
    blocks = [block for block in fenced_blocks(text) if block.strip()]
    if blocks:
        return Found(blocks[-1].strip("\n"))
    whole = text.strip("\r\n")
    return Found(whole, stated=False) if whole.strip() and not is_refusal(text) else None


def spell_code(text: str, form: AnswerForm) -> str | None:
    blocks = fenced_blocks(text)
    return (blocks[-1] if blocks else text).strip("\r\n")


_CODE = Rule("robust/code", 1, read_code, spell_code, types=frozenset({AnswerType.CODE}))
RULES = (("robust", _CODE), ("robust/code", _CODE))
