"""RePrompt: step-by-step instructions, of which each round edits or adds one step."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from pydantic import Field

from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.grading import Scored
from promptlab.optimizers.program import Program
from promptlab.optimizers.search import Search
from promptlab.optimizers.writing import stands_in
from promptlab.techniques.base import Fidelity, technique

_HEAD = "Work through these steps:"
_EDIT = re.compile(r"^\s*EDIT\s+(\d+)\s*:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_ADD = re.compile(r"^\s*ADD\s*:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)


@technique("reprompt")
class RePrompt(Optimizer):
    """A reconstruction of Chen et al. 2024 (arXiv 2406.11132), which gives no algorithm box.

    The prompt gets step-by-step instructions (`steps` are the first). Each of at most `epochs` rounds runs a
    batch of `batch` train rows, has the writing model summarise from the histories the one point that goes
    wrong again and again, and has it edit or add one step, all at temperature 0. Histories hold replies and
    whether they were right, never the accepted answer. Ends when the steps stay as they are. Records each
    version. Nothing outside the steps is changed.
    Limit: at temperature 0 it ends at the first point the model sees; calls are a batch a round.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="batch, focus point, one step edited or added, at temperature 0",
        chat="instructions stand before the task",
        rebuilt="the loop: the paper gives no algorithm box",
    )
    example: ClassVar[str] = "{technique: reprompt, budget_calls: 300}"

    steps: tuple[str, ...] = Field(
        default=("Read the question with care.", "Work out the answer.", "Check it, then state it."),
        min_length=1,
    )
    epochs: int = Field(default=5, ge=1)
    batch: int = Field(default=8, ge=1)

    async def propose(self, search: Search) -> AsyncIterator[None]:
        rng = search.ctx.rng("reprompt")
        steps = self.steps
        await search.consider(_program(steps), "the first steps")
        yield
        for _ in range(self.epochs):
            rows = rng.sample(search.train, min(self.batch, len(search.train)))
            found = await search.score(_program(steps), rows)
            told = _histories(search, found.wrong if found else [])
            if not told:
                search.reject(_program(steps), "nothing went wrong in the batch that could be shown")
                return
            focus = await search.ask(
                f"A model followed these steps:\n{_listed(steps)}\n\nIts replies below were judged wrong.\n\n"
                f"{told}\n\nName the one point that goes wrong again and again, in one sentence.",
                "summarise",
                temperature=0.0,
            )
            reply = await search.ask(
                f"These are the steps of an instruction:\n{_listed(steps)}\n\nThis goes wrong: {focus}\n\n"
                "Change or add one step so that it does not. Reply with one line: `EDIT n: the new text of "
                "step n`, or `ADD: the text of a further step`, or `UNCHANGED`.",
                "edit",
                temperature=0.0,
            )
            changed = edited(steps, reply)
            if changed == steps:
                search.reject(_program(steps), "the steps stay unchanged")
                return
            before = search.best_score
            await search.consider(_program(changed), f"after: {focus.strip()[:200]}")
            steps = changed if search.best_score != before or before == 0.0 else steps
            yield


def edited(steps: tuple[str, ...], reply: str) -> tuple[str, ...]:
    """The steps with the one that the reply edits or adds; as they were for any other reply."""
    if edit := _EDIT.search(reply):
        number = int(edit[1])
        if 1 <= number <= len(steps):
            return (*steps[: number - 1], edit[2].strip(), *steps[number:])
    elif add := _ADD.search(reply):
        return (*steps, add[1].strip())
    return steps


def _program(steps: Sequence[str]) -> Program:
    return Program(f"{_HEAD}\n{_listed(steps)}")


def _listed(steps: Sequence[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _histories(search: Search, rows: Sequence[Scored]) -> str:
    """What went wrong, without the accepted answer: a reply that names it is left out."""
    shown = [row for row in rows if not any(stands_in(each, row.reply) for each in row.sample.targets)]
    return "\n\n".join(f"Input: {search.ctx.question(row.sample)}\nReply: {row.reply}" for row in shown)
