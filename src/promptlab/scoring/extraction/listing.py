"""Lists: a JSON array, numbered or bulleted lines, else items between commas."""

from __future__ import annotations

import json
import re

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.code import fenced_blocks
from promptlab.scoring.extraction.phrases import first_line, stated_tails
from promptlab.scoring.extraction.plain import bare
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import Found, Rule

_ITEM = re.compile(
    r"^[ \t]{0,8}(?:[-*+•‣·]|\(?[0-9]{1,4}[.):、]|[①-⑳])[ \t]{0,4}(?P<item>(?!\*)\S[^\n]*|\*\*[^\n]+)$",
    re.MULTILINE,
)
_BRACKET = re.compile(r"[\[\]]")
_WIDE_COMMA = re.compile(r"[，、;；]")
_AND = re.compile(r"\s+(?:and|or|&)\s+|\s*(?:以及|和|及|与)\s*")
_PLAIN_AND = re.compile(r"\s+and\s+")
_LEADING_AND = re.compile(r"(?:and|or)\s+|以及|和")


def read_list(text: str, form: AnswerForm) -> Found | None:
    for block in (text, *reversed(fenced_blocks(text))):
        items = _json_items(block.strip())
        if items is not None:
            return Found(items)
    for tail in stated_tails(text):
        if tail.kind in ("correction", "hashes"):
            continue
        found = _items_of(tail.text)
        if found:
            return Found(found)
    if is_refusal(text):
        return None
    found = _items_of(text)
    return Found(found, stated=False) if found else None


def _items_of(text: str) -> tuple[str, ...]:
    array = _last_array(text)
    if array is not None:
        return array
    lines = [match["item"] for match in _ITEM.finditer(text)]
    return _clean(lines) if lines else _split(bare(first_line(text)))


def _json_items(text: str) -> tuple[str, ...] | None:
    """The items of a JSON array that is the whole text."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tuple(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in items)


def _last_array(text: str) -> tuple[str, ...] | None:
    """The last bracketed list, as JSON or as plain items: ["a", "b"], [a, b]."""
    depth, end = 0, -1
    for bracket in reversed(list(_BRACKET.finditer(text))):
        if bracket.group() == "]":
            end = bracket.end() if depth == 0 else end
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                whole = text[bracket.start() : end]
                items = _json_items(whole)
                return items if items is not None else _split(whole[1:-1])
    return None


def _split(line: str) -> tuple[str, ...]:
    """Items between commas (also ，、;), the last two joined by "and" (和, 及) as well."""
    if _WIDE_COMMA.search(line):
        parts = re.split(r"[，、;；]|,\s", line)
        last = _AND.split(parts[-1], maxsplit=1)
    elif ", " in line:
        parts = line.split(", ")
        last = _PLAIN_AND.split(parts[-1], maxsplit=1)
    elif "," in line:
        parts = line.split(",")
        last = parts[-1:]
    else:
        parts = [line]
        last = _PLAIN_AND.split(line, maxsplit=1)
    return _clean([*parts[:-1], *last])


def _clean(items: list[str]) -> tuple[str, ...]:
    spelled = (
        bare(_LEADING_AND.sub("", item.strip(), count=1) if _LEADING_AND.match(item.strip()) else item)
        for item in items
    )
    return tuple(item for item in spelled if item)


def spell_list(text: str, form: AnswerForm) -> tuple[str, ...] | None:
    items = _json_items(text.strip())
    return items if items is not None else _split(bare(text))


_LIST = Rule("robust/list", 1, read_list, spell_list, types=frozenset({AnswerType.LIST}))
RULES = (("robust", _LIST), ("robust/list", _LIST))
