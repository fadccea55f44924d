"""Prompt chain: templates one after another, each may use what came before."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import did_you_mean
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task, template_values
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext


class ChainStep(BaseModel):
    """One call: its `name`, by which later steps use its reply, and its `prompt`, a template."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    prompt: str

    @field_validator("prompt")
    @classmethod
    def _parsed(cls, prompt: str) -> str:
        try:
            template(prompt)
        except TemplateError as error:
            raise ValueError(error.message) from None
        return prompt


_BARE = [
    ChainStep(
        name="facts",
        prompt="{{ task }}\n\nDo not answer yet. List what matters for it, word for word where you can.",
    ),
    ChainStep(name="answer", prompt="{{ task }}\n\nWhat matters:\n{{ facts }}\n\nNow answer."),
]


@technique("prompt_chain")
class PromptChain(Technique):
    """Prompt chaining (promptingguide.ai). `steps` in order, each one call; the last reply is the answer.

    A step is `{name: draft, prompt: "…"}`; its prompt is a template over the sample's columns, `task` (the
    task's prompt), `context` if there is one, and the replies of earlier steps by their names. A name that
    nothing fills is an error before the first call. The answer instruction stands in the last step.
    Bare: facts first, then the answer. Records every reply by its step.
    Limit: a mistake of an early step is handed on.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="ordered prompts with named outputs",
        chat="each step is a conversation of its own",
        rebuilt="the bare two-step chain",
    )
    example: ClassVar[str] = (
        '{technique: prompt_chain, steps: [{name: draft, prompt: "Translate: {{ text }}"}, '
        '{name: final, prompt: "Improve: {{ draft }}"}]}'
    )

    shows_demos = False

    steps: list[ChainStep] = Field(default_factory=lambda: list(_BARE), min_length=1, max_length=50)

    @field_validator("steps")
    @classmethod
    def _names_differ(cls, steps: list[ChainStep]) -> list[ChainStep]:
        names = [step.name for step in steps]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two steps are named {twice!r}")
        return steps

    def planned_calls(self, task: Task) -> Calls:
        count = len(self.steps)
        return Calls(count, count, count)

    def check(self, ctx: CellContext) -> None:
        first = ctx.dataset.first()
        known = {*template_values(first.question()), *ctx.dataset.columns, "task"}
        known |= {"context"} if self.context is not None else set()
        if self.context is not None and not any("context" in self._needs(step) for step in self.steps):
            raise ExperimentError("no step uses {{ context }}", field="context", remedy="Use it in a step.")
        for number, step in enumerate(self.steps):
            if step.name in known:
                raise ExperimentError(
                    "that name is taken by a column or an earlier value",
                    field=f"steps.{number}.name",
                    value=step.name,
                )
            for name in sorted(self._needs(step) - known):
                raise ExperimentError(
                    f"the template uses {{{{ {name} }}}}, but no column and no earlier step is named so",
                    field=f"steps.{number}.prompt",
                    remedy=did_you_mean(name, known - {"inputs", "metadata"}),
                )
            known.add(step.name)

    @staticmethod
    def _needs(step: ChainStep) -> frozenset[str]:
        return template(step.prompt).variables

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        values: dict[str, Any] = {**template_values(question), "task": ctx.task.render_prompt(question)}
        if self.context is not None:
            values["context"] = ctx.context
        for step in self.steps[:-1]:
            text = template(step.prompt).render(values)
            values[step.name] = (await ctx.ask(ctx.words(question, text), name=step.name)).text
            ctx.note(**{step.name: values[step.name]})
        text = template(self.steps[-1].prompt).render(values)
        return Answer(await ctx.ask(ctx.words(question, text, instruction=True), name=self.steps[-1].name))
