"""The phrases that close a chain of thought, by answer type (Kojima et al. 2022, appendix A.5)."""

from __future__ import annotations

from promptlab.datasets.sample import Question
from promptlab.datasets.task import AnswerType, Task, choice_letter


def answer_cue(task: Task, question: Question) -> str:
    """``the answer (arabic numerals) is`` and the like: without "Therefore," and without a final dot."""
    if task.answer is AnswerType.NUMBER:
        return "the answer (arabic numerals) is"
    if task.answer is AnswerType.YES_NO:
        return "the answer (Yes or No) is"
    if task.answer is AnswerType.CHOICE and len(question.choices) > 1:
        return f"among A through {choice_letter(len(question.choices) - 1)}, the answer is"
    if task.answer is AnswerType.LABEL and task.labels:
        *most, last = task.labels
        return f"among {', '.join(most)} and {last}, the answer is" if most else "the answer is"
    return "the answer is"
