"""OPRO: the model reads the best instructions so far with their scores, and writes better ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from pydantic import Field

from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.program import Program
from promptlab.optimizers.search import Search
from promptlab.optimizers.writing import END, START, cleaned, holds_answers, solved
from promptlab.techniques.base import Fidelity, technique


@technique("opro")
class Opro(Optimizer):
    """Yang et al. 2023 (arXiv 2309.03409). Each step shows the `top` prompts so far with scores.

    The worst come first, `exemplars` random train rows last; the writing model writes `proposals`
    instructions a step at temperature 1, for `steps` steps. Proposals that were seen before, are longer
    than `max_chars` or hold an answer of the exemplars are dropped. Records each with its score, and why it
    was dropped.
    Limit: the calls go to scoring; a weak writing model repeats itself.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="top 20 ascending, 3 exemplars, 8 proposals a step at 1",
        chat="one message a step",
        rebuilt="the wording of the request",
    )
    example: ClassVar[str] = "{technique: opro, steps: 10, budget_calls: 300}"

    steps: int = Field(default=10, ge=1)
    proposals: int = Field(default=8, ge=1)
    top: int = Field(default=20, ge=1)
    exemplars: int = Field(default=3, ge=0)
    max_chars: int = Field(default=500, ge=1)

    async def propose(self, search: Search) -> AsyncIterator[None]:
        rng = search.ctx.rng("opro")
        scored: dict[str, float] = {"": search.best_score or 0.0}
        for _ in range(self.steps):
            shown = rng.sample(search.train, min(self.exemplars, len(search.train)))
            best = sorted(scored.items(), key=lambda pair: pair[1])[-self.top :]
            ladder = "\n\n".join(f"{START}{text}{END}\nscore: {round(score * 100)}" for text, score in best)
            asked = (
                "Here are instructions with their scores from 0 to 100, the best ones last. The empty one "
                f"is the task without any instruction.\n\n{ladder}\n\n"
                f"These are examples of the task:\n\n{solved(shown, search.ctx)}\n\n"
                "Write a new instruction that is different from all of them and scores higher. "
                f"Write it between {START} and {END}, without any example in it."
            )
            # All of a step's proposals come from the same prompt: they do not know of each other.
            told = [
                await search.ask(asked, "propose", candidate=number, temperature=1.0)
                for number in range(self.proposals)
            ]
            for text in map(cleaned, told):
                program = Program(text)
                if not text:
                    search.reject(program, "an empty reply")
                elif text in scored:
                    search.reject(program, "seen before")
                elif len(text) > self.max_chars:
                    search.reject(program, f"longer than {self.max_chars} characters")
                elif holds_answers(text, shown, search.ctx.task):
                    search.reject(program, "it holds an answer of the examples")
                else:
                    score = await search.consider(program)
                    if score is not None:
                        scored[text] = score
            yield
