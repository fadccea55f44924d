"""What is asked: the prompt over a sample's inputs, and the answer type."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from promptlab.basics.templates import template
from promptlab.datasets.sample import Question


class AnswerType(StrEnum):
    """How an answer is read from a reply, and how a chain of thought closes."""

    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    LABEL = "label"
    YES_NO = "yes_no"
    LIST = "list"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a task: a role and a template."""

    role: str
    source: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of every sample. `messages` are templates; the last one is the user's.

    `answer_instruction` stands once, in the last user message of the call that states the answer.
    `labels` are the allowed answers for `answer: label`.
    """

    messages: tuple[PromptMessage, ...]
    answer: AnswerType = AnswerType.TEXT
    answer_instruction: str = ""
    labels: tuple[str, ...] = ()

    def render(self, question: Question) -> list[tuple[str, str]]:
        """(role, text) of each message for that question, without the answer instruction."""
        values = template_values(question)
        return [(part.role, template(part.source).render(values)) for part in self.messages]

    def render_prompt(self, question: Question) -> str:
        """The text of the last user message alone: the form in which a demo repeats it."""
        return template(self.messages[-1].source).render(template_values(question))

    def render_instruction(self, question: Question) -> str:
        if not self.answer_instruction:
            return ""
        return template(self.answer_instruction).render(template_values(question))


def template_values(question: Question) -> Mapping[str, Any]:
    """What a task's templates may use: inputs by their columns, `choices` as lettered options, `metadata`.

    `inputs["a column"]` reaches columns whose names are no variable names.
    """
    values = dict(question.inputs)
    values.setdefault("inputs", question.inputs)
    values.setdefault("metadata", question.metadata)
    if question.choices:
        values["choices"] = lettered(question.choices)
    return values


def lettered(choices: tuple[str, ...]) -> str:
    """``A. first`` and so on, one a line; past Z the letters go on with AA, AB."""
    return "\n".join(f"{choice_letter(index)}. {text}" for index, text in enumerate(choices))


def choice_letter(index: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = string.ascii_uppercase[rest] + letters
    return letters
