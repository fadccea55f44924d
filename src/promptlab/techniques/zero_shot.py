"""Zero-shot: the task's prompt, nothing else."""

from __future__ import annotations

from typing import ClassVar, Literal

from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.cues import answer_cue


@technique("zero_shot")
class ZeroShot(Technique):
    """The task's prompt and its answer instruction. One call, temperature 0.

    `mode: paper` is the zero-shot baseline of Kojima et al. 2022 (arXiv 2205.11916): the prompt ends with
    the answer cue ("The answer (arabic numerals) is") instead of the task's answer instruction.
    Records the call. Limit: the reply's form is whatever the model makes of the instruction.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="one call at temperature 0; `mode: paper` ends with the cue of Kojima et al.",
        chat="the prompt is one user message",
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: zero_shot}"

    mode: Literal["task", "paper"] = "task"

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        if self.mode == "task":
            return Answer(await ctx.ask(ctx.prompt(question)))
        cue = answer_cue(ctx.task, question)
        cued = ctx.prompt(question, instruction=False, cue=f"{cue[0].upper()}{cue[1:]}")
        return Answer(await ctx.ask(cued))
