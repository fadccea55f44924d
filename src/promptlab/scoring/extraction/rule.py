"""What an extraction rule is, and the registry of rules by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import NamedTuple

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm

REACH_CHARS = 100_000  # an answer stands at the end of a reply, or at its start

Value = str | tuple[str, ...]

ROBUST = "robust"


class Found(NamedTuple):
    """A value in canonical spelling, and whether the reply said that this is the answer."""

    value: Value
    stated: bool = True


def spoken(text: str) -> str:
    """A reply without its thinking: what follows the last ``</think>``, nothing where it is not closed."""
    if "</think>" in text:
        return text.rpartition("</think>")[2]
    return "" if text.lstrip().startswith("<think>") else text


def equal(left: Value, right: Value) -> bool:
    return left == right


@dataclass(frozen=True, slots=True)
class Rule:
    """How an answer is read from a reply (`read`), how a target is spelled (`spell`), when the two agree.

    `read` returns None where the reply holds no answer, or more than one. `spell` returns None where the
    target can never be the value of an answer. `types` are the answer types the rule serves. `version`
    rises whenever the same reply could get another value. A rule that is not `robust` reproduces another
    harness, bugs included; it also reads replies in which the robust rule finds nothing.
    """

    name: str
    version: int
    read: Callable[[str, AnswerForm], Found | None]
    spell: Callable[[str, AnswerForm], Value | None]
    same: Callable[[Value, Value], bool] = equal
    types: frozenset[AnswerType] = frozenset(AnswerType)
    reach: int | None = None

    def find(self, text: str, form: AnswerForm) -> Found | None:
        """What `read` finds. The robust rules pass over a thinking block, and of a reply longer than `reach`
        characters they see the beginning and the end."""
        if self.name.startswith(ROBUST):
            text = spoken(text)
        if self.reach is not None and len(text) > self.reach:
            text = f"{text[: self.reach // 10]}\n{text[-self.reach :]}"
        return self.read(text, form)

    @property
    def label(self) -> str:
        """Name and version, as stored with every trial: ``robust/number@1``."""
        return f"{self.name}@{self.version}"


_MODULES = ("text", "listing", "code", "number", "choice", "label", "mathematics", "compat")


@cache
def rules() -> dict[tuple[str, AnswerType], Rule]:
    """Every rule by name and answer type; `robust` and `robust/…` name the default of each type."""
    found: dict[tuple[str, AnswerType], Rule] = {}
    for module in _MODULES:
        for name, rule in import_module(f"promptlab.scoring.extraction.{module}").RULES:
            found.update({(name, answer_type): rule for answer_type in rule.types})
    return found


def rule_names() -> list[str]:
    """All rule names, sorted."""
    return sorted({name for name, _ in rules()})


def rule_for(name: str, answer_type: AnswerType) -> Rule:
    """The rule of that name for that answer type. UsageError names the nearest, or the types it serves."""
    rule = rules().get((name, answer_type))
    if rule is not None:
        return rule
    served = sorted(str(each) for known, each in rules() if known == name)
    if served:
        raise UsageError(f"the rule {name!r} reads {', '.join(served)} answers, not {answer_type} ones.")
    raise UsageError(f"unknown extraction rule {name!r}.", remedy=did_you_mean(name, rule_names()))
