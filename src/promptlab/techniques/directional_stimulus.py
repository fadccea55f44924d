"""Directional stimulus: hints for this very question before it is answered."""

from __future__ import annotations

from typing import ClassVar

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_ASK = (
    "{task}\n\nDo not answer. Write three to six keywords that a good answer should touch on, on one line, "
    "separated by semicolons."
)


@technique("directional_stimulus")
class DirectionalStimulus(Technique):
    """Li et al. 2023 (arXiv 2302.11520). Keywords as a hint, then the answer. Two calls.

    Call "hint": keywords for this question. Call "answer": the task's prompt and "Hint: …". As `context:` of
    another technique, the first one. No keywords, no hint. Records the hint.
    Limit: the same model writes the hint; the paper trains a small one for it.
    """

    gathers: ClassVar[bool] = True

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="a hint of keywords for every question stands with it",
        chat="nothing",
        rebuilt="the hint is asked for, not written by a trained policy; the wording",
    )
    example: ClassVar[str] = "{technique: directional_stimulus}"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 2, 2)

    def gathering_calls(self, task: Task) -> Calls:
        return Calls(1, 1, 1)

    async def gather(self, question: Question, ctx: TrialContext) -> str:
        text = filled(_ASK, task=ctx.task.render_prompt(question))
        hint = " ".join((await ctx.ask(ctx.words(question, text), name="hint")).text.split())
        ctx.note(hint=hint)
        return f"Hint: {hint}" if hint else ""

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        hint = await self.gather(question, ctx)
        return Answer(await ctx.ask(ctx.prompt(question, cue=hint)))
