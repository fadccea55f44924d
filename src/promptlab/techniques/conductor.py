"""Meta-prompting: a conductor who calls in experts, each with fresh eyes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext

_HOW = (
    "You conduct experts to solve this. An expert knows nothing but what you write to it: no earlier "
    "message, not even the problem. To call one in, write its name and, between triple quotes, complete "
    "instructions:\n"
    'Expert Mathematician:\n"""\nWhat to do, with all that is needed\n"""\n'
    "Call one expert at a time and wait for its reply. Have the result checked by another expert. "
    "You have at most {rounds} rounds. When you are sure, write:\n"
    '>> FINAL ANSWER:\n"""\nthe answer\n"""'
)
_SAID = 'The {expert} says:\n"""\n{reply}\n"""'
_NEITHER = (
    "That calls no expert and states no answer. Call one expert, or give the final answer, in the form that "
    "was described."
)
_LAST = "This is the last round: give the final answer."
# Bounded repeats keep these linear in replies of any length.
_EXPERT = re.compile(r'(Expert [^:\n"]{1,60}):\s{0,8}"""(.*?)(?:"""|\Z)', re.DOTALL)
_FINAL = re.compile(r'FINAL ANSWER:\**\s{0,8}(?:"""(.*?)(?:"""|\Z)|([^\n]+))', re.DOTALL)


@technique("conductor")
class Conductor(Technique):
    """Meta-prompting (Suzgun et al. 2024, arXiv 2401.12954). A conductor and its experts. 1 to 31 calls.

    Calls "round 1", "round 2", …: the conversation so far. Where the reply calls an expert, call "expert" is
    its instructions alone, and its reply goes back into the conversation; where it gives the final answer,
    that ends it; where it does neither, the conductor is told so, and the round counts. In the last of
    `rounds` it is told to answer; without an answer then it is a failure. Records every round.
    Limit: a weak model keeps no such format.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact=(
            "one conductor, experts that see their instructions only, at most 16 rounds, a message on errors"
        ),
        chat="the request stands with the problem in one user message",
        rebuilt="all wording; no expert runs programs",
    )
    example: ClassVar[str] = "{technique: conductor, rounds: 8}"

    shows_demos = False

    rounds: int = Field(default=16, ge=1, le=50)

    def planned_calls(self, task: Task) -> Calls:
        high = 2 * self.rounds - 1
        return Calls(1, min(5, high), high)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        talk = ctx.prompt(question, cue=_HOW.format(rounds=self.rounds))
        trace: list[dict[str, str]] = []
        ctx.note(rounds=trace)
        for number in range(1, self.rounds + 1):
            reply = await ctx.ask(talk, name=f"round {number}")
            final, called = _FINAL.search(reply.text), _EXPERT.search(reply.text)
            # What stands after the first of them, it has made up.
            if final is not None and (called is None or final.start() < called.start()):
                given = (final[1] or final[2] or "").strip()
                trace.append({"answered": given})
                read = ctx.read(Answer(replace(reply, text=given)))
                return Answer(reply, read.value, rule=read.rule)
            if number == self.rounds:
                break
            if called is None:
                trace.append({"said": reply.text})
                back = _NEITHER
            else:
                expert, told = called[1], called[2].strip()
                said = await ctx.ask([Message("user", f"You are {expert}.\n\n{told}")], name="expert")
                trace.append({"expert": expert, "told": told, "replied": said.text})
                back = _SAID.format(expert=expert, reply=said.text.strip())
            if number == self.rounds - 1:
                back = f"{back}\n\n{_LAST}"
            talk = [*talk, Message("assistant", reply.text), Message("user", back)]
        raise Unparsed(f"no final answer within {self.rounds} rounds")
