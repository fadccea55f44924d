"""Few-shot: solved examples before the question (in-context learning)."""

from __future__ import annotations

from pydantic import Field

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import seeded
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import AnswerType, Task
from promptlab.models.request import Message
from promptlab.retrieval import DemoSpec
from promptlab.techniques.base import Answer, Technique, technique
from promptlab.techniques.context import CellContext, TrialContext


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

    demos: DemoSpec = Field(default_factory=lambda: DemoSpec(count=4))

    def needs_train(self) -> bool:
        return True

    def drawn_once(self) -> str | None:
        return "demo set" if self.demos.drawn_once else None

    def redraws(self) -> frozenset[str]:
        order = {"order"} if self.demos.count > 1 else set()
        return frozenset(order | ({"demos"} if self.demos.drawn_once else set()))

    async def prepare(self, ctx: CellContext) -> None:
        ctx.select_demos(self.demos)

    def check(self, ctx: CellContext) -> None:
        first = ctx.dataset.first("test").question()
        for demo in ctx.select_demos(self.demos).select(first, seeded(ctx.seed)):
            if not demo.targets:
                raise ExperimentError(
                    "a train row without a target cannot be a demo", field="demos", value=demo.id
                )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        demos = ctx.demos()
        ctx.note(demos=[demo.id for demo in demos])
        asked = ctx.prompt(question, instruction=False)
        system = [message for message in asked if message.role == "system"]
        turns = [message for message in asked if message.role != "system"]
        shown = [self._turns(demo, ctx) for demo in demos]
        if self.demos.render == "turns":
            messages = [*system, *(message for demo in shown for message in demo), *turns]
        else:
            blocks = ["\n".join(str(message.content) for message in demo) for demo in [*shown, turns]]
            messages = [*system, Message("user", "\n\n".join(blocks))]
        return Answer(await ctx.ask(ctx.with_instruction(messages, question)))

    @staticmethod
    def _turns(demo: Sample, ctx: TrialContext) -> list[Message]:
        asked = ctx.prompt(demo.question(), instruction=False)
        return [
            *(message for message in asked if message.role != "system"),
            Message("assistant", demo_answer(demo, ctx.task)),
        ]


def demo_answer(demo: Sample, task: Task) -> str:
    """A demo's answer as the model should write it: the items of a list, else the first accepted text."""
    return ", ".join(demo.targets) if task.answer is AnswerType.LIST else demo.targets[0]
