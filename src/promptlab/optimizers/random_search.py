"""The baseline of all optimizers: random demo sets and instruction candidates, the best on dev wins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.program import Program, demos_of
from promptlab.optimizers.search import Search
from promptlab.optimizers.writing import cleaned, solved
from promptlab.techniques.base import Fidelity, technique

# Draws in a row that give nothing new: the train split is exhausted.
_SEEN_IN_A_ROW = 50


@technique("random_search")
class RandomSearch(Optimizer):
    """No search at all: what every optimizer has to beat at the same `budget_calls`.

    `instructions` times the writing model reads a few random train rows and writes an instruction, once each
    (temperature 1). Then every round draws one of them, or none, and up to `shots` random demos, and scores
    that on dev. Ends with its budget. Records every draw with its score; the winner's is optimistic.
    Limit: its best dev score is selected, and so too high.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="a baseline: no source",
        chat="nothing",
        rebuilt="nothing",
    )
    example: ClassVar[str] = "{technique: random_search, budget_calls: 300}"

    instructions: int = Field(default=4, ge=0)
    shots: int = Field(default=4, ge=0)

    async def propose(self, search: Search) -> AsyncIterator[None]:
        rng = search.ctx.rng("random_search")
        known = [""]
        for number in range(self.instructions):
            shown = rng.sample(search.train, min(3, len(search.train)))
            told = await search.ask(
                f"{solved(shown, search.ctx)}\n\n"
                "Write one short instruction that tells somebody how to get such outputs from such inputs. "
                "Reply with the instruction only.",
                "propose",
                candidate=number,
                temperature=1.0,
            )
            if (text := cleaned(told)) and text not in known:
                known.append(text)
        seen = 0
        while seen < _SEEN_IN_A_ROW:
            count = rng.randint(0, min(self.shots, len(search.train)))
            demos = demos_of(rng.sample(search.train, count), search.ctx.task)
            program = Program(rng.choice(known), demos)
            if program.id in search.scores:
                seen += 1
                continue
            seen = 0
            await search.consider(program, f"{count} random demos")
            yield
