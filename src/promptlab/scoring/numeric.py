"""Numbers against numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.extraction.number import read_number
from promptlab.scoring.extraction.numerals import RELATIVE_TOLERANCE, same_number
from promptlab.scoring.matching import spelled_targets


@scorer("numeric")
class Numeric(Scorer):
    """The answer and a target are the same number: exactly for integers, else within a relative 1e-6.

    `relative` and `absolute` widen the tolerance, for integers as well. `decimal_comma`: replies write
    1.234,56 (German and its kin). 50% equals the targets 50 and 0.5.
    """

    relative: Annotated[float, Field(ge=0, lt=1)] = RELATIVE_TOLERANCE
    absolute: Annotated[float, Field(ge=0)] = 0.0
    decimal_comma: bool = False

    def score(self, answered: Answered, gold: Gold) -> float:
        form = gold.form
        if form.type is AnswerType.NUMBER and not self.decimal_comma:
            value = answered.value
        else:
            form = AnswerForm(AnswerType.NUMBER)
            found = read_number(answered.text, form, comma=self.decimal_comma)
            value = None if found is None else found.value
        rule = "robust/decimal_comma" if self.decimal_comma else "robust"
        targets = spelled_targets(gold.targets, form, rule)
        return float(any(same_number(value, target, self.relative, self.absolute) for target in targets))
