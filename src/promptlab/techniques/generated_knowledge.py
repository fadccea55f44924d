"""Generated knowledge: the model states what it knows, then answers with it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_STATE = "{task}\n\nDo not answer. State in one or two sentences a fact that helps to answer this."


@technique("generated_knowledge")
class GeneratedKnowledge(Technique):
    """Liu et al. 2021 (arXiv 2110.08387). The model's own statements before the question. `count` + 1 calls.

    Calls "knowledge" draw `count` statements at `draw_temperature` 0.7; equal and empty ones are left out.
    Call "answer": the statements, then the task's prompt. As `context:` of another technique, the first ones.
    Records the statements. Limit: all statements stand in one prompt; what is false among them is believed.
    """

    gathers: ClassVar[bool] = True

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="knowledge sampled from the model, then the answer with it",
        chat="asked for in words instead of demos",
        rebuilt="one answer with all statements (the paper answers with each and takes the most confident)",
    )
    example: ClassVar[str] = "{technique: generated_knowledge, count: 3}"

    count: int = Field(default=3, ge=1, le=20)
    draw_temperature: float = Field(default=0.7, ge=0, le=2)

    def planned_calls(self, task: Task) -> Calls:
        return self.gathering_calls(task) + Calls()

    def gathering_calls(self, task: Task) -> Calls:
        return Calls(self.count, self.count, self.count)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        asked = ctx.words(question, filled(_STATE, task=ctx.task.render_prompt(question)))
        said = [
            (await ctx.ask(asked, name="knowledge", temperature=self.draw_temperature)).text.strip()
            for _ in range(self.count)
        ]
        kept = list(dict.fromkeys(filter(None, said)))
        ctx.note(knowledge=kept)
        return "\n".join(["Knowledge:", *(f"- {each}" for each in kept)]) if kept else ""

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        return Answer(await ctx.ask(ctx.prompt(question)))
