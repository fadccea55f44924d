"""A prompt as it stands in the editor: system prompt, template and answer instruction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from promptlab.basics.templates import template
from promptlab.datasets import AnswerType, PromptMessage, Question, Task
from promptlab.models import Message

# Given by every question, whatever its columns are.
_ALWAYS = frozenset({"inputs", "metadata"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is said to the model. `system`, `prompt` and `instruction` are templates, as in an experiment.

    `instruction` is the experiment's `answer_instruction`; `answer` and `labels` its answer type.
    """

    prompt: str
    system: str = ""
    instruction: str = ""
    answer: AnswerType = AnswerType.TEXT
    labels: tuple[str, ...] = ()

    def variables(self) -> list[str]:
        """The names to fill in, in the order they first appear. TemplateError: a part is no template."""
        parts = (self.system, self.prompt, self.instruction)
        names = {name for part in parts for name in template(part).variables} - _ALWAYS
        text = "\n".join(parts)
        return sorted(names, key=lambda name: (_first(name, text), name))

    def task(self) -> Task:
        """As a task of an experiment asks it."""
        messages = [PromptMessage("user", self.prompt)]
        if self.system.strip():
            messages.insert(0, PromptMessage("system", self.system))
        return Task(tuple(messages), self.answer, self.instruction, self.labels)

    def messages(self, question: Question) -> tuple[Message, ...]:
        """The messages for that question, as asking plainly sends them. TemplateError: a value is missing."""
        task = self.task()
        found = task.render(question)
        if instruction := task.render_instruction(question):
            found[-1] = ("user", f"{found[-1][1]}\n\n{instruction}")
        return tuple(Message(role, text) for role, text in found)  # type: ignore[arg-type]


def _first(name: str, text: str) -> int:
    found = re.search(rf"\{{[{{%][^}}]*?\b{re.escape(name)}\b", text)
    return found.start() if found else len(text)
