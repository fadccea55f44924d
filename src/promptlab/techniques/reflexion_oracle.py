"""Reflexion as its paper measures it: the gold answer says when to stop."""

from __future__ import annotations

from typing import ClassVar

from promptlab.basics.errors import ExperimentError
from promptlab.datasets.sample import Question
from promptlab.datasets.task import AnswerType, Task
from promptlab.models.request import Completion
from promptlab.techniques.base import Answer, Calls, Fidelity, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.reflexion import Reflexion


@technique("reflexion_oracle", oracle=True)
class ReflexionOracle(Reflexion):
    """Shinn et al. 2023 (arXiv 2303.11366), told by the target when to stop. An oracle. 1 to 5 calls.

    As reflexion, but the sample's target decides: while an attempt is wrong and one is left, call "reflect",
    then "answer" with all reflections. The target is in no prompt; one bit, right or wrong by the answer
    type's own rule, is all that comes from it. Records attempts, verdicts, reflections.
    Limit: no method for use. Who may try until it is right does better by chance alone, so its rows are
    labelled "(oracle)", are no winners, and belong beside as many draws without reflections.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="actor, verbal reflections kept as memory, an evaluator that knows the gold (HotpotQA)",
        chat="each step is a conversation of its own",
        rebuilt="all wording",
    )
    example: ClassVar[str] = "{technique: reflexion_oracle, attempts: 3}"

    def planned_calls(self, task: Task) -> Calls:
        return Calls(1, self.attempts, 2 * self.attempts - 1)

    def check(self, ctx: CellContext) -> None:
        if ctx.task.answer is AnswerType.CODE:
            raise ExperimentError(
                "its verdict compares answers, and a program is right by its tests",
                field="technique",
                value=self.registered_name,
                remedy="Use reflexion.",
            )

    async def _verdict(self, asked: str, reply: Completion, question: Question, ctx: TrialContext) -> str:
        return "right" if ctx.is_right(Answer(reply)) else "wrong"
