"""Answers are extracted, then scored: from a reply's text to a value in canonical spelling."""

from __future__ import annotations

from promptlab.basics.errors import NoAnswerKind
from promptlab.scoring.base import AnswerForm, Extraction
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.extraction.rule import ROBUST, Rule, Value, rule_for, rule_names

__all__ = ["ROBUST", "Rule", "Value", "extract", "is_refusal", "rule_for", "rule_names", "spell"]


def extract(text: str, form: AnswerForm, *, rule: str = ROBUST, finish_reason: str = "stop") -> Extraction:
    """The answer that `rule` reads from a reply, or why there is none. Never raises on any text.

    A reply cut off by length counts only with a stated answer; what the rule merely fell back on
    ("the last number") is `truncated` then. UsageError where there is no such rule for the answer type.
    """
    known = rule_for(rule, form.type)
    found = known.find(text, form)
    if found is not None and (found.stated or finish_reason != "length"):
        return Extraction(found.value, None, known.label, found.stated)
    return Extraction(None, _failure(text, finish_reason), known.label, stated=False)


def _failure(text: str, finish_reason: str) -> NoAnswerKind:
    if finish_reason == "content_filter":
        return "refused"
    if finish_reason == "length":
        return "truncated"
    return "refused" if is_refusal(text) else "unparsed"


def spell(text: str, form: AnswerForm, *, rule: str = ROBUST) -> Value | None:
    """A target, or a value that a technique read by itself, in the canonical spelling of `rule`."""
    return rule_for(rule, form.type).spell(text, form)
