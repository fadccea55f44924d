"""Self-refine: the model criticises its own answer and rewrites it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.models.request import Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled


@technique("self_refine")
class SelfRefine(Technique):
    """Madaan et al. 2023 (arXiv 2303.17651). Answer, then feedback and rewrite, until it is good.

    Call "answer" at temperature 0; then up to `rounds` times "feedback" and "rewrite" at `refine_temperature`
    (0.7), in one growing conversation. A feedback with `stop_phrase` ends it. Two to 1 + 2 × `rounds` calls.
    The target is never used. Records the rounds and why it ended.
    Limit: models find fault with what is right, and praise what is wrong.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="answer, feedback, rewrite in one growing transcript; stop phrase or 4 rounds; no target",
        chat="turns instead of one text; feedback and rewrite are two calls for every task",
        rebuilt="all wording; the answer at temperature 0",
    )
    example: ClassVar[str] = "{technique: self_refine, rounds: 4}"

    rounds: int = Field(default=4, ge=1, le=20)
    refine_temperature: float = Field(default=0.7, ge=0, le=2)
    stop_phrase: str = Field(default="NOTHING TO IMPROVE", min_length=1)
    feedback: str = (
        "Check your last answer. Say precisely what is wrong with it or missing, and how to mend it. "
        "If nothing can be improved, reply only: {stop_phrase}"
    )
    rewrite: str = "Now write the answer again, improved by that feedback."

    def planned_calls(self, task: Task) -> Calls:
        return Calls(2, min(4, 1 + 2 * self.rounds), 1 + 2 * self.rounds)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        # The answer instruction stands in the call that answers, and in no earlier turn of the transcript.
        answer = await ctx.ask(ctx.prompt(question), temperature=0)
        transcript = [*ctx.prompt(question, instruction=False), Message("assistant", answer.text)]
        asked = Message("user", filled(self.feedback, stop_phrase=self.stop_phrase))
        rounds: list[dict[str, str]] = []
        ended = f"{self.rounds} rounds"
        for _ in range(self.rounds):
            transcript.append(asked)
            said = await ctx.ask(transcript, name="feedback", temperature=self.refine_temperature)
            rounds.append({"answer": answer.text, "feedback": said.text})
            if self.stop_phrase.casefold() in said.text.casefold():
                ended = "stop phrase"
                break
            transcript += [Message("assistant", said.text), Message("user", self.rewrite)]
            answer = await ctx.ask(
                ctx.with_instruction(transcript, question),
                name="rewrite",
                temperature=self.refine_temperature,
            )
            transcript.append(Message("assistant", answer.text))
        ctx.note(rounds=rounds, ended_by=ended)
        return Answer(answer)
