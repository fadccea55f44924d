"""F1, precision, recall and the Matthews correlation of a cell's labels, options, or yes and no."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from promptlab.basics.errors import UsageError
from promptlab.datasets.task import AnswerType, choice_letter
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.matching import matches, spelled_targets

if TYPE_CHECKING:
    from promptlab.scoring.corpus import Classes, ClassMetric

_CLOSED = (AnswerType.LABEL, AnswerType.CHOICE, AnswerType.YES_NO)
_MOST_CHOICES = 26


@lru_cache(maxsize=64)
def class_names(form: AnswerForm) -> tuple[str, ...]:
    """The classes of a closed set of answers, by number; empty for answers that are free."""
    if form.type is AnswerType.LABEL:
        return form.labels
    if form.type is AnswerType.YES_NO:
        return ("yes", "no")
    # Options are lettered, and a cell may hold samples with more or fewer of them.
    return tuple(map(choice_letter, range(_MOST_CHOICES))) if form.type is AnswerType.CHOICE else ()


def class_statistics(answered: Answered, gold: Gold) -> tuple[float, ...] | None:
    """(True class, predicted class or -1). Of several targets the true one is the one that was given, else
    the first; None where the target is none of the classes."""
    form = AnswerForm(gold.form.type, gold.form.labels)
    numbers = _numbers(class_names(form))
    targets = [numbers.get(str(each)) for each in spelled_targets(gold.targets, gold.form, "robust")]
    known = [each for each in targets if each is not None]
    if not known:
        return None
    failed = answered.failure is not None or answered.value is None
    guess = None if failed else numbers.get(str(answered.value))
    true = guess if guess is not None and guess in known else known[0]
    return (true, -1.0 if guess is None else guess)


def of_classes(each: Scorer) -> bool:
    """Whether its statistics are those of `class_statistics`."""
    if isinstance(each, _Averaged):
        return each.label is None
    return isinstance(each, Mcc) or each.registered_name in ("label", "choice", "yes_no")


@lru_cache(maxsize=64)
def _numbers(names: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def check_closed(name: str, form: AnswerForm) -> None:
    """UsageError where answers are no closed set."""
    if form.type not in _CLOSED:
        raise UsageError(
            f"the scorer {name!r} grades {', '.join(_CLOSED)} answers, not {form.type} ones.",
            remedy="Set `answer: label` in the task, or use `exact_match`.",
        )


class _OverClasses(Scorer):
    """A score of the whole cell; a single answer's is whether it is right."""

    def check(self, form: AnswerForm) -> None:
        check_closed(self.registered_name, form)

    def score(self, answered: Answered, gold: Gold) -> float:
        return float(answered.value is not None and matches(answered.value, gold))

    def statistics(self, answered: Answered, gold: Gold) -> tuple[float, ...] | None:
        return class_statistics(answered, gold)

    def corpus(self) -> Classes:
        from promptlab.scoring.corpus import Classes

        return Classes("mcc")


class _Averaged(_OverClasses):
    """`average` over the labels that occur, or `label`: that label's alone. A failed answer is no label."""

    average: Literal["macro", "micro", "weighted"] = "macro"
    label: str | None = None

    def check(self, form: AnswerForm) -> None:
        super().check(form)
        names = class_names(form)
        if self.label is not None and names and self.label not in names:
            raise UsageError(
                f"the scorer {self.registered_name!r}: {self.label!r} is none of the labels.",
                remedy=f"Known: {', '.join(names)}.",
            )

    def statistics(self, answered: Answered, gold: Gold) -> tuple[float, ...] | None:
        found = class_statistics(answered, gold)
        if found is None or self.label is None:
            return found
        wanted = _numbers(class_names(AnswerForm(gold.form.type, gold.form.labels))).get(self.label)
        return tuple(each if each < 0 else float(each == wanted) for each in found)

    def corpus(self) -> Classes:
        from promptlab.scoring.corpus import Classes

        metric: dict[str, ClassMetric] = {"f1": "f1", "precision": "precision", "recall": "recall"}
        only = None if self.label is None else 1
        return Classes(metric[self.registered_name], self.average, only)


@scorer("f1")
class F1(_Averaged):
    """F1 of a cell's labels, `average` macro, micro or weighted, or of one `label` (as scikit-learn)."""


@scorer("precision")
class Precision(_Averaged):
    """Precision of a cell's labels, `average` macro, micro or weighted, or of one `label`."""


@scorer("recall")
class Recall(_Averaged):
    """Recall of a cell's labels, `average` macro, micro or weighted, or of one `label`."""


@scorer("mcc")
class Mcc(_OverClasses):
    """Matthews correlation of a cell's labels, -1 to 1 (Gorodkin 2004); no answer is a class of its own."""
