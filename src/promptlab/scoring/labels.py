"""Answers out of a closed set: labels, options, yes and no. Accuracy per sample."""

from __future__ import annotations

from typing import ClassVar

from promptlab.basics.errors import UsageError
from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.classes import class_statistics
from promptlab.scoring.matching import matches


class _ClosedSet(Scorer):
    """The extracted answer is a target's."""

    answer_type: ClassVar[AnswerType]

    def check(self, form: AnswerForm) -> None:
        if form.type is not self.answer_type:
            raise UsageError(
                f"the scorer {self.registered_name!r} grades {self.answer_type} answers, not {form.type}.",
                remedy=f"Set `answer: {self.answer_type}` in the task, or use `exact_match`.",
            )

    def score(self, answered: Answered, gold: Gold) -> float:
        return float(answered.value is not None and matches(answered.value, gold))

    def statistics(self, answered: Answered, gold: Gold) -> tuple[float, ...] | None:
        """For the confusion matrix: the score itself is a mean."""
        return class_statistics(answered, gold)


@scorer("label")
class Label(_ClosedSet):
    """The extracted label is the target's: its mean is the accuracy."""

    answer_type = AnswerType.LABEL


@scorer("choice")
class Choice(_ClosedSet):
    """The extracted option is the target's. A target is a letter or an option's text."""

    answer_type = AnswerType.CHOICE


@scorer("yes_no")
class YesNo(_ClosedSet):
    """The extracted yes or no is the target's (yes/no, true/false, 是/否)."""

    answer_type = AnswerType.YES_NO
