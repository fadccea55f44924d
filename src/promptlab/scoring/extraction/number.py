"""Numbers: the final stated answer, else the last number of the reply."""

from __future__ import annotations

import re
from functools import partial

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.numerals import (
    Number,
    decimal_points,
    last_number,
    numbers,
    same_number,
    spell,
)
from promptlab.scoring.extraction.phrases import Tail, first_line, stated_tails
from promptlab.scoring.extraction.plain import plain
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import REACH_CHARS, Found, Rule
from promptlab.scoring.extraction.words import english_number

_SHORT_CHARS = 80
_EDGE = "` \t\r\n"
_SENTENCE_END = re.compile(r"[。！？\n]|[.!?](?=\s|$)")
_NOT = re.compile(r"\W{0,3}(?:not\b|n['’]t\b|不是|并非)", re.IGNORECASE)
_BUT = re.compile(r"\bbut\b|\brather\b|而是|应该是", re.IGNORECASE)
_LEAD = re.compile(
    r"[\s:=(\[{\"'“`*$€£¥￥~≈_-]*"
    r"(?:(?:that|about|approximately|approx\.?|around|roughly|exactly|equal to|simply|just|only|therefore|"
    r"thus|indeed|definitely|still|now|actually|clearly|a total of|rs\.?|usd|rmb|"
    r"约为?|大约|共计?|一共|总共|等于|是|为)[\s,:]*)*"
    r"[\s(\[{\"'“`*$€£¥￥~≈_-]*(?:minus |negative |负|百分之)?[$€£¥￥-]*",
    re.IGNORECASE,
)
_OPERATOR = re.compile(
    r"\s*(?:[-+*/×x÷=≈^]|plus\b|minus\b|times\b|divided\b)\s*[($€£¥￥]*[0-9]", re.IGNORECASE
)
_OR = re.compile(r"[^0-9\n]{0,20}?(?:\bor\b|或者?|还是)[^0-9\n.。,，]{0,12}$", re.IGNORECASE)
_LONE = re.compile(
    r"[^\w]{0,8}(?:[a-z]\s?=\s?|(?:usd|eur|gbp|cny|rmb|rs)\b\.?\s?)?[^\w\s]{0,3}"
    r"(?:(?:negative |minus |负|百分之)[^\w\s]{0,2})?",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[^\w\n]{0,3}(?:[^\W\d_]{1,14}(?:[ /][^\W\d_]{1,14}){0,2}[²³]?)?[^\w\n]{0,5}")


def read_number(text: str, form: AnswerForm, *, comma: bool = False) -> Found | None:
    """`comma`: the decimal comma of German and its kin, with dots between thousands."""
    clean = _spelled(text, comma)
    short = len(text) <= _SHORT_CHARS
    if short:
        clean = clean.strip(_EDGE)
        found = list(numbers(clean))
        lone = _lone(clean, found)
        if lone is not None:
            return Found(lone)
    for tail in stated_tails(text):
        if tail.kind == "hashes":
            line = _spelled(tail.text, comma).strip(_EDGE)
            value = _lone(line, list(numbers(line)))
        else:
            value = _stated(_spelled(tail.text, comma), tail)
        if value == _AMBIGUOUS:
            return None
        if value is not None:
            return Found(value)
    number = last_number(clean) if not short else found[-1] if found else None
    if number is None or (not clean[number.start : number.end].isascii() and is_refusal(text)):
        return None  # 作为一个… says "as a", not one
    return Found(number.value, stated=False)


_AMBIGUOUS = ""
# 1 000 000, and 10 000: a number of its own does not begin with 0. "3 100 ml bottles" are not 3100.
_SPACED = re.compile(
    r"(?<![0-9.,/:] )(?<![0-9.,/:])[1-9][0-9]{0,2}(?:(?: [0-9]{3}){2,}|(?: 0[0-9]{2})+)(?![0-9])"
)


def _spelled(text: str, comma: bool) -> str:
    text = _SPACED.sub(lambda match: match.group().replace(" ", ""), plain(text))
    return decimal_points(text) if comma else text


def _lone(text: str, found: list[Number]) -> str | None:
    """The value of a text that is a number with at most a unit: "18", "$18.", "x = 5 kg"."""
    if not found:
        return english_number(text)
    number = found[0]
    lead = _LONE.match(text) if len(found) == 1 else None
    if lead is None or lead.end() < number.start or _UNIT.fullmatch(text, number.end) is None:
        return None
    return number.value


def _stated(text: str, tail: Tail) -> str | None:
    """The number that a tail states; none, or _AMBIGUOUS where it names two ("5 or 6")."""
    denied = _NOT.match(text)
    if denied is not None:
        amended = _BUT.search(text, denied.end())
        if amended is None:
            return None
        text = text[amended.end() :]
    text = text.lstrip()
    line = first_line(text)
    if line.endswith((":", "：")) and not any(char.isdigit() for char in line):
        text = text[len(line) :].lstrip()
        line = first_line(text)
    if tail.kind == "box":
        line = text
    found = list(numbers(line))
    if not found:
        return english_number(line) if tail.kind != "correction" else None
    lead = _LEAD.match(line)
    immediate = lead is not None and lead.end() >= found[0].start
    if tail.kind == "correction" and not immediate:
        return None
    return _of_sentence(line, found, immediate)


def _of_sentence(line: str, found: list[Number], immediate: bool) -> str:
    end = next((m.start() for m in _SENTENCE_END.finditer(line) if m.start() >= found[0].end), len(line))
    found = [number for number in found if number.start < end]
    if immediate and _OPERATOR.match(line, found[0].end) is None:
        if len(found) > 1 and _OR.fullmatch(line, found[0].end, found[1].start) is not None:
            return found[0].value if same_number(found[0].value, found[1].value) else _AMBIGUOUS
        return found[0].value
    equals = max(line.rfind(sign, 0, end) for sign in "=≈")
    if equals >= 0:
        after = [number for number in found if number.start > equals]
        if after:
            return after[0].value
    return found[-1].value


def spell_target(text: str, form: AnswerForm, *, comma: bool = False) -> str | None:
    if text.isascii() and text.isdigit():
        return spell(text)
    text = _spelled(text, comma)
    number = last_number(text)
    return english_number(text) if number is None else number.value


_TYPES = frozenset({AnswerType.NUMBER})
_POINT = Rule("robust/number", 2, read_number, spell_target, same_number, _TYPES, REACH_CHARS)
_COMMA = Rule(
    "robust/decimal_comma",
    2,
    partial(read_number, comma=True),
    partial(spell_target, comma=True),
    same_number,
    _TYPES,
    REACH_CHARS,
)
RULES = (("robust", _POINT), ("robust/number", _POINT), ("robust/decimal_comma", _COMMA))
