"""Self-consistency: several chains of thought, and a vote."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from pydantic import Field

from promptlab.basics.errors import ExperimentError, NoAnswer, Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.scoring.extraction import Value
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.chain_of_thought import ChainOfThought
from promptlab.techniques.context import TrialContext
from promptlab.techniques.settings import Inner


@technique("self_consistency")
class SelfConsistency(Technique):
    """Wang et al. 2022 (arXiv 2203.11171). `samples` independent draws of `inner`, and a majority vote.

    Calls: `samples` times those of `inner` (else of chain_of_thought), at `draw_temperature` 0.7.
    The vote is unweighted and over parsed answers: the first seen wins a tie, and a draw without an answer
    never votes. Records every draw's answer, the votes, and `agreement`: the winner's share of all draws.
    Limit: k draws cost k times as much; compare with `match_tokens: true`.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="independent draws at 0.7, unweighted majority of parsed answers, first seen wins a tie",
        chat="nothing",
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: self_consistency, samples: 5, inner: {technique: chain_of_thought}}"

    shows_demos = False

    inner: Inner = Field(default_factory=ChainOfThought)
    samples: int = Field(default=5, ge=1, le=100)
    draw_temperature: float = Field(default=0.7, gt=0, le=2)

    def planned_calls(self, task: Task) -> Calls:
        return self.inner.calls_in_all(task).times(self.samples)

    def check(self, ctx: CellContext) -> None:
        if ctx.sampling.get("temperature") == 0:
            raise ExperimentError(
                "draws at temperature 0 are all the same: that is no vote",
                field="temperature",
                value=0,
                remedy="Remove it; draws are at `draw_temperature`, 0.7.",
            )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        drawn: list[tuple[Answer, Value | None]] = []
        told: list[Any] = []
        for number in range(1, self.samples + 1):
            try:
                answer = await ctx.run(
                    self.inner, label=f"sample {number}", temperature=self.draw_temperature
                )
            except NoAnswer as error:
                told.append(f"({error.kind}: {error.message})")
                continue
            read = ctx.read(answer)
            drawn.append((answer, read.value))
            told.append(read.value if read.value is not None else f"({read.failure})")
        ctx.note(samples=told)
        return vote(drawn, self.samples, ctx)


def vote(drawn: list[tuple[Answer, Value | None]], asked: int, ctx: TrialContext) -> Answer:
    """The most frequent value, the first seen of several. Unparsed where nobody gave one."""
    votes = Counter(value for _, value in drawn if value is not None)
    if not votes:
        raise Unparsed(f"none of {asked} draws gave an answer that can be read")
    winner, count = max(votes.items(), key=lambda each: each[1])  # the first of equals: they are in order
    ctx.note(
        votes={str(value): number for value, number in votes.most_common()}, agreement=round(count / asked, 4)
    )
    reply = next(answer.reply for answer, value in drawn if value == winner)
    return Answer(reply, winner, rule="majority")
