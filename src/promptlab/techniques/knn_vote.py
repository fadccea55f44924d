"""The control of few-shot selection: a vote of the nearest train samples, without a model."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Completion
from promptlab.retrieval import DemoSpec
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext


@technique("knn_vote")
class KnnVote(Technique):
    """The control of KATE (Liu et al. 2021, arXiv 2101.06804). The majority among the nearest demos. No call.

    `demos` says how many, and how near is near; the majority of their targets is the answer, the nearest of
    several wins a tie. What few-shot with nearest demos gains over this, the model did.
    Records the demos and the votes. Limit: for closed sets of answers.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the majority target of the nearest train samples",
        chat="nothing: no model is asked",
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: knn_vote, demos: {count: 5, select: knn}}"

    demos: DemoSpec | None = Field(
        default_factory=lambda: DemoSpec(count=5, select="knn", order="nearest_first")
    )

    def planned_calls(self, task: Task) -> Calls:
        return Calls(0, 0, 0)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        demos = ctx.demos()
        votes = Counter(self.demo_reply(demo, ctx.task) for demo in demos)
        ctx.note(votes=dict(votes.most_common()))
        winner = max(votes, key=votes.__getitem__)  # the first of equals: they are in order
        return Answer(Completion(text=winner))
