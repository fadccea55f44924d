"""APE: guess the instruction from examples, keep what scores best."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.evaluation import Evaluation
from promptlab.optimizers.program import Program
from promptlab.optimizers.search import Search
from promptlab.optimizers.writing import cleaned, solved
from promptlab.techniques.base import Fidelity, technique


@technique("ape")
class Ape(Optimizer):
    """Zhou et al. 2022 (arXiv 2211.01910). Instructions induced from demos, chosen by their score on dev.

    For each of `subsamples` random sets of `demos_each` train rows the writing model says `draws` times
    (temperature 0.9) what the instruction was. Duplicates go; successive halving on growing parts of dev
    leaves one half after each round. Records each candidate, its score, and where it fell out.
    Limit: one call a candidate and dev row, so a small budget sees few candidates.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="5 × 5 demos, 0.9, execution accuracy",
        chat="asked in words",
        rebuilt="successive halving in place of resampling",
    )
    example: ClassVar[str] = "{technique: ape, budget_calls: 300}"

    subsamples: int = Field(default=5, ge=1)
    demos_each: int = Field(default=5, ge=1)
    draws: int = Field(default=2, ge=1)

    async def propose(self, search: Search) -> AsyncIterator[None]:
        rng = search.ctx.rng("ape")
        candidates: dict[str, Program] = {}
        for number in range(self.subsamples):
            shown = rng.sample(search.train, min(self.demos_each, len(search.train)))
            for draw in range(self.draws):
                told = await search.ask(
                    "I gave a friend an instruction and some inputs. From the instruction the friend wrote "
                    f"these outputs:\n\n{solved(shown, search.ctx)}\n\n"
                    "What was the instruction? Reply with the instruction only.",
                    "induce",
                    candidate=number * self.draws + draw,
                    temperature=0.9,
                )
                program = Program(cleaned(told))
                if not program.instruction:
                    search.reject(program, "an empty reply")
                elif program.id in candidates:
                    search.reject(program, "proposed before")
                else:
                    candidates[program.id] = program
        yield
        alive = {key: Evaluation(()) for key in candidates}
        size = max(1, len(search.dev) // max(1, len(alive)))
        while len(alive) > 1 and size < len(search.dev):
            for key, before in list(alive.items()):
                rows = search.dev[len(before.rows) : size]
                found = await search.score(candidates[key], rows)
                if found is None:
                    del alive[key]
                else:
                    alive[key] = Evaluation((*before.rows, *found.rows))
            ranked = sorted(alive, key=lambda key: -alive[key].mean)
            keep = max(1, (len(ranked) + 1) // 2)
            for key in ranked[keep:]:
                search.reject(candidates[key], f"{alive[key].mean:.3f} on {size} dev rows, the lower half")
            alive = {key: alive[key] for key in ranked[:keep]}
            size = min(len(search.dev), size * 2)
            yield
        for key in sorted(alive, key=lambda key: -alive[key].mean):
            await search.consider(candidates[key], "left after halving", known=alive[key])
        yield
