"""Chain of thought: demos that reason before they answer."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from promptlab.basics.errors import ExperimentError
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import AnswerType, Task
from promptlab.retrieval import DemoSpec, default_set
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext


@technique("chain_of_thought")
class ChainOfThought(Technique):
    """Wei et al. 2022 (arXiv 2201.11903). Demos that reason before they answer. One call, temperature 0.

    Each demo answers "{rationale} The answer is {y}."; `demos: {render: single}` writes `Q:` and `A:` in one
    message, as the paper's completion models read it. Demos come from train (`rationale:` names the column),
    from a `set`, or from a `demo_file`. Bare, it shows a demo set of promptlab's own by answer type.
    `extract: paper` takes the first number after the last "The answer is", else the last number.
    Records the demos and where they are from. Limit: the default demos are not those of your task.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact=(
            'rationale, then "The answer is y."; greedy; the number after the last phrase, else '
            "the last number"
        ),
        chat="demos as chat turns (`render: single`: `Q:` and `A:` in one text)",
        rebuilt="the demos: written here, the paper's are not copied",
    )
    example: ClassVar[str] = (
        "{technique: chain_of_thought, demos: {set: word_problems, render: single}, extract: paper}"
    )

    marks: ClassVar[tuple[str, str]] = ("Q: ", "A: ")

    extract: Literal["robust", "paper"] = "robust"

    def demo_spec(self, task: Task) -> DemoSpec:
        return self.demos or DemoSpec(set=default_set(task.answer))

    @property
    def uses_demo_sets(self) -> bool:
        return self.demos is None or self.demos.set is not None

    def demo_reply(self, demo: Sample, task: Task) -> str:
        stated = f"The answer is {super().demo_reply(demo, task)}."
        return f"{demo.rationale} {stated}" if demo.rationale else stated

    def check_demo(self, demo: Sample) -> None:
        super().check_demo(demo)
        if not demo.rationale:
            raise ExperimentError(
                "a demo without a rationale shows no chain of thought",
                field="demos",
                value=demo.id,
                remedy="Name the data's column, `rationale: COLUMN`, or use `demos: {set: NAME}`.",
            )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        reply = await ctx.ask(ctx.prompt(question))
        if self.extract == "paper" and ctx.task.answer is AnswerType.NUMBER:
            return Answer(reply, paper_number(reply.text), rule="wei")
        return Answer(reply)


_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def paper_number(text: str) -> str | None:
    """The first number after the last "The answer is"; where that is missing, the last number."""
    before, phrase, after = text.rpartition("The answer is")
    found = _NUMBER.findall(after if phrase else text)
    if phrase and not found:
        found = _NUMBER.findall(before)[-1:]
    return (found[0] if phrase else found[-1]).replace(",", "") if found else None
