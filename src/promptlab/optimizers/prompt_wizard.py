"""PromptWizard: mutate, score, critique, synthesise; then examples, reasoning, identity and keywords."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from promptlab.datasets import Sample
from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.evaluation import Evaluation
from promptlab.optimizers.grading import Scored
from promptlab.optimizers.program import Demo, Program, demos_of
from promptlab.optimizers.search import Search
from promptlab.optimizers.writing import END, START, between, cleaned, solved
from promptlab.techniques.base import Fidelity, technique

_SHOWN = 5  # rows that a critique reads


@technique("prompt_wizard")
class PromptWizard(Optimizer):
    """Agarwal et al. 2024 (arXiv 2405.18369). The instruction first, then the examples, each by critique.

    `rounds` times: `mutations` calls each write `variations` of the best instruction in other styles; each is
    scored on a batch of `batch` train rows, and on a second one unless it is behind by then; the model says
    what worked and what failed with the best of them and writes one refined instruction, which is scored on
    dev. Then `shots` examples: rows that went wrong among `train_rows`, filled up with others;
    `example_rounds` times a critique and synthetic ones; reasoning for each; an expert identity; the intent's
    keywords. Each is kept only where it scores better on dev. Records all of it.
    Limit: dozens of calls before the first example; the gain is that of the demo set found.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="mutate, score, critique, synthesise; then examples, reasoning, identity, keywords",
        chat="each step is a conversation of its own",
        rebuilt="all wording",
    )
    example: ClassVar[str] = "{technique: prompt_wizard, rounds: 3, budget_calls: 300}"

    rounds: int = Field(default=3, ge=0)
    mutations: int = Field(default=3, ge=1)
    variations: int = Field(default=5, ge=1)
    batch: int = Field(default=5, ge=1)
    train_rows: int = Field(default=25, ge=1)
    shots: int = Field(default=5, ge=0)
    example_rounds: int = Field(default=3, ge=0)
    reasoning: bool = True
    identity_line: bool = True
    keywords: bool = True

    async def propose(self, search: Search) -> AsyncIterator[None]:
        rng = search.ctx.rng("prompt_wizard")
        pool = rng.sample(search.train, min(self.train_rows, len(search.train)))
        for _ in range(self.rounds):
            chosen, batch = await self._mutated(search, rng.sample(pool, min(2 * self.batch, len(pool))))
            refined = await self._refined(search, chosen, batch)
            await search.consider(Program(chosen, search.best.demos), "the best variation")
            await search.consider(Program(refined, search.best.demos), "refined by critique")
            yield
        if self.shots:
            await self._examples(search, pool)
            yield
            for _ in range(self.example_rounds):
                await self._synthetic(search, pool)
                yield
            if self.reasoning and search.best.demos:
                await self._reasons(search)
                yield
        if self.identity_line:
            told = cleaned(
                await self._about(
                    search,
                    "identity",
                    "Describe in one sentence, beginning with "
                    '"You are", the expert who solves such tasks best.',
                )
            )
            await self._with_line(search, told, "an expert identity", before=True)
            yield
        if self.keywords:
            told = cleaned(
                await self._about(
                    search,
                    "keywords",
                    "Name three to five keywords of what is wanted, separated by commas, nothing else.",
                )
            )
            await self._with_line(search, f"Keywords: {told}" if told else "", "the intent's keywords")
            yield

    async def _mutated(self, search: Search, rows: Sequence[Sample]) -> tuple[str, Evaluation]:
        """The best of all variations on the batch, with what it did there."""
        first, second = rows[: self.batch], rows[self.batch :]
        instruction = search.best.instruction
        texts = [instruction]
        for number in range(self.mutations):
            told = await search.ask(
                f"This instruction is given for a task:\n{instruction or '(none yet)'}\n\n"
                f"Examples of the task:\n\n{solved(rows[:2], search.ctx)}\n\n"
                f"Write {self.variations} other instructions for it, each in another style of thinking. "
                f"Put each between {START} and {END}.",
                "mutate",
                candidate=number,
                temperature=1.0,
            )
            for text in between(told)[: self.variations]:
                if text not in texts:
                    texts.append(text)
        best, best_found = instruction, Evaluation(())
        for text in texts:
            program = Program(text, search.best.demos)
            found = await search.score(program, first)
            if found is not None and second and found.mean >= best_found.mean:
                more = await search.score(program, second)
                found = Evaluation((*found.rows, *(more.rows if more else ())))
            if found is None or (best_found.rows and found.mean <= best_found.mean):
                if found is not None:
                    search.reject(program, f"{found.mean:.3f} on {len(found.rows)} train rows, not the best")
                continue
            best, best_found = text, found
        return best, best_found

    async def _refined(self, search: Search, instruction: str, found: Evaluation) -> str:
        right = [row for row in found.rows if row.right][:_SHOWN]
        critique = await search.ask(
            f"The instruction was:\n{instruction or '(none)'}\n\n"
            f"It went right here:\n\n{_did(search, right) or '(nowhere)'}\n\n"
            f"It went wrong here:\n\n{_did(search, found.wrong[:_SHOWN]) or '(nowhere)'}\n\n"
            "Say briefly what in the instruction worked and what failed.",
            "critique",
            temperature=0.0,
        )
        told = await search.ask(
            f"The instruction was:\n{instruction or '(none)'}\n\nThis was said about it:\n{critique}\n\n"
            f"Write one refined instruction between {START} and {END}.",
            "synthesise",
            temperature=0.0,
        )
        return cleaned(told)

    async def _examples(self, search: Search, pool: Sequence[Sample]) -> None:
        """Negative examples first: rows that the best prompt gets wrong, then others."""
        found = await search.score(search.best, pool)
        wrong = [row.sample for row in found.wrong] if found else []
        ids = {sample.id for sample in wrong}
        shown = [*wrong, *(sample for sample in pool if sample.id not in ids)][: self.shots]
        program = replace(search.best, demos=demos_of(shown, search.ctx.task))
        await search.consider(program, f"{len(shown)} examples, those that went wrong first")

    async def _synthetic(self, search: Search, pool: Sequence[Sample]) -> None:
        shown = "\n\n".join(f"Input: {demo.prompt}\nOutput: {demo.reply}" for demo in search.best.demos)
        wrong = search.best_rows.wrong[:_SHOWN]
        critique = await search.ask(
            f"These examples are shown with a task:\n\n{shown or '(none)'}\n\n"
            f"The prompt goes wrong here:\n\n{_did(search, wrong) or '(nowhere)'}\n\n"
            "Say briefly what other examples would help.",
            "critique_examples",
            temperature=0.0,
        )
        told = await search.ask(
            f"These are examples of a task:\n\n{solved(pool[:3], search.ctx)}\n\n{critique}\n\n"
            f"Write {self.shots} new examples of that form, each between {START} and {END}.",
            "synthesise_examples",
            temperature=0.0,
        )
        demos = tuple(demo for text in between(told) if (demo := _example(text)))[: self.shots]
        program = replace(search.best, demos=demos)
        if not demos:
            search.reject(program, "no synthetic example could be read")
            return
        await search.consider(program, f"{len(demos)} synthetic examples")

    async def _reasons(self, search: Search) -> None:
        demos = []
        for number, demo in enumerate(search.best.demos):
            told = await search.ask(
                f"Input: {demo.prompt}\nOutput: {demo.reply}\n\n"
                "Give the reasoning that leads from this input to this output, in at most three sentences.",
                "reason",
                candidate=number,
                temperature=0.0,
            )
            demos.append(replace(demo, reply=f"{told.strip()} The answer is {demo.reply}."))
        await search.consider(replace(search.best, demos=tuple(demos)), "reasoning for each example")

    async def _about(self, search: Search, name: str, wanted: str) -> str:
        examples = solved(search.train[:2], search.ctx)
        instruction = search.best.instruction or "(none)"
        return await search.ask(
            f"The instruction of a task:\n{instruction}\n\nExamples of it:\n\n{examples}\n\n{wanted}",
            name,
            temperature=0.0,
        )

    async def _with_line(self, search: Search, line: str, why: str, *, before: bool = False) -> None:
        parts = [line, search.best.instruction] if before else [search.best.instruction, line]
        program = replace(search.best, instruction="\n".join(filter(None, parts)))
        if not line:
            search.reject(program, f"{why}: an empty reply")
            return
        await search.consider(program, why)


def _did(search: Search, rows: Sequence[Scored]) -> str:
    """Train or dev rows with what was answered and what was wanted, for the writing model."""
    ctx = search.ctx
    return "\n\n".join(
        f"Input: {ctx.question(row.sample)}\nAnswered: {row.reply}\nWanted: {ctx.target(row.sample)}"
        for row in rows
    )


def _example(text: str) -> Demo | None:
    """A synthetic example in the form `Input: … Output: …`; None where it is none."""
    asked, found, stated = text.partition("Output:")
    asked = asked.strip().removeprefix("Input:").strip()
    return Demo(asked, stated.strip()) if found and asked and stated.strip() else None
