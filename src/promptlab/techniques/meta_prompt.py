"""Meta prompting: the structure of a solution, without any example's content."""

from __future__ import annotations

from typing import ClassVar

from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext


@technique("meta_prompt")
class MetaPrompt(Technique):
    """Zhang et al. 2023 (arXiv 2311.11482). One structure-only prompt. One call.

    `structure` says what parts a solution has, and nothing of their content.
    Records nothing but the call. Limit: the structure has to fit the task; write your own.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="structure instead of examples; zero-shot",
        chat="the structure follows the problem in one message",
        rebuilt="the wording of the structure",
    )
    example: ClassVar[str] = "{technique: meta_prompt}"

    structure: str = (
        "Solve it in this structure:\n"
        "Given: [what is known]\nWanted: [what is asked]\nSolution:\nStep 1: [first step and its result]\n"
        "Step 2: [next step, until nothing is open]\nThe answer is [the result]."
    )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        return Answer(await ctx.ask(ctx.prompt(question, cue=self.structure)))
