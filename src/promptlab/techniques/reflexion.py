"""Reflexion: try, judge, put into words what went wrong, try again with that in mind."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Completion
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled

_JUDGE = (
    "{task}\n\nA proposed answer: {answer}\n\nIs it right? Check it, then end with one word on a line of its "
    "own: right or wrong."
)
_REFLECT = (
    "{task}\n\nA wrong answer: {answer}\n\nWhy is it wrong, and what is to be done differently next time? "
    "Two sentences at most; do not answer."
)
_VERDICT = re.compile(r"\b(right|wrong)\b", re.IGNORECASE)


@technique("reflexion")
class Reflexion(Technique):
    """Shinn et al. 2023 (arXiv 2303.11366). Attempts with a memory of reflections. 2 to 8 calls.

    Calls "answer", "judge", "reflect" by turns: an attempt; the model's own verdict, at temperature 0; and
    where that is "wrong" a reflection, which stands before the next attempt with all earlier ones. It ends
    with a verdict "right", one that cannot be read, or after `attempts`. The target is never used
    (reflexion_oracle is told by it). Records attempts, verdicts, reflections.
    Limit: it knows no more than it answers.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="actor, evaluator and verbal reflections kept as memory",
        chat="each step is a conversation of its own",
        rebuilt=(
            "the evaluator is the model itself (for the paper's, which knows the gold: reflexion_oracle); "
            "all wording"
        ),
    )
    example: ClassVar[str] = "{technique: reflexion, attempts: 3}"

    attempts: int = Field(default=3, ge=1, le=10)

    def planned_calls(self, task: Task) -> Calls:
        high = 3 * self.attempts - 1
        return Calls(2, min(4, high), high)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = ctx.task.render_prompt(question)
        memory: list[str] = []
        trace: list[dict[str, Any]] = []
        while True:
            reply = await self._attempt(question, memory, ctx)
            trace.append({"attempt": reply.text, "verdict": await self._verdict(asked, reply, question, ctx)})
            ctx.note(attempts=trace)
            if trace[-1]["verdict"] != "wrong" or len(trace) == self.attempts:
                return Answer(reply)
            memory.append(await self._ask(_REFLECT, asked, reply, "reflect", question, ctx))
            trace[-1]["reflection"] = memory[-1]

    async def _verdict(self, asked: str, reply: Completion, question: Question, ctx: TrialContext) -> str:
        """What the evaluator says of an attempt: right, wrong or unreadable."""
        words = _VERDICT.findall(await self._ask(_JUDGE, asked, reply, "judge", question, ctx))
        return words[-1].lower() if words else "unreadable"

    async def _attempt(self, question: Question, memory: list[str], ctx: TrialContext) -> Completion:
        listed = "\n".join(f"- {each}" for each in memory)
        cue = f"Earlier attempts were wrong. Keep in mind:\n{listed}" if memory else ""
        return await ctx.ask(ctx.prompt(question, cue=cue))

    @staticmethod
    async def _ask(
        text: str, asked: str, reply: Completion, name: str, question: Question, ctx: TrialContext
    ) -> str:
        said = await ctx.ask(
            ctx.words(question, filled(text, task=asked, answer=reply.text)), name=name, temperature=0
        )
        return said.text.strip()
