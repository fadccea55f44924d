"""Thread of thought: walk through a long context in parts, then answer."""

from __future__ import annotations

from typing import ClassVar

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.cues import answer_cue


@technique("thread_of_thought")
class ThreadOfThought(Technique):
    """Zhou et al. 2023 (arXiv 2311.08734). Two calls: go through the context part by part, then the answer.

    Call "reason": the prompt and `trigger`. Call "answer": the same, the reply, and "Therefore," with the cue
    of the answer type. Records both calls. Limit: made for long contexts.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="two calls, the second with the reply and a cue",
        chat="the reply is given back as a turn",
        rebuilt="the wording of the trigger",
    )
    example: ClassVar[str] = "{technique: thread_of_thought}"

    trigger: str = (
        "Go through this in parts that can be handled, step by step, summing up and analysing each."
    )

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 2, 2)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = ctx.prompt(question, instruction=False, cue=self.trigger)
        reply = await ctx.ask(asked, name="reason")
        cue = f"Therefore, {answer_cue(ctx.task, question)}"
        messages = [*asked, Message("assistant", reply.text), Message("user", cue)]
        return Answer(await ctx.ask(ctx.with_instruction(messages, question)))
