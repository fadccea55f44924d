"""Chain of verification: answer, plan checks, make them independently, answer again."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled
from promptlab.techniques.least_to_most import subproblems

_PLAN = (
    "Question: {task}\nAnswer: {draft}\n\nWrite questions by which the facts in this answer can be checked "
    "one by one, as a numbered list, nothing else."
)
_REVISE = (
    "{task}\n\nA first answer was: {draft}\n\nIts facts were checked:\n{checks}\n\n"
    "Answer again, in agreement with the checks."
)


@technique("chain_of_verification")
class ChainOfVerification(Technique):
    """Dhuliawala et al. 2023 (arXiv 2309.11495). Draft, checks, their answers, final answer. 3 + n calls.

    Call "draft": the task's prompt. Call "plan": questions that check it. Calls "check": each question alone,
    without the draft (the paper's factored form), at most `checks`. Call "answer": the draft and the checks.
    Where the plan has no question, the draft is the answer, and the record says so.
    Records draft and checks. Limit: the checks know no more than the model.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="four steps; checks are answered without sight of the draft",
        chat="each step is a conversation of its own",
        rebuilt="the wording; no demos",
    )
    example: ClassVar[str] = "{technique: chain_of_verification, checks: 3}"

    checks: int = Field(default=5, ge=1, le=20)

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, 3 + min(3, self.checks), 3 + self.checks)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        draft = await ctx.ask(ctx.prompt(question), name="draft")
        asked = ctx.task.render_prompt(question)
        text = filled(_PLAN, task=asked, draft=draft.text)
        plan = subproblems((await ctx.ask(ctx.words(question, text), name="plan")).text)
        ctx.note(draft=draft.text, planned_checks=len(plan))
        if not plan:
            ctx.note(ended_by="no check was planned")
            return Answer(draft)
        checked = []
        for check in plan[: self.checks]:
            reply = await ctx.ask(ctx.words(question, check), name="check")
            checked.append({"question": check, "answer": reply.text})
        ctx.note(checks=checked)
        told = "\n".join(f"{each['question']} {each['answer']}" for each in checked)
        text = filled(_REVISE, task=asked, draft=draft.text, checks=told)
        return Answer(await ctx.ask(ctx.words(question, text, instruction=True)))
