"""Tree of thoughts: propose next steps, value them, keep the best, go deeper."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import Field

from promptlab.basics.errors import Unparsed
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.context import TrialContext
from promptlab.techniques.formats import filled
from promptlab.techniques.least_to_most import subproblems

_PROPOSE = (
    "{task}\n\nSteps so far:\n{path}\n\nPropose up to {width} different next steps towards the answer, each "
    "in one line, as a numbered list. Do only one step."
)
_VALUE = (
    "{task}\n\nSteps so far:\n{path}\n\nCan the right answer be reached from here? "
    "Judge in a sentence, then end with one word on a line of its own: sure, likely or impossible."
)
_ANSWER = "{task}\n\nThese steps have been worked out:\n{path}\n\nAnswer on this ground."
# Yao et al. 2023, Game of 24.
VALUES = {"sure": 20.0, "likely": 1.0, "impossible": 0.001}
_WORD = re.compile(r"\b(sure|likely|impossible)\b", re.IGNORECASE)


@technique("tree_of_thoughts")
class TreeOfThoughts(Technique):
    """Yao et al. 2023 (arXiv 2305.10601). Breadth-first search over steps. Dozens of calls.

    At each of `depth` levels, call "propose" for each kept path; for each proposal `samples` calls "value" at
    `draw_temperature` 0.7, worth sure 20, likely 1, impossible 0.001 (no word: 0); the `keep` best paths go
    on, the earlier of equals. Call "answer": the best path, then the task's answer instruction. Where nothing
    is proposed at the first level it is a failure; later, the search ends there. Records every level.
    Limit: many calls; a weak model values everything alike.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="propose, value by three samples with 20 / 1 / 0.001, keep 5",
        chat="each call is a conversation of its own",
        rebuilt="all wording (the paper's prompts are made for each task); the closing answer call",
    )
    example: ClassVar[str] = "{technique: tree_of_thoughts, depth: 3, width: 3, keep: 5}"

    depth: int = Field(default=3, ge=1, le=10)
    width: int = Field(default=3, ge=1, le=10)
    keep: int = Field(default=5, ge=1, le=10)
    samples: int = Field(default=3, ge=1, le=10)
    draw_temperature: float = Field(default=0.7, ge=0, le=2)

    def planned_calls(self, task: Task) -> Calls:
        paths, total = 1, 1
        for _ in range(self.depth):
            total += paths * (1 + self.width * self.samples)
            paths = min(self.keep, paths * self.width)
        return Calls(2 + self.samples, total, total)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        asked = "\n\n".join(filter(None, (ctx.context, ctx.task.render_prompt(question))))
        kept: list[tuple[str, ...]] = [()]
        levels: list[Any] = []
        for level in range(self.depth):
            found: dict[tuple[str, ...], float] = {}
            for path in kept:
                for step in await self._propose(asked, path, question, ctx):
                    found.setdefault((*path, step), 0.0)
            if not found:
                if level == 0:
                    raise Unparsed("no first step was proposed")
                break
            for path in found:
                found[path] = await self._value(asked, path, question, ctx)
            kept = sorted(found, key=lambda path: -found[path])[: self.keep]
            levels.append([{"step": path[-1], "value": value} for path, value in found.items()])
            ctx.note(levels=levels)
        ctx.note(path=list(kept[0]))
        text = filled(_ANSWER, task=asked, path=_listed(kept[0]))
        return Answer(await ctx.ask(ctx.words(question, text, instruction=True)))

    async def _propose(
        self, asked: str, path: tuple[str, ...], question: Question, ctx: TrialContext
    ) -> list[str]:
        text = filled(_PROPOSE, task=asked, path=_listed(path), width=str(self.width))
        reply = await ctx.ask(ctx.words(question, text), name="propose", temperature=self.draw_temperature)
        return subproblems(reply.text)[: self.width]

    async def _value(self, asked: str, path: tuple[str, ...], question: Question, ctx: TrialContext) -> float:
        messages = ctx.words(question, filled(_VALUE, task=asked, path=_listed(path)))
        total = 0.0
        for _ in range(self.samples):
            reply = await ctx.ask(messages, name="value", temperature=self.draw_temperature)
            words = _WORD.findall(reply.text)
            total += VALUES[words[-1].lower()] if words else 0.0
        return round(total, 4)


def _listed(path: tuple[str, ...]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(path, 1)) or "(none yet)"
