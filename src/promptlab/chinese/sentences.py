"""A text of the core in Chinese: taken apart into sentences, places and lists, each of which is looked up.

Where a text can be read in several ways, the one counts in which the most characters are known words: a field
then swallows no sentence that has a pattern of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from promptlab.chinese.patterns import FIELD, matching

LONGEST = 4_000
_MOST_ENDS = 12
_MOST_COLONS = 6
_ENDS = re.compile(r"(?<=[.?!…])\s+")
_GOT = re.compile(r"(?P<said>.+) \(got (?P<value>.+)\)", re.DOTALL)
_BETWEEN = re.compile(r"(?<=['\"])(, | or )(?=['\"])")
_MARKS = tuple("，。；：？！、（）")
_Said = tuple[int, str]  # how many characters were known, and the Chinese


def in_chinese(text: str) -> str:
    """`text` in Chinese, with its names and numbers as they are; what is not known stays as it is.

    Works line by line on what the core says and on what it has stored: `exp.yaml:3: task.answer: …`, several
    sentences, remedies, lists. A text of which nothing is known comes back unchanged.
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def is_known(text: str) -> bool:
    """Whether the whole of a line is known."""
    return _known(text) is not None


@lru_cache(maxsize=4096)
def _line(text: str) -> str:
    if len(text) > LONGEST or not re.search(r"[A-Za-z]{2}", text):
        return text
    whole = _known(text)
    return whole[1] if whole is not None else _in_part(text)


@lru_cache(maxsize=8192)
def _known(text: str) -> _Said | None:
    """The whole of it, read as one sentence or as several; None if that is not possible."""
    if not text or len(text) > LONGEST:
        return None
    return max(_readings(text), key=lambda said: said[0], default=None)


def _readings(text: str) -> Iterator[_Said]:
    for end in list(_ENDS.finditer(text))[:_MOST_ENDS]:
        first = _sentence(text[: end.start()])
        if first is not None and (rest := _known(text[end.end() :])) is not None:
            yield first[0] + rest[0], joined(first[1], rest[1])
    if (whole := _sentence(text)) is not None:
        yield whole


@lru_cache(maxsize=8192)
def _sentence(text: str) -> _Said | None:
    """One sentence: without its full stop, with a value that was given, after a place."""
    body, stop = (text[:-1], "。") if text.endswith(".") else (text, "")
    found = [*_looked_up(body), *(_looked_up(text) if stop else ())]
    if (got := _GOT.fullmatch(body)) and (said := _known(got["said"])) is not None:
        found.append((said[0] + len(" (got )"), f"{said[1]}（实际为 {got['value']}）"))
    # `exp.yaml:3: `, `task.answer: `, `promptlab: `, a data set's name
    for colon in list(re.finditer(": ", body))[:_MOST_COLONS]:
        if (said := _known(body[colon.end() :])) is not None:
            place = text[: colon.start()]
            known, told = _known(place) or (0, place.replace(": ", "："))
            colon_apart = (
                " ：" if "://" in told.rpartition(" ")[2] else "："
            )  # no page takes it for the address
            found.append((known + said[0], f"{told}{colon_apart}{said[1]}"))
    if not found:
        return None
    known, told = max(found, key=lambda said: said[0])
    return known, told if told.endswith(("。", "？", "…", "：")) else told + stop


def _looked_up(sentence: str) -> Iterator[_Said]:
    for pattern, values in matching(sentence):
        told = {
            name: (0, _listed(values[name])) if asked == "+" else _value(values[name])
            for name, asked in FIELD.findall(pattern.chinese)
            if asked
        }
        parts = FIELD.split(pattern.chinese)
        for place in range(1, len(parts), 3):
            name, asked = parts[place], parts[place + 1]
            said = told[name][1] if asked else values[name]
            parts[place], parts[place + 1] = "", _apart(parts[place - 1], said) + said
        yield pattern.weight + sum(known for known, _ in told.values()), "".join(parts)


def _listed(names: str) -> str:
    """`'a', 'b' or 'c'`."""
    return _BETWEEN.sub(lambda mark: "、" if mark[0] == ", " else " 或 ", names)


def _apart(before: str, said: str) -> str:
    """A space between a Chinese and a Latin letter."""
    return " " if before[-1:] >= "\u4e00" and before[-1:] not in _MARKS and said[:1].isascii() else ""


@lru_cache(maxsize=8192)
def _value(text: str) -> _Said:
    """A field's own value: a sentence, or a list of such, of which some may be names."""
    found = [(0, text)]
    if (whole := _known(text)) is not None:
        found.append(whole)
    for mark, chinese, most in (("; ", "；", -1), (", ", "，", -1), (" and ", "和", -1), (": ", "：", 1)):
        parts = text.split(mark, most)
        told = [_known(part) for part in parts] if len(parts) > 1 else []
        if any(told):
            both = [(0, part) if said is None else said for said, part in zip(told, parts, strict=True)]
            found.append((sum(known for known, _ in both), chinese.join(part for _, part in both)))
    known, said = max(found, key=lambda each: each[0])
    return known, said.removesuffix("。")


def _in_part(text: str) -> str:
    """Sentence by sentence where the whole is not known: what a provider said stays, our remedy is told."""
    ends = [match.end() for match in _ENDS.finditer(text)][:_MOST_ENDS]
    for start in ends:
        if (rest := _known(text[start:])) is not None:
            return joined(_in_part(text[:start].rstrip()), rest[1])
    for end in reversed(ends):
        if (first := _known(text[:end].rstrip())) is not None:
            return joined(first[1], text[end:])
    return text


def joined(first: str, rest: str) -> str:
    """Two sentences: without a space after a Chinese mark."""
    return first + rest if first.endswith(_MARKS) else f"{first} {rest}"
