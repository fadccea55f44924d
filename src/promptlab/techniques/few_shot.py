"""Few-shot: solved examples before the question (in-context learning)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.retrieval import DemoSpec
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext


@technique("few_shot")
class FewShot(Technique):
    """Brown et al. 2020 (arXiv 2005.14165). Demos from the train split, then the question. One call.

    `demos: 4` is short for `{count: 4}`; `select`, `order` and `ids` say which and in what order.
    `demos: {render: turns}` shows each demo as a user's and an assistant's turn; `single` writes them all
    into the one user message. The answer instruction stands once, with the question, never in a demo.
    Records the ids of the demos. The item that is asked, or its duplicate, is never its own demo.
    Limit: the result is that of this demo set; another draw may give another (`vary: [completion, demos]`
    with `repeats` draws several).
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="demos before the question; KATE: nearest by cosine, the order a setting",
        chat=(
            "demos as chat turns (`render: single`: one text); TF-IDF where no embedding model is configured"
        ),
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: few_shot, demos: {count: 8, select: knn, order: nearest_last}}"

    demos: DemoSpec | None = Field(default_factory=lambda: DemoSpec(count=4))

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        return Answer(await ctx.ask(ctx.prompt(question)))
