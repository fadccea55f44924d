"""Choices: the letter of the last stated option, else of the only one named, by letter or text."""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from functools import lru_cache

from promptlab.datasets.task import AnswerType, choice_letter
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.named import (
    Decision,
    Mention,
    Names,
    decide,
    distinct,
    is_denied,
    opening_sentence,
)
from promptlab.scoring.extraction.phrases import Tail, first_line, last_line, stated_tails
from promptlab.scoring.extraction.plain import bare, plain
from promptlab.scoring.extraction.rule import REACH_CHARS, Found, Rule

_SHORT_CHARS = 300
_PHRASE = re.compile(
    r"\b(?:correct|right|best|final|my)[ ]{1,3}(?:option|choice|letter|statement|one)"
    r"[\"'”’*_`)\]]{0,4}[ \t]{0,4}(?:(?:is|would be)\b|[:：=])"
    r"|\bi (?:would |will |'ll |'d )?(?:choose|pick|select|go with)\b|\b(?:choice|option)[ \t]{0,3}[:：]"
)
_CHINESE_PHRASE = re.compile(r"(?:故|应|应该|所以|因此|我)?(?:选择|选项?(?:是|为|[:：])|选)[:：]?")
_AFTER_ARTICLE = re.compile(
    r"[ \t](?!(?:is|was|because|since|as|and|or|but|would|which|for|with|if|has)\b)[a-z0-9]"
)
_PRONOUN = re.compile(r"[ \t](?!(?:is|because|since|as)\b)[a-z]|['’]")


_WORD = r"(?<![^\W_\u3400-\u9fff])"
_END = r"(?![^\W_\u3400-\u9fff]|['’][a-zA-Z])"


class _Letters:
    """The letters of so many options, and how models write them."""

    def __init__(self, count: int) -> None:
        """`count` 0: the options are not known, any capital letter may be one."""
        self.all = [choice_letter(index) for index in range(count)] or list(string.ascii_uppercase)
        self.known = frozenset(self.all)
        offered = "|".join(sorted(self.all, key=len, reverse=True))
        loose = "|".join(sorted({*self.all, *(each.lower() for each in self.all)}, key=len, reverse=True))
        # Marked: "(b)", "B.", "B)", "option B", 选B. Bare: a capital letter alone.
        self.marked = re.compile(
            rf"[(\[{{](?P<paren>{loose})[)\]}}]"
            rf"|{_WORD}(?P<dotted>{offered})(?=[.):：、](?![^\W_]))"
            rf"|\b(?i:option|choice|answer|letter)[ \t]{{0,4}}[:：]?[ \t]{{0,4}}[(\"'*]{{0,4}}"
            rf"(?P<named>{offered}){_END}"
            rf"|选(?:项|择)?[:：]?\s?(?P<chosen>{offered}){_END}"
        )
        self.bare = re.compile(rf"{_WORD}(?P<bare>{offered}){_END}")
        self.lead = re.compile(rf"[\s\"'“*_`(\[{{$#>-]{{0,12}}(?P<lead>{offered}){_END}")
        self.bold = re.compile(rf"\*\*[\s(\[\"]*(?P<bold>{offered})(?:[.):：\]]|\s|\*\*)")
        self.verdict = re.compile(
            rf"{_WORD}(?P<verdict>{offered})[)\]\"'*.]{{0,4}}[ \t]{{1,3}}(?:is|was)[ \t]{{1,3}}"
            rf"(?:the[ \t]{{1,3}})?(?:only[ \t]{{1,3}})?(?:correct|right|best|answer)\b"
            rf"|{_WORD}(?P<verdict_zh>{offered})[)）]?(?:选项)?(?:是|为)?(?:正确|对的)"
        )


@lru_cache(maxsize=32)
def _letters(count: int) -> _Letters:
    return _Letters(count)


class _Options:
    """The letters and texts of one sample's options."""

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.letters = _letters(len(choices))
        texts: dict[str, str] = {}
        for letter, text in zip(self.letters.all, choices, strict=False):
            for spelling in (text, bare(text)):
                if spelling.strip() and spelling.strip().upper() not in self.letters.known:
                    texts.setdefault(spelling, letter)
        self.texts = Names(texts)

    def mentions(self, text: str, *, weak: bool = True) -> list[Mention]:
        """Options named in `text`; letters within an option's text are none. `weak`: bare letters too."""
        found = self.texts.mentions(text)
        starts, ends = [mention.start for mention in found], [mention.end for mention in found]
        seen: set[int] = set()
        for pattern in (self.letters.marked, self.letters.bare) if weak else (self.letters.marked,):
            for match in pattern.finditer(text):
                group = str(match.lastgroup)
                start, end = match.span(group)
                before = bisect_right(starts, start)
                if start in seen or (before and start < ends[before - 1]) or is_denied(text, start):
                    continue
                if group == "bare" and self._is_word(text, start, end):
                    continue
                seen.add(start)
                found.append(Mention(start, end, match[group].upper()))
        return sorted(found)

    @staticmethod
    def _is_word(text: str, start: int, end: int) -> bool:
        """Whether the letter is the article A or the pronoun I."""
        if text[start:end] == "A":
            return _AFTER_ARTICLE.match(text, end) is not None
        return text[start:end] == "I" and _PRONOUN.match(text, end) is not None

    def of(self, text: str) -> str | None:
        """The option that a short text is: its letter, its text, or both ("B. Paris")."""
        key = bare(text).strip("()[]{}.:： ")
        if key.upper() in self.letters.known and (len(key) == 1 or key.isupper()):
            return key.upper()
        return self.texts.get(bare(text))


@lru_cache(maxsize=512)
def _options(choices: tuple[str, ...]) -> _Options:
    return _Options(choices)


def read_choice(text: str, form: AnswerForm) -> Found | None:
    options = _options(form.choices)
    if len(text) <= _SHORT_CHARS:
        letter = options.of(text)
        if letter is not None:
            return Found(letter)
    patterns = (_PHRASE,) if text.isascii() else (_PHRASE, _CHINESE_PHRASE)
    for tail in stated_tails(text, *patterns, free_corrections=True):
        decision = _decide(tail, text, options)
        if decision is Decision.TORN:
            return None
        if isinstance(decision, str):
            return Found(decision)
    clean = plain(text)
    for names in (
        [
            m["verdict"] or m["verdict_zh"]
            for m in options.letters.verdict.finditer(clean)
            if not is_denied(clean, m.start())
        ],
        _lines(text, options),
        [m["bold"] for m in options.letters.bold.finditer(text)] if "**" in text else [],
    ):
        if names:
            return Found(names[0]) if len(set(names)) == 1 else None
    for weak in (False, True):
        found = distinct(options.mentions(clean, weak=weak))
        if found:
            return Found(found[0], stated=False) if len(found) == 1 else None
    return None


def _decide(tail: Tail, text: str, options: _Options) -> str | Decision:
    line = plain(tail.text) if tail.kind == "box" else first_line(plain(tail.text))
    if tail.kind == "hashes" and not text.rstrip().endswith(tail.text.rstrip()):
        return Decision.SILENT  # a heading
    exact = options.of(line)
    if exact is not None:
        return exact
    mentions = options.mentions(line)
    lead = options.letters.lead.match(line)
    if lead is not None and not any(m.start <= lead.start("lead") for m in mentions):
        # Right after the phrase even an A is no article, unless an option's text begins there.
        mentions = [Mention(*lead.span("lead"), lead["lead"]), *mentions]
    immediate = tail.kind == "correction"
    sentence_end = len(opening_sentence(line))
    decision = decide(line, [m for m in mentions if m.start < sentence_end], immediate=immediate)
    return decide(line, mentions) if decision is Decision.SILENT and not immediate else decision


def _lines(text: str, options: _Options) -> list[str]:
    """Options that are the whole first or last line, or open them with their letter: "B) Paris"."""
    found = []
    for line in (first_line(text[: 4 * _SHORT_CHARS]), last_line(text[-4 * _SHORT_CHARS :])):
        if len(line) > _SHORT_CHARS:
            continue
        letter = options.of(line)
        if letter is not None:
            found.append(letter)
        elif options.letters.marked.match(line.lstrip("*_\"'# \t")) is not None:
            mentions = options.mentions(line, weak=False)
            decision = decide(line, mentions)
            found += distinct(mentions) if decision is Decision.TORN else [str(decision)] if mentions else []
    return found


def spell_choice(text: str, form: AnswerForm) -> str | None:
    """A target, given as a letter or as an option's text, as its letter."""
    return _options(form.choices).of(text)


_CHOICE = Rule(
    "robust/choice", 1, read_choice, spell_choice, types=frozenset({AnswerType.CHOICE}), reach=REACH_CHARS
)
RULES = (("robust", _CHOICE), ("robust/choice", _CHOICE))
