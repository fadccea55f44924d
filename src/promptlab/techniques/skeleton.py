"""Skeleton of thought: an outline, its points one by one, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled
from promptlab.techniques.least_to_most import subproblems

_OUTLINE = (
    "{task}\n\nDo not answer yet. Write only the skeleton of the answer: a numbered list of 3 to {points} "
    "points, 3 to 5 words each."
)
_EXPAND = (
    "{task}\n\nThe skeleton of the answer is:\n{outline}\n\n"
    "Write point {number} only, in one or two sentences."
)


@technique("skeleton")
class Skeleton(Technique):
    """Ning et al. 2023 (arXiv 2307.15337). An outline, then each point by itself. 1 + n calls.

    Call "skeleton": a list of at most `points` points. Calls "point": each one in turn, which sees the
    skeleton and no other point. The answer is the points, one after another; nothing else is asked. An empty
    skeleton is a failure. Records the outline. Limit: made for long answers and speed, not for correctness.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="points are written independently of each other and joined",
        chat="nothing",
        rebuilt="the wording; points are asked for in turn, not at once",
    )
    example: ClassVar[str] = "{technique: skeleton, points: 5}"

    points: int = Field(default=8, ge=2, le=20)

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 6, 1 + self.points)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = "\n\n".join(filter(None, (ctx.context, ctx.task.render_prompt(question))))
        text = filled(_OUTLINE, task=asked, points=str(self.points))
        outline = await ctx.ask(ctx.words(question, text), name="skeleton")
        found = subproblems(outline.text)[: self.points]
        ctx.note(outline=found)
        if not found:
            raise Unparsed("the skeleton has no point")
        listed = "\n".join(f"{number}. {point}" for number, point in enumerate(found, 1))
        written = []
        for number in range(1, len(found) + 1):
            text = filled(_EXPAND, task=asked, outline=listed, number=str(number))
            last = await ctx.ask(ctx.words(question, text), name="point")
            written.append(last.text.strip())
        whole = "\n".join(f"{number}. {text}" for number, text in enumerate(written, 1))
        return Answer(replace(last, text=whole))
