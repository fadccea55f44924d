"""Step-back prompting: the general question first."""

from __future__ import annotations

from typing import ClassVar

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_STEP_BACK = (
    "{task}\n\nDo not answer. Step back, and write the more general question behind this one, about the "
    "concept or principle that it needs. Reply with that question only."
)


@technique("step_back")
class StepBack(Technique):
    """Zheng et al. 2023 (arXiv 2310.06117). Three calls: the question behind, its answer, then the question.

    Call "step back": a more general question. Call "principle": its answer. Call "answer": both before the
    task's prompt. As `context:` of another technique, the first two. Records both.
    Limit: where no principle is behind a question, it only costs.
    """

    gathers: ClassVar[bool] = True

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="abstraction first, then reasoning grounded on it",
        chat="asked for in words",
        rebuilt="the wording; no demos of step-back questions",
    )
    example: ClassVar[str] = "{technique: step_back}"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(3, 3, 3)

    def gathering_calls(self, task: Task) -> Calls:
        return Calls(2, 2, 2)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        text = filled(_STEP_BACK, task=ctx.task.render_prompt(question))
        behind = (await ctx.ask(ctx.words(question, text), name="step back")).text.strip()
        if not behind:
            ctx.note(step_back="")
            raise Unparsed("the step-back question is empty")
        principle = (await ctx.ask(ctx.words(question, behind), name="principle")).text.strip()
        ctx.note(step_back=behind, principle=principle)
        return f"{behind}\n{principle}"

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        ctx.use_context(await self.gather(question, ctx))
        return Answer(await ctx.ask(ctx.prompt(question)))
