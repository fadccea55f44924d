"""From a reply to its grade: extract once, then let every scorer see the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from promptlab.basics.errors import NoAnswerKind, UsageError
from promptlab.datasets.sample import Sample
from promptlab.datasets.task import AnswerType, Task
from promptlab.scoring.base import Answered, AnswerForm, Extraction, Gold, Scorer
from promptlab.scoring.extraction import ROBUST, Value, extract, spell
from promptlab.scoring.own_function import OwnFunction


@dataclass(frozen=True, slots=True)
class Graded:
    """What a trial is worth: the value or the failure, the rule that read it, a score per scorer.

    A score is None where the sample has no target and the scorer needs one, or where the scorer says so.
    `statistics` are what the answer adds to scores of the whole cell, of the scorers that have such.
    `broken` says of the user's own scorers what they failed with; they have no score then.
    """

    value: Value | None
    failure: NoAnswerKind | None
    rule: str
    scores: dict[str, float | None]
    statistics: dict[str, tuple[float, ...]] = field(default_factory=dict)
    broken: dict[str, UsageError] = field(default_factory=dict)


class Grader:
    """Grades the replies of one task with its scorers. Failed answers score 0, and never vanish."""

    def __init__(self, task: Task, scorers: Mapping[str, Scorer], *, script: str | None = None) -> None:
        """`script` is that of the data set's targets (see `Gold`). UsageError where a scorer cannot grade the
        task's answers. Those that run code are left out."""
        self._script = script
        self._form = AnswerForm(task.answer, task.labels)
        for each in scorers.values():
            each.check(self._form)
        self._scorers = {name: each for name, each in scorers.items() if not each.runs_code}

    def grade(
        self,
        text: str,
        sample: Sample,
        *,
        finish_reason: str = "stop",
        failure: NoAnswerKind | None = None,
        given: tuple[Value | None, str] | None = None,
        latency_s: float | None = None,
        cost_usd: float | None = None,
    ) -> Graded:
        """`text` is the last reply. `failure` is what the technique ended with; `given` the value that it
        read or voted by itself (none: it found nothing), and its rule's name. Time and cost are the trial's.
        """
        form = self._form
        if form.type is AnswerType.CHOICE and sample.choices:
            form = AnswerForm(form.type, form.labels, sample.choices)
        found = _found(text, form, finish_reason, failure, given)
        answered = Answered(text, found.value, found.failure, latency_s, cost_usd)
        gold = Gold(sample.targets, form, sample.inputs, sample.metadata, self._script)
        graded = Graded(found.value, found.failure, found.rule, {})
        for name, each in self._scorers.items():
            try:
                graded.scores[name] = _score(each, answered, gold)
            except Exception as error:
                if type(each).__module__.startswith("promptlab.") and not isinstance(each, OwnFunction):
                    raise
                graded.broken[name] = _told(name, sample, error)
                continue
            added = each.statistics(answered, gold) if gold.targets else None
            if added is not None:
                graded.statistics[name] = added
        return graded


def _found(
    text: str,
    form: AnswerForm,
    finish_reason: str,
    failure: NoAnswerKind | None,
    given: tuple[Value | None, str] | None,
) -> Extraction:
    if failure is not None:
        return Extraction(None, failure, "", stated=False)
    if given is None:
        return extract(text, form, finish_reason=finish_reason)
    value, rule = given
    already = not isinstance(value, str) or rule.startswith(ROBUST)
    spelled = value if already else spell(str(value), form)
    return Extraction(spelled, "unparsed" if spelled is None else None, rule)


def _told(name: str, sample: Sample, error: Exception) -> UsageError:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    line = f" (line {last.tb_lineno} of {Path(last.tb_frame.f_code.co_filename).name})" if last else ""
    return UsageError(
        f"the scorer {name!r} failed on sample {sample.id!r}: {type(error).__name__}: {error}{line}.",
        remedy="Mend it and run the same command again: all answers are kept, and nothing is asked twice.",
    )


def _score(each: Scorer, answered: Answered, gold: Gold) -> float | None:
    if each.needs_target and not gold.targets:
        return None
    if answered.failure is not None and not each.reads_failures:
        return 0.0
    return each.score(answered, gold)
