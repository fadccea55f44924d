"""What an optimizer may do: ask its writing model, and have a prompt scored on rows it was given."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from promptlab.basics.errors import NoAnswer
from promptlab.basics.hashing import digest, seeded
from promptlab.datasets import Sample, Task
from promptlab.models.door import Door
from promptlab.models.request import Draw, Message, Model, Request
from promptlab.optimizers.grading import Grading, Scored
from promptlab.optimizers.program import Program, target_text
from promptlab.optimizers.rounds import Rounds
from promptlab.optimizers.spending import ScopedDoor, Spending
from promptlab.scoring.metric import Metric
from promptlab.techniques.base import Answer
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A program on some rows. A row without an answer scores 0."""

    rows: tuple[Scored, ...]

    @property
    def mean(self) -> float:
        return sum(row.score for row in self.rows) / len(self.rows) if self.rows else 0.0

    @property
    def wrong(self) -> list[Scored]:
        return [row for row in self.rows if not row.right]

    @property
    def answered(self) -> int:
        return sum(row.failure is None for row in self.rows)


class Evaluate(Protocol):
    """Scores a program on train or dev rows. Whole or not at all: CallsSpent where the budget is short."""

    async def __call__(
        self, program: Program, samples: Sequence[Sample], *, step: int, candidate: int
    ) -> Evaluation: ...

    async def graded(self, sample: Sample, answer: Answer | None, failure: Any = None) -> Scored:
        """The metric's score of an answer to a row, for programs that are not asked through here."""
        ...


@dataclass
class Trials:
    """Implements `Evaluate`: each row is a trial of the cell, through its door, counted and recorded."""

    cell: CellContext
    hash: str
    spending: Spending
    grading: Grading

    async def __call__(
        self, program: Program, samples: Sequence[Sample], *, step: int, candidate: int
    ) -> Evaluation:
        self.spending.need(calls_per_row(self.cell.model, self.grading.metric), len(samples))
        around = replace(self.cell, kept={"program": program}, _demos={}, _unstaged=None, compiling=None)
        found = await asyncio.gather(
            *(self._row(around, sample, f"{step}/{candidate}/{row}") for row, sample in enumerate(samples)),
            return_exceptions=True,  # those in flight are paid for
        )
        rows = []
        for each in found:
            if isinstance(each, BaseException):
                raise each
            rows.append(each)
        return Evaluation(tuple(rows))

    async def _row(self, around: CellContext, sample: Sample, place: str) -> Scored:
        assert self.cell.door is not None
        door = ScopedDoor(self.cell.door, self.spending, f"{self.hash}/{place}")
        ctx = TrialContext(around, door, sample.question(), 0)
        answer: Answer | None = None
        failure = None
        try:
            answer = await ctx.solve()
        except NoAnswer as error:
            failure = error.kind
        return await self.grading.grade(sample, answer, failure, ctx.trace)

    async def graded(self, sample: Sample, answer: Answer | None, failure: Any = None) -> Scored:
        """The metric's score of an answer to a row."""
        return await self.grading.grade(sample, answer, failure)


def calls_per_row(model: Model, metric: Metric, answer: int = 1) -> Counter[str]:
    """The most calls, by model, that one row of an evaluation takes: the answer's, and its judge's."""
    calls = Counter({model.name: answer})
    if metric.model is not None:
        calls[metric.model.name] += metric.calls
    return calls


@dataclass
class OptimizerContext:
    """What `compile` works with besides its rows: the task, the writing model, a generator, messages.

    There is no way from here to a test sample. `writer` is the model that writes prompts: the cell's own,
    or the optimizer's `prompt_model`; `writing` the sampling that the optimizer sets for it.
    """

    task: Task
    model: Model
    writer: Model
    seed: int
    hash: str
    spending: Spending
    door: Door
    timeout_s: float
    cell: str
    rounds: Rounds
    metric: Metric
    sampling: Mapping[str, Any] = field(default_factory=dict)
    writing: Mapping[str, Any] = field(default_factory=dict)
    allow_unsafe_code: bool = False
    _seen: Counter[str] = field(default_factory=Counter)

    def rng(self, *parts: Any) -> random.Random:
        """Seeded by the experiment, the optimization and `parts`."""
        return seeded(self.seed, self.hash, *parts)

    async def ask(
        self, text: str, *, name: str, step: int, candidate: int = 0, system: str = "", **sampling: Any
    ) -> str:
        """The writing model's reply to one message. Sampling of the model's own, then what is given here."""
        messages = (*([Message("system", system)] if system else []), Message("user", text))
        scope = f"{self.hash}/{step}/{candidate}/{name}"
        ordinal = self._seen[key := digest([scope, system, text])]
        self._seen[key] += 1
        values = {**self.writer.sampling, **sampling, **self.writing}
        request = Request(
            model=self.writer,
            messages=messages,
            sampling=values,
            defaults=frozenset(values.keys() - self.writer.sampling.keys() - self.writing.keys()),
            draw=Draw(0, ordinal),
            name=name,
            cell=self.cell,
            timeout_s=self.timeout_s,
        )
        return (await ScopedDoor(self.door, self.spending, scope).complete(request)).text

    def question(self, sample: Sample) -> str:
        """What the task asks of a row."""
        return self.task.render_prompt(sample.question())

    def target(self, sample: Sample) -> str:
        """A row's accepted answer. Never for a prompt that the evaluated model gets with that row."""
        return target_text(sample, self.task)
