"""EmotionPrompt: a sentence with feeling after the question."""

from __future__ import annotations

from typing import ClassVar

from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext


@technique("emotion_prompt")
class EmotionPrompt(Technique):
    """Li et al. 2023 (arXiv 2307.11760). The task's prompt and an emotional stimulus. One call.

    `stimulus` stands after the prompt, before the answer instruction.
    Records nothing but the call. Limit: effects are small and differ between models.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the stimulus after the prompt",
        chat="nothing",
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: emotion_prompt}"

    stimulus: str = "This is very important to my career."

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        return Answer(await ctx.ask(ctx.prompt(question, cue=self.stimulus)))
