"""Zero-shot chain of thought: reason first, then state the answer."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from promptlab.datasets.sample import Question
from promptlab.datasets.task import AnswerType, Task
from promptlab.models.request import Completion, Message
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.cues import answer_cue


@technique("zero_shot_cot")
class ZeroShotCoT(Technique):
    """Kojima et al. 2022 (arXiv 2205.11916). Two calls: reason, then state the answer.

    Call "reason": the task's prompt and `trigger`. Call "answer": the same, the reply, and "Therefore,"
    with the cue of the answer type. `render: turns` gives the reply back as the assistant's turn; `single`
    puts all of it into one user message, as the paper's completion models read it. `mode: task` adds the
    task's answer instruction to the second call; `mode: paper` leaves it out. `extract: paper` reads the
    second reply by the paper's rule (numbers, choices and yes/no). `calls: 1` asks for reasoning and
    "The answer is X." in one reply. `reason_max_tokens` bounds the reasoning.
    Records both calls. Limit: it can hurt where the first impression is right (CommonsenseQA 68.8 → 64.6).
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="trigger, cues by answer type, two calls, the extractor for numbers, choices and yes/no",
        chat=(
            "the reasoning is given back as an assistant turn (`render: single`: one text, as in "
            "the paper); the cue for labels"
        ),
        rebuilt="the one-call mode",
    )
    example: ClassVar[str] = "{technique: zero_shot_cot, mode: paper, extract: paper}"

    trigger: str = "Let's think step by step."
    calls: Literal[1, 2] = 2
    render: Literal["turns", "single"] = "turns"
    mode: Literal["task", "paper"] = "task"
    extract: Literal["robust", "paper"] = "robust"
    reason_max_tokens: int | None = None

    def planned_calls(self, task: Task) -> Calls:
        return Calls(self.calls, self.calls, self.calls)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        stage: dict[str, Any] = (
            {} if self.reason_max_tokens is None else {"max_tokens": self.reason_max_tokens}
        )
        if self.calls == 1:
            cue = f"{self.trigger} Then end with a line that says: The answer is X."
            messages = ctx.prompt(question, cue=cue, instruction=self.mode == "task")
            return self._answer(await ctx.ask(messages, **stage), ctx.task)
        asked = ctx.prompt(question, instruction=False, cue=self.trigger)
        reasoning = await ctx.ask(asked, name="reason", **stage)
        cue = f"Therefore, {answer_cue(ctx.task, question)}"
        if self.render == "turns":
            messages = [*asked, Message("assistant", reasoning.text), Message("user", cue)]
        else:
            messages = [*asked[:-1], Message("user", f"{asked[-1].content}\n{reasoning.text}\n{cue}")]
        if self.mode == "task":
            messages = ctx.with_instruction(messages, question)
        return self._answer(await ctx.ask(messages), ctx.task)

    def _answer(self, reply: Completion, task: Task) -> Answer:
        if self.extract == "robust" or task.answer not in _PAPER_RULES:
            return Answer(reply)
        return Answer(reply, paper_extract(reply.text, task.answer), rule="kojima")


_PAPER_RULES = {
    AnswerType.NUMBER: re.compile(r"-?\d+\.?\d*"),
    AnswerType.CHOICE: re.compile(r"A|B|C|D|E"),
    AnswerType.YES_NO: re.compile(r"\b(?:yes|no)\b"),
}


def paper_extract(text: str, answer: AnswerType) -> str | None:
    """The paper's rule: delete commas, first match, strip a final dot. Its A|B|C|D|E has no word borders."""
    text = text.lower() if answer is AnswerType.YES_NO else text.replace(",", "")
    found = _PAPER_RULES[answer].search(text)
    return found.group().rstrip(".") if found else None
