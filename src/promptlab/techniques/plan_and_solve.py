"""Plan-and-solve: understand, plan, then carry the plan out."""

from __future__ import annotations

from typing import ClassVar, Literal

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.cues import answer_cue

TRIGGERS = {
    "ps": "Let's first understand the problem and devise a plan to solve the problem. "
    "Then, let's carry out the plan and solve the problem step by step.",
    "ps+": "Let's first understand the problem, extract the variables that matter with their numbers, and "
    "devise a plan. Then, let's carry out the plan, calculate the intermediate results (with care for the "
    "arithmetic and for common sense), solve the problem step by step, and show the answer.",
}


@technique("plan_and_solve")
class PlanAndSolve(Technique):
    """Wang et al. 2023 (arXiv 2305.04091). A plan and its execution in one reply. One call, two if need be.

    Call "reason": the task's prompt and the trigger. Call "answer": the same, the reply, and "Therefore,"
    with the cue of the answer type; it is made only where the first reply states no answer. `plan: ps+` also
    asks for variables and intermediate results (in our words); `trigger` replaces the text.
    An empty plan is a failure. Records whether the second call was made.
    Limit: a plan that is never carried out looks like reasoning.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the PS trigger; the extraction call with the cue of Kojima et al.",
        chat="the second call is made only where the first reply states no answer",
        rebuilt="the wording of PS+",
    )
    example: ClassVar[str] = "{technique: plan_and_solve, plan: ps+}"

    plan: Literal["ps", "ps+"] = "ps"
    trigger: str | None = None

    def planned_calls(self, task: Task) -> Calls:
        return Calls(1, 1.5, 2)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = ctx.prompt(question, instruction=False, cue=self.trigger or TRIGGERS[self.plan])
        reply = await ctx.ask(asked, name="reason")
        if not reply.text.strip():
            raise Unparsed("the plan is empty")
        stated = ctx.read(Answer(reply)).stated
        ctx.note(second_call=not stated)
        if stated:
            return Answer(reply)
        cue = f"Therefore, {answer_cue(ctx.task, question)}"
        messages = [*asked, Message("assistant", reply.text), Message("user", cue)]
        return Answer(await ctx.ask(ctx.with_instruction(messages, question)))
