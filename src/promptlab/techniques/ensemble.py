"""Ensemble: different prompts, one vote."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from promptlab.basics.errors import NoAnswer
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.scoring.extraction import Value
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.self_consistency import vote
from promptlab.techniques.settings import Inner
from promptlab.techniques.zero_shot import ZeroShot
from promptlab.techniques.zero_shot_cot import ZeroShotCoT


@technique("ensemble")
class Ensemble(Technique):
    """DiVeRSe without its verifier (Li et al. 2022, arXiv 2206.02336). A vote over techniques. Their calls.

    Every one of `members` (another technique, or the same with other settings) answers once; the unweighted
    majority of parsed answers wins, the first seen of several. Bare: zero_shot, zero_shot_cot with two
    triggers. Records every member's answer, the votes, and `agreement`.
    Limit: members of one model share its mistakes; a vote over models is not built.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="diverse prompts, one answer each, a majority",
        chat="nothing",
        rebuilt="no verifier weighs the votes",
    )
    example: ClassVar[str] = "{technique: ensemble, members: [zero_shot, zero_shot_cot, chain_of_thought]}"

    members: list[Inner] = Field(
        default_factory=lambda: [
            ZeroShot(),
            ZeroShotCoT(),
            ZeroShotCoT(trigger="Let's work this out carefully, and check it."),
        ],
        min_length=2,
        max_length=20,
    )

    def planned_calls(self, task: Task) -> Calls:
        total = Calls(0, 0, 0)
        for member in self.members:
            total += member.calls_in_all(task)
        return total

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        drawn: list[tuple[Answer, Value | None]] = []
        told: list[Any] = []
        for number, member in enumerate(self.members, 1):
            label = f"member {number} ({member.registered_name})"
            try:
                answer = await ctx.run(member, label=label)
            except NoAnswer as error:
                told.append(f"({error.kind}: {error.message})")
                continue
            read = ctx.read(answer)
            drawn.append((answer, read.value))
            told.append(read.value if read.value is not None else f"({read.failure})")
        ctx.note(members=told)
        return vote(drawn, len(self.members), ctx)
