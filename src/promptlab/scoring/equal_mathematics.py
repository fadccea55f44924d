"""Mathematical answers against targets, by value: MATH, AIME and their kin."""

from __future__ import annotations

from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.extraction.rule import rule_for
from promptlab.scoring.matching import matches

_RULE = "robust/math"


@scorer("math")
class Mathematics(Scorer):
    r"""The answer and a target are the same expression, number, interval, set, tuple or matrix.

    The answer is the last ``\boxed{…}``, else what follows the last answer phrase, else the last formula. A
    target may be a whole solution with its box. Units, degrees, ``\text`` and currency do not count; 50%
    equals 50 and 0.5; with letters, both are compared at several points. What cannot be read as mathematics
    is compared as text. The time is bounded whatever the reply holds.
    """

    def check(self, form: AnswerForm) -> None:
        rule_for(_RULE, form.type)

    def score(self, answered: Answered, gold: Gold) -> float:
        found = rule_for(_RULE, gold.form.type).find(answered.text, gold.form)
        return float(found is not None and matches(found.value, gold, _RULE))
