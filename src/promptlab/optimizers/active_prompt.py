"""Active-Prompt: the demos worth explaining are those over which the model disagrees with itself."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import Sample, Task
from promptlab.models import Model
from promptlab.optimizers.artifact import Artifact, Tried
from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.evaluation import Evaluate, OptimizerContext, calls_per_row
from promptlab.optimizers.program import Demo, Program, target_text
from promptlab.optimizers.splits import clean_splits
from promptlab.scoring import AnswerForm, extract
from promptlab.techniques.base import Calls, Fidelity, technique
from promptlab.techniques.cell import CellContext


@technique("active_prompt")
class ActivePrompt(Optimizer):
    """Diao et al. 2023 (arXiv 2302.12246). The demos that the model is least sure of, with rationales.

    `pool` train rows, drawn once, are answered `draws` times each, zero-shot with a chain of thought at
    temperature 0.7, by the cell's model or by `prompt_model`. The `shots` rows of the highest `uncertainty`
    (how many different answers, or their entropy; an unreadable one counts as an answer) become the demos:
    "{rationale} The answer is {y}.", train's `rationale:` column for the annotation that people write in the
    paper. The task's own prompt and this one are scored on dev for the record; nothing is chosen by that.
    Records every row of the pool with its answers. Limit: rationales must be there before anybody asks.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="draws at 0.7, disagreement or entropy, the most uncertain become demos with rationales",
        chat="demos as chat turns",
        rebuilt="rationales of the data instead of annotators; a pool of 20; dev scores, for the record",
    )
    example: ClassVar[str] = "{technique: active_prompt, pool: 20, draws: 5, shots: 4}"

    shots: int = Field(default=8, ge=1)
    pool: int = Field(default=20, ge=1)
    draws: int = Field(default=5, ge=2)
    uncertainty: Literal["disagreement", "entropy"] = "disagreement"
    trigger: str = "Let's think step by step."

    def check(self, ctx: CellContext) -> None:
        super().check(ctx)
        explained = len(_explained(clean_splits(ctx.dataset, ctx.task).train))
        if explained < self.shots:
            raise ExperimentError(
                f"train has {explained} rows with a rationale",
                field="shots",
                value=self.shots,
                remedy="Name the data's column, `rationale: COLUMN`, or ask for fewer.",
            )
        if self.pool < self.shots:
            raise ExperimentError("the pool is smaller than that", field="shots", value=self.shots)

    def preflight(self, train: int, dev: int) -> None:
        least = self.pool * self.draws + 2
        if self.budget_calls < least:
            raise ExperimentError(
                f"asking the pool takes {self.pool} × {self.draws} calls, and dev some more",
                field="budget_calls",
                value=self.budget_calls,
                remedy=f"Give it more than {least}, or make pool or draws smaller.",
            )

    def compile_calls(self, ctx: CellContext) -> list[tuple[Model, Calls]]:
        splits = clean_splits(ctx.dataset, ctx.task)
        draws = min(self.pool, len(_explained(splits.train))) * self.draws
        most = min(self.budget_calls, draws + 2 * min(self.dev_rows, len(splits.dev)))
        return [
            (model, Calls(min(calls.low, most), min(calls.expected, most), min(calls.high, most)))
            for model, calls in super().compile_calls(ctx)
        ]

    async def compile(
        self, train: Sequence[Sample], dev: Sequence[Sample], evaluate: Evaluate, ctx: OptimizerContext
    ) -> Artifact:
        rows = _explained(train)
        pool = ctx.rng("active_prompt").sample(rows, min(self.pool, len(rows)))
        asked: list[tuple[float, Sample, list[str]]] = []
        for number, row in enumerate(pool):
            answers = await self._answers(row, number, ctx)
            asked.append((self._uncertainty(answers), row, answers))
        ranked = sorted(asked, key=lambda each: -each[0])
        program = Program(demos=tuple(_demo(row, ctx.task) for _, row, _ in ranked[: self.shots]))
        room = ctx.spending.room(calls_per_row(ctx.model, ctx.metric)) // 2
        before = await evaluate(Program(), dev[:room], step=1, candidate=0)
        ctx.rounds.ended(0, before.mean)
        after = await evaluate(program, dev[:room], step=1, candidate=1)
        ctx.rounds.ended(1, after.mean)
        calls = sum(ctx.spending.calls.values())
        told = [
            Tried(0, at, Program(demos=(demo,)), None, 0, at < self.shots, _told(score, found), calls)
            for at, (score, row, found) in enumerate(ranked)
            for demo in [_demo(row, ctx.task)]
        ]
        tried = [
            Tried(1, 0, Program(), before.mean, len(before.rows), True, "the task's own prompt", calls),
            Tried(
                1,
                1,
                program,
                after.mean,
                len(after.rows),
                True,
                "the most uncertain, whatever dev says",
                calls,
            ),
        ]
        history = tuple(each.to_json() for each in (*told, *tried))
        return Artifact(program, score=after.mean, score_before=before.mean, history=history)

    async def _answers(self, row: Sample, number: int, ctx: OptimizerContext) -> list[str]:
        """What the model answers, draw by draw; an answer that cannot be read is "(unreadable)"."""
        question = row.question()
        system = "\n\n".join(text for role, text in ctx.task.render(question) if role == "system")
        parts = (ctx.question(row), self.trigger, ctx.task.render_instruction(question))
        asked = "\n\n".join(filter(None, parts))
        draws = (
            ctx.ask(asked, name="draw", step=0, candidate=number, system=system, temperature=0.7)
            for _ in range(self.draws)
        )
        form = AnswerForm(ctx.task.answer, ctx.task.labels, question.choices)
        read = [extract(reply, form).value for reply in await asyncio.gather(*draws)]
        return ["(unreadable)" if value is None else str(value) for value in read]

    def _uncertainty(self, answers: Sequence[str]) -> float:
        """The share of different answers, or the entropy of their distribution in bits."""
        counts = Counter(answers)
        if self.uncertainty == "disagreement":
            return len(counts) / len(answers)
        shares = [count / len(answers) for count in counts.values()]
        return sum(share * math.log2(1 / share) for share in shares)


def _explained(rows: Iterable[Sample]) -> list[Sample]:
    """The rows that say why their answer is right."""
    return [row for row in rows if row.rationale]


def _demo(row: Sample, task: Task) -> Demo:
    stated = f"{row.rationale} The answer is {target_text(row, task)}."
    return Demo(task.render_prompt(row.question()), stated, row.id)


def _told(score: float, answers: Sequence[str]) -> str:
    counts = ", ".join(f"{answer} ×{count}" for answer, count in Counter(answers).most_common())
    return f"uncertainty {score:.3f}: {counts}"
