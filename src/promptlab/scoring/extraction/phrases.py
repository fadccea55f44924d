"""Where a reply states its answer: answer phrases, boxes, tags, `####`, corrections. The last one counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

TAIL_CAP_CHARS = 2000
_TRIED = 12  # stated places that are looked at, from the last one backwards

_VERB = r"(?:would |should |will |must |can )?(?:therefore |thus |then |simply )?(?:be|is|are|was|were)\b"
_ENGLISH = re.compile(
    r"answers?(?: (?:to|of|for) [^.:\n]{1,60}?)?[\"'”’*_`)\]]{0,4}[ \t]{0,4}"
    rf"(?:{_VERB}(?:[ \t]{{0,4}}[:：=])?|[:：=]|[*_ \t]{{0,6}}(?P<heading>\n))"
)
_CHINESE = re.compile(
    r"答案[^\n。，,:：是为為选選]{0,20}?(?:是|为為|为|為|等于|选|選|[:：=])(?:[*_ ]{0,4}[:：=])?"
    r"|(?<![解问問])答[*_ ]{0,4}[:：]|最[终終后後]结果(?:是|为|[:：])"
)
_SHORT = re.compile(r"(?<![a-z])ans(?:[.]?[ \t]{0,3}[:：=])")
_HASHES = re.compile(r"^[ \t]{0,3}####[ \t]{0,4}(?=\S)", re.MULTILINE)
_BOX = re.compile(r"\\(?:boxed|fbox)(?:\s{0,3}(?=\{)|\s{1,3}(?P<word>[^\s$\\{}]{1,40}))")
_TAG = re.compile(r"<(?:final[_ ]?)?answer>(?P<content>[^<]{0,2000})")
_BRACE = re.compile(r"[{}]")
_CORRECTION = re.compile(
    r"(?:\b(?:wait|actually|correction|sorry|oops|scratch that|hold on|hmm|i mean|"
    r"no(?=[,. ]{1,2}(?:it|that|wait|actually)\b))\b"
    r"[\s,.:;!…—–-]{0,6}(?:(?:no|actually|sorry|wait|i meant?|make that|rather)\b[\s,.:;!…—–-]{0,6}){0,3}"
    r"(?:(?:it|that|this|(?:the )?(?:correct |right |final |real |actual )?(?:answer|result|total))"
    r"(?:['’]s| (?:is|was|(?:should|must|would|will) be)) (?:actually |really )?)?"
    r"|(?:不对|等等|等一下|更正|纠正|搞错了|算错了|不，|不,)[，,。.:：！!\s]{0,3}(?:正确)?(?:答案)?(?:应该|应当|其实)?(?:是|为)?[:：]?)"
)
_CORRECTION_MARKS = (
    "wait", "actually", "correction", "sorry", "oops", "scratch", "hold on", "hmm", "i mean",
    "no,", "no.", "no ", "不对", "等等", "等一下", "更正", "纠正", "错了", "不，", "不,",
)  # fmt: skip
_HEADING_START = re.compile(r"[#*_>\s-]{0,12}(?:(?:the|my|final|correct|short)\s){0,3}[*_\s]{0,4}")

Kind = Literal["phrase", "box", "hashes", "correction"]


class Tail(NamedTuple):
    """What follows a place where an answer is stated, up to the next such place."""

    text: str
    kind: Kind


class _Place(NamedTuple):
    start: int
    end: int  # where the tail begins
    stop: int | None  # where it ends, if the place itself says so (a box)
    kind: Kind


def lowered(text: str) -> str:
    """`text` in lower case with every character at its place (İ alone would become two)."""
    return text.replace("İ", "I").lower()


def stated_tails(text: str, *more: re.Pattern[str], free_corrections: bool = False) -> Iterator[Tail]:
    """Tails from the last stated place to the first. `more` are further phrases, in lower case.

    Corrections ("wait, it is 7") count after a stated answer only, unless `free_corrections`: in the middle
    of a calculation they correct a step.
    """
    low = lowered(text)
    places = _phrases(low, more)
    if "\\boxed" in text or "\\fbox" in text:
        places += _boxes(text)
    if "answer>" in low:
        places += [_Place(m.start(), m.start("content"), m.end(), "box") for m in _TAG.finditer(low)]
    if "####" in text:
        places += [
            _Place(m.start(), m.end(), _line_end(text, m.end()), "hashes") for m in _HASHES.finditer(text)
        ]
    if places or free_corrections:
        after = 0 if free_corrections else min(place.end for place in places)
        if any(mark in low for mark in _CORRECTION_MARKS):
            found = _CORRECTION.finditer(low, after)
            places += [_Place(m.start(), m.end(), None, "correction") for m in found if m.end() < len(low)]
    places.sort()
    for index in range(len(places) - 1, max(len(places) - 1 - _TRIED, -1), -1):
        place = places[index]
        stop = place.stop
        if stop is None:
            stop = places[index + 1].start if index + 1 < len(places) else len(text)
        yield Tail(text[place.end : min(stop, place.end + TAIL_CAP_CHARS)], place.kind)


def _phrases(low: str, more: tuple[re.Pattern[str], ...]) -> list[_Place]:
    places: list[_Place] = []
    if "answer" in low:
        places += [
            _Place(m.start(), m.end(), None, "phrase")
            for m in _ENGLISH.finditer(low)
            if m["heading"] is None or _is_heading(low, m.start())
        ]
    if "ans" in low:
        places += [_Place(m.start(), m.end(), None, "phrase") for m in _SHORT.finditer(low)]
    if not low.isascii():
        places += [_Place(m.start(), m.end(), None, "phrase") for m in _CHINESE.finditer(low)]
    for pattern in more:
        places += [_Place(m.start(), m.end(), None, "phrase") for m in pattern.finditer(low)]
    return places


def _is_heading(low: str, position: int) -> bool:
    """Whether nothing but Markdown and "the final" stands before `position` in its line."""
    start = low.rfind("\n", 0, position) + 1
    return position - start <= 40 and _HEADING_START.fullmatch(low, start, position) is not None


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _boxes(text: str) -> list[_Place]:
    r"""The last boxes: ``\boxed{…}`` with nested braces, ``\boxed 5``; an unclosed one is no box."""
    places: list[_Place] = []
    for match in list(_BOX.finditer(text))[-_TRIED:]:
        if match["word"]:
            places.append(_Place(match.start(), match.start("word"), match.end(), "box"))
            continue
        depth = 0
        for brace in _BRACE.finditer(text, match.end(), match.end() + TAIL_CAP_CHARS):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                places.append(_Place(match.start(), match.end() + 1, brace.start(), "box"))
                break
    return places


def first_line(text: str) -> str:
    """The first non-empty line, trimmed; "" where there is none."""
    text = text.lstrip()
    return text[: _line_end(text, 0)].rstrip()


def last_line(text: str) -> str:
    """The last non-empty line, trimmed; "" where there is none."""
    text = text.rstrip()
    return text[text.rfind("\n") + 1 :].strip()
