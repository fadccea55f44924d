"""Analogical prompting: the model recalls problems like this one before it solves it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_CUE = (
    "First recall {count} problems that are related to this one and differ from each other, and solve each. "
    "Then solve this one, and end with a line that says: The answer is X."
)


@technique("analogical")
class Analogical(Technique):
    """Yasunaga et al. 2023 (arXiv 2310.01714). The model writes its own demos, then solves. One call.

    `examples` is how many problems it recalls.
    Records nothing but the call. Limit: a weak model recalls wrong solutions, and follows them.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="recall, then solve, in one reply; three examples",
        chat="nothing",
        rebuilt="the wording",
    )
    example: ClassVar[str] = "{technique: analogical, examples: 3}"

    examples: int = Field(default=3, ge=1, le=10)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        cue = filled(_CUE, count=str(self.examples))
        return Answer(await ctx.ask(ctx.prompt(question, cue=cue)))
