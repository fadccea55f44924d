"""Labels, and yes or no: the last stated one, else the only one named."""

from __future__ import annotations

import re

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.named import (
    Decision,
    Mention,
    Names,
    decide,
    distinct,
    named,
    opening_sentence,
)
from promptlab.scoring.extraction.phrases import first_line, last_line, stated_tails
from promptlab.scoring.extraction.plain import bare, plain
from promptlab.scoring.extraction.rule import REACH_CHARS, Found, Rule
from promptlab.scoring.extraction.text import read_text, spell_text

_LONE_CHARS = 120
_PHRASE = re.compile(
    r"\b(?:label|sentiment|category|class(?:ification)?|emotion|topic|intent|polarity|tone|verdict|prediction)"
    r"(?: (?:of|for|in|expressed|here)\b[^.:\n]{0,60}?)?[\"'”’*_`)\]]{0,4}[ \t]{0,4}"
    r"(?:(?:is|would be)\b|[:：=])"
    r"|\b(?:classif(?:y|ied)|labell?ed|categori[sz]ed)(?: (?:it|this|that|the \w{1,20}))? as\b"
    r"|\bfalls? (?:under|into)\b"
)
_CHINESE_PHRASE = re.compile(
    r"(?:标签|情感(?:倾向|极性|类别)?|类别|分类|情绪|极性|主题|意图)[^\n。，,:：是为]{0,12}?(?:是|为|[:：])|属于|归为|归类为|判断为|判定为"
)


def read_label(text: str, form: AnswerForm) -> Found | None:
    if not form.labels:
        return read_text(text, form)
    names = named(form.labels)
    if len(text) <= _LONE_CHARS:
        name = names.get(bare(text))
        if name is not None:
            return Found(name)
    patterns = (_PHRASE,) if text.isascii() else (_PHRASE, _CHINESE_PHRASE)
    found = _stated(text, names, patterns)
    if isinstance(found, str):
        return Found(found)
    lone = _lone_lines(text, names)
    if found is Decision.TORN or len(lone) > 1:
        return None
    if lone:
        return Found(lone.pop())
    found_names = distinct(names.mentions(plain(text)))
    return Found(found_names[0], stated=False) if len(found_names) == 1 else None


def _stated(text: str, names: Names, patterns: tuple[re.Pattern[str], ...]) -> str | Decision:
    """What the last stated place says that says anything."""
    for tail in stated_tails(text, *patterns, free_corrections=True):
        line = plain(tail.text) if tail.kind == "box" else first_line(plain(tail.text))
        if tail.kind == "hashes" and not text.rstrip().endswith(tail.text.rstrip()):
            continue  # a heading
        immediate = tail.kind == "correction"
        decision = names.decide(opening_sentence(line), immediate=immediate)
        if decision is Decision.SILENT and not immediate:
            decision = names.decide(line)
        if decision is not Decision.SILENT:
            return decision
    return Decision.SILENT


def _lone_lines(text: str, names: Names) -> set[str]:
    """Labels that are the whole first line or sentence, or the whole last line."""
    first = first_line(text[: 4 * _LONE_CHARS])
    lines = (first, opening_sentence(first), last_line(text[-4 * _LONE_CHARS :]))
    return {
        name for line in lines if len(line) <= _LONE_CHARS and (name := names.get(bare(line))) is not None
    }


def spell_label(text: str, form: AnswerForm) -> str | None:
    return named(form.labels).get(text) if form.labels else spell_text(text, form)


_YES, _NO = "yes", "no"
_WORDS = Names(
    {
        **dict.fromkeys(("yes", "yeah", "yep", "true", "正确", "肯定"), _YES),
        **dict.fromkeys(("no", "nope", "false", "not true", "untrue", "错误", "不正确", "否定"), _NO),
    }
)
_ALONE = Names(
    {
        **_WORDS.by_key,
        **dict.fromkeys(
            ("y", "t", "correct", "right", "是", "是的", "对", "对的", "没错", "真", "真的"), _YES
        ),
        **dict.fromkeys(
            ("n", "f", "incorrect", "wrong", "否", "不是", "不是的", "不", "不对", "错", "错的", "假"), _NO
        ),
    }
)
_TARGETS = Names({**_ALONE.by_key, "1": _YES, "0": _NO})
_LEAD = re.compile(
    r"[\s\"'“*_`(:：#>-]{0,12}(?P<word>(?:yes|yeah|yep|true|no|nope|false)\b(?![-'’]\w)"
    r"|(?:不是的?|不对|不正确|不|是的?|对的?|没错|正确|否|错误|错的?|肯定的?|否定的?)(?=[\s\"”*_`),，.。!！;；:：、]|$))",
    re.IGNORECASE,
)
# "Yes. Wait, no." ends with another answer, not with a correction that is yet to come.
_AFTER_ALL = re.compile(
    r"\b(?:wait|actually|correction|sorry|hmm)[\s,.:!…—–-]{1,4}(?P<word>yes|no|true|false)[\s.!*\"”]*$",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r" (?!(?:it|that|this|they|he|she|there|because|since|as|i|we|you|the)\b)[a-z]", re.IGNORECASE
)


def read_yes_no(text: str, form: AnswerForm) -> Found | None:
    if len(text) <= _LONE_CHARS:
        name = _ALONE.get(bare(text))
        if name is not None:
            return Found(name)
    after_all = _AFTER_ALL.search(text[-_LONE_CHARS:])
    if after_all is not None:
        return Found(str(_ALONE.get(after_all["word"])))
    for tail in stated_tails(text, free_corrections=True):
        decision = _decide_yes_no(first_line(plain(tail.text)), immediate=tail.kind == "correction")
        if decision is Decision.TORN:
            return None
        if isinstance(decision, str):
            return Found(decision)
    first = opening_sentence(first_line(text[: 4 * _LONE_CHARS]))
    decision = _decide_yes_no(plain(first), immediate=True)
    last = _ALONE.get(bare(last_line(text[-4 * _LONE_CHARS :])))
    if decision is Decision.TORN or (isinstance(decision, str) and last is not None and decision != last):
        return None
    if isinstance(decision, str) or last is not None:
        return Found(last or str(decision))
    found = distinct(_yes_no_mentions(plain(text)))
    return Found(found[0], stated=False) if len(found) == 1 else None


def _decide_yes_no(line: str, *, immediate: bool) -> str | Decision:
    """是 and 对 count only where a passage opens with them: elsewhere they are a copula and a preposition."""
    lead = _LEAD.match(line)
    mentions = _yes_no_mentions(line)
    name = _ALONE.get(lead["word"]) if lead is not None else None
    if lead is not None and name is not None and not _is_determiner(line, lead.start("word"), lead.end()):
        after = [mention for mention in mentions if mention.start >= lead.end()]
        mentions = [Mention(lead.start("word"), lead.end(), name), *after]
    elif immediate:
        return Decision.SILENT
    return decide(line, mentions, immediate=immediate)


def _yes_no_mentions(text: str) -> list[Mention]:
    return [each for each in _WORDS.mentions(text) if not _is_determiner(text, each.start, each.end)]


def _is_determiner(text: str, start: int, end: int) -> bool:
    """ "no evidence" denies evidence, not the question."""
    return text[start:end].lower() == "no" and _DETERMINER.match(text, end) is not None


def spell_yes_no(text: str, form: AnswerForm) -> str | None:
    return _TARGETS.get(text)


_LABEL = Rule(
    "robust/label", 1, read_label, spell_label, types=frozenset({AnswerType.LABEL}), reach=REACH_CHARS
)
_YES_NO = Rule(
    "robust/yes_no", 2, read_yes_no, spell_yes_no, types=frozenset({AnswerType.YES_NO}), reach=REACH_CHARS
)
RULES = (("robust", _LABEL), ("robust/label", _LABEL), ("robust", _YES_NO), ("robust/yes_no", _YES_NO))
