"""Text against text: exact match (strict or after a rule), containment, regular expressions."""

from __future__ import annotations

import json
import re
from functools import cached_property, lru_cache

from pydantic import field_validator

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.extraction.named import bordered
from promptlab.scoring.extraction.rule import ROBUST, Value, rule_for


@lru_cache(maxsize=8192)
def spelled_targets(targets: tuple[str, ...], form: AnswerForm, rule: str) -> tuple[Value, ...]:
    """The targets in the rule's canonical spelling, without those that no answer can equal.

    For `answer: list` the targets are the items of one list; else they are alternatives.
    """
    known = rule_for(rule, form.type)
    if form.type is AnswerType.LIST and len(targets) > 1:
        items = [known.spell(target, AnswerForm(AnswerType.TEXT)) for target in targets]
        return (tuple(item if isinstance(item, str) else " ".join(item or ()) for item in items),)
    spelled = (known.spell(target, form) for target in targets)
    return tuple(value for value in spelled if value is not None)


def matches(value: Value, gold: Gold, rule: str = ROBUST) -> bool:
    """Whether a value equals a target, in the sense of the rule."""
    same = rule_for(rule, gold.form.type).same
    return any(same(value, target) for target in spelled_targets(gold.targets, gold.form, rule))


@scorer("exact_match")
class ExactMatch(Scorer):
    """Strict: the last reply, trimmed, equals a target. `rule` extracts and normalises both sides.

    A named compatibility rule (`lm_eval/gsm8k_flexible`) reads every reply, also one in which the robust
    rule finds no answer: it reproduces the other harness's number.
    """

    rule: str | None = None

    @property
    def strict(self) -> bool:
        return self.rule is None

    @property
    def reads_failures(self) -> bool:
        return self.rule is not None and not self.rule.startswith(ROBUST)

    def check(self, form: AnswerForm) -> None:
        if self.rule is not None:
            rule_for(self.rule, form.type)

    def score(self, answered: Answered, gold: Gold) -> float:
        if self.rule is None:
            return float(answered.text.strip() in _strict_targets(gold))
        if self.rule == ROBUST:
            return float(answered.value is not None and matches(answered.value, gold))
        if answered.failure == "sandbox":
            return 0.0
        found = rule_for(self.rule, gold.form.type).find(answered.text, gold.form)
        return float(found is not None and matches(found.value, gold, self.rule))


def _strict_targets(gold: Gold) -> list[str]:
    """A list has several plain spellings: one item a line, between commas, JSON."""
    items = [target.strip() for target in gold.targets]
    if gold.form.type is AnswerType.LIST:
        return ["\n".join(items), ", ".join(items), json.dumps(items, ensure_ascii=False)]
    return items


@lru_cache(maxsize=4096)
def _phrase(target: str, case: bool) -> re.Pattern[str]:
    return re.compile(bordered(target.split()), 0 if case else re.IGNORECASE)


@scorer("contains")
class Contains(Scorer):
    """A target stands in the raw reply as a whole word or phrase (CJK: as a part of the text).

    `case`: upper and lower case differ. "5" is not in "25".
    """

    case: bool = False

    @property
    def strict(self) -> bool:
        return True

    def score(self, answered: Answered, gold: Gold) -> float:
        wanted = [target for target in gold.targets if target.strip()]
        return float(any(_phrase(target, self.case).search(answered.text) for target in wanted))


@scorer("regex")
class Regex(Scorer):
    """The pattern is found in the raw reply (`full`: matches all of it, trimmed). Needs no target."""

    needs_target = False

    pattern: str
    ignore_case: bool = False
    full: bool = False

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern

    @property
    def strict(self) -> bool:
        return True

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)

    def score(self, answered: Answered, gold: Gold) -> float:
        if self.full:
            return float(self._compiled.fullmatch(answered.text.strip()) is not None)
        return float(self._compiled.search(answered.text) is not None)
