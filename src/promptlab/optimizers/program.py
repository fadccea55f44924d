"""What an optimizer looks for: an instruction and demos, and how they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.basics.hashing import short_digest
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import AnswerType, Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import rendered


@dataclass(frozen=True, slots=True)
class Demo:
    """A solved example as it is shown: what is asked, and the reply. `sample` is the train row's id."""

    prompt: str
    reply: str
    sample: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "prompt": self.prompt,
            "reply": self.reply,
            **({"sample": self.sample} if self.sample else {}),
        }


@dataclass(frozen=True, slots=True)
class Program:
    """A prompt: `instruction` stands before the task's own, the demos before that as turns.

    Without either it is the task's prompt as it is.
    """

    instruction: str = ""
    demos: tuple[Demo, ...] = ()

    @property
    def id(self) -> str:
        """Equal prompts have equal ids."""
        return short_digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        return {"instruction": self.instruction, "demos": [demo.to_json() for demo in self.demos]}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Program:
        """KeyError, TypeError or ValueError where it is no program."""
        demos = found.get("demos") or []
        if not isinstance(found["instruction"], str) or not all(isinstance(each, dict) for each in demos):
            raise ValueError("`instruction` is a text, `demos` a list of objects")
        return cls(
            found["instruction"],
            tuple(
                Demo(str(each["prompt"]), str(each["reply"]), str(each.get("sample", ""))) for each in demos
            ),
        )

    def text(self) -> str:
        """The prompt as people read it, for a diff."""
        parts = [f"[user]\n{demo.prompt}\n[assistant]\n{demo.reply}" for demo in self.demos]
        return "\n".join(
            [*parts, "[user]", *([self.instruction, ""] if self.instruction else []), "(the task)"]
        )


def demos_of(samples: Iterable[Sample], task: Task) -> tuple[Demo, ...]:
    """Train rows as demos: the task's prompt, and the target (a list's items together)."""
    return tuple(
        Demo(task.render_prompt(sample.question()), target_text(sample, task), sample.id)
        for sample in samples
    )


def target_text(sample: Sample, task: Task) -> str:
    """The accepted answer as the model should write it."""
    return ", ".join(sample.targets) if task.answer is AnswerType.LIST else sample.targets[0]


async def solve(program: Program, question: Question, ctx: TrialContext) -> Answer:
    """One call: the demos as turns, then instruction, task and answer instruction in one message."""
    if program.instruction:
        ctx.use_context(program.instruction)
    asked = ctx.prompt(question, demos=False)
    system = [message for message in asked if message.role == "system"]
    rest = [message for message in asked if message.role != "system"]
    form = ctx.cell.technique.format
    turns = [
        message
        for demo in program.demos
        for message in (
            Message("user", rendered([("task", demo.prompt)], form)),
            Message("assistant", demo.reply),
        )
    ]
    return Answer(await ctx.ask([*system, *turns, *rest]))
