"""What an oracle is told: whether its answer is right, and nothing else of the target."""

from __future__ import annotations

from collections.abc import Callable

from promptlab.datasets.sample import Sample
from promptlab.datasets.task import Task
from promptlab.scoring.defaults import extracted_scorer
from promptlab.scoring.grading import Grader
from promptlab.techniques.base import Answer

Verdict = Callable[[Answer], bool]


def verdict_on(sample: Sample, task: Task) -> Verdict:
    """Says of an answer to `sample` whether it equals a target after the answer type's own rule.

    The experiment's scorers have no part in it: another scorer asks nothing anew.
    """
    grader = Grader(task, {"right": extracted_scorer(task.answer)})

    def right(answer: Answer) -> bool:
        reply = answer.reply
        graded = grader.grade(reply.text, sample, finish_reason=reply.finish_reason, given=answer.given)
        return graded.scores["right"] == 1.0

    return right
