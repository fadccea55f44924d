"""Which of a closed set of names (labels, options, yes and no) a text names, and which one it decides on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple

_SCRIPT = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"  # written without spaces: no word borders
_NO_WORD_BEFORE = rf"(?<![^\W_{_SCRIPT}])"
_NO_WORD_AFTER = rf"(?![^\W_{_SCRIPT}])"
_SEPARATOR = re.compile(r"(?<=\w)[\s_-]+(?=\w)|\s+")
_NEGATED = re.compile(
    r"(?:\bnot|n['’]t|\bcannot|\bnever|\bneither|\bnor|\bnon|\bwithout|\brather than|\binstead of)"
    r"(?:[ -](?:a|an|the|be|is|being|very|really|quite|entirely|particularly|classified as|labell?ed))*"
    r"[\s\"'“*(-]*$"
    r"|(?:不是|并非|而非|不算|不属于|是否|[不非没無无未])[\s\"'“「*]*$"
)
_NEGATION_CHARS = 32
_JOINED = re.compile(
    r"[\s\"'“”*_)\]`]*(?:,|/|\||&|;|、|，|或者?|和|与|及|还是|\bor\b|\band\b|\bto\b)"
    r"(?:\s*\b(?:or|and|also|maybe|perhaps|possibly|even)\b){0,3}[\s\"'“”*_(\[`]*",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"[\s\"'“「*_`$(\[:：=>#-]*(?:(?:that (?:it is|this is)|clearly|definitely|most likely|probably|likely|"
    r"therefore|thus|indeed|simply|actually|really|the|an?|option|choice|category|label|class|letter)\b"
    r"[\s\"'“*_`:：(\[]*|(?:选项?|为|是)[\s\"'“*_`:：(\[]*){0,3}",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[!?。！？\n]|\.(?=\s|$)")


class Mention(NamedTuple):
    start: int
    end: int
    name: str


class Decision(Enum):
    """What a passage says where it names none, or more than one."""

    SILENT = "silent"
    TORN = "torn"


def same_key(name: str) -> str:
    """Case, and whether words are joined by a space, a hyphen or an underscore, do not tell names apart."""
    return _SEPARATOR.sub(" ", name.strip().lower())


class Names:
    """A closed set of names, with the spellings that stand for each."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        """`spellings`: every spelling to the name it stands for."""
        self.by_key = {same_key(spelling): name for spelling, name in spellings.items() if spelling.strip()}

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        keys = sorted(self.by_key, key=len, reverse=True)  # "very positive" before "positive"
        return (
            re.compile("|".join(bordered(key.split(" "), r"[\s_-]{1,3}") for key in keys), re.IGNORECASE)
            if keys
            else None
        )

    def get(self, text: str) -> str | None:
        """The name that `text` spells, and nothing else."""
        return self.by_key.get(same_key(text))

    def mentions(self, text: str) -> list[Mention]:
        """Where the text names one of them, denials ("not positive") left out."""
        if self._pattern is None:
            return []
        found = []
        for match in self._pattern.finditer(text):
            name = self.by_key.get(same_key(match.group()))
            if name is not None and not is_denied(text, match.start()):
                found.append(Mention(match.start(), match.end(), name))
        return found

    def decide(self, text: str, *, immediate: bool = False) -> str | Decision:
        return decide(text, self.mentions(text), immediate=immediate)


@lru_cache(maxsize=256)
def named(labels: tuple[str, ...]) -> Names:
    return Names({label: label for label in labels})


def decide(text: str, mentions: list[Mention], *, immediate: bool = False) -> str | Decision:
    """The name a passage states: the only one, else the one it opens with if no other is joined to it."""
    if not mentions:
        return Decision.SILENT
    first = mentions[0]
    opening = _OPENING.match(text)
    opens = opening is not None and opening.end() >= first.start
    if immediate and not opens:
        return Decision.SILENT
    others = [mention for mention in mentions if mention.name != first.name]
    if not others:
        return first.name
    last_same = max(m.end for m in mentions if m.name == first.name and m.end <= others[0].start)
    joined = _JOINED.fullmatch(text, last_same, others[0].start) is not None
    return first.name if opens and not joined else Decision.TORN


def is_denied(text: str, start: int) -> bool:
    """Whether what stands at `start` is denied by the words before it: "not positive", 并非积极."""
    return start > 0 and _NEGATED.search(text[max(0, start - _NEGATION_CHARS) : start].lower()) is not None


def bordered(words: list[str], separator: str = r"\s+") -> str:
    """A pattern for the words in a row, no part of a longer word or number; CJK text has no word borders."""
    first, last = words[0][0], words[-1][-1]
    before = after = ""
    if _has_border(first):
        before = _NO_WORD_BEFORE + (r"(?<![0-9][.,])" if first.isdigit() else "")
    if _has_border(last):
        after = _NO_WORD_AFTER + (r"(?![.,][0-9])" if last.isdigit() else "")
    return before + separator.join(re.escape(word) for word in words) + after


def _has_border(char: str) -> bool:
    return char.isalnum() and re.match(f"[{_SCRIPT}]", char) is None


def distinct(mentions: Iterable[Mention]) -> list[str]:
    """The names mentioned, each once, in order."""
    return list(dict.fromkeys(mention.name for mention in mentions))


def opening_sentence(line: str) -> str:
    """A line up to the end of its first sentence."""
    match = _SENTENCE.search(line)
    return line if match is None else line[: match.start()]
