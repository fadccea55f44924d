"""What a run would send and cost, before it does: the trials that are missing, rehearsed without a provider.

Every missing trial (of a large cell a seeded sample) is run by its own technique against a door that answers
from the cache where it can, and with a placeholder where a call would be sent. So demos, instructions, draws
and equal prompts are those of the run itself; only the length of the replies has to be guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptlab.basics.hashing import seeded
from promptlab.basics.loop import run_sync
from promptlab.basics.templates import template
from promptlab.datasets import AnswerType
from promptlab.datasets.task import template_values
from promptlab.experiment import Cell, Plan, Trial
from promptlab.experiment.plan import identity
from promptlab.models import Model
from promptlab.runs.directory import RunDirectory, latest_run
from promptlab.runs.finished import Finished
from promptlab.runs.judge_estimate import JudgeEstimate, estimate_judge
from promptlab.runs.judging import bind
from promptlab.runs.optimizing import Workplace
from promptlab.runs.rehearsal import CacheView, rehearse
from promptlab.runs.span import Span
from promptlab.runs.tally import Tally

# Trials of a cell that are rehearsed one by one; beyond, a seeded sample stands for all.
SAMPLED_TRIALS = 300
# Dev rows that say what a search's calls are like.
SEARCHED_ROWS = 20


@dataclass(frozen=True)
class CellEstimate:
    """What the missing trials of one cell would take. Tokens are prompt and reply together.

    `cost_usd` is None where it is unknown; `why_unknown` then says what is missing. `approximate`: tokens
    are counted by characters; `unbounded`: no `max_tokens` bounds some reply; `sampled`: not every missing
    trial was looked at.
    """

    variant: str
    model: str
    dataset: str
    planned: int
    missing: int
    calls: Span
    tokens: Span
    cost_usd: Span | None
    why_unknown: str
    approximate: bool
    unbounded: bool
    sampled: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "variant": self.variant,
            "model": self.model,
            "dataset": self.dataset,
            "planned": self.planned,
            "missing": self.missing,
            **_amounts(self.calls, self.tokens, self.cost_usd),
        }


@dataclass(frozen=True)
class Estimate:
    """All chosen cells of a plan, and its judges. `cost_usd` is None where any cell's or judge's is;
    `known_usd` is "at least"."""

    cells: tuple[CellEstimate, ...]
    judges: tuple[JudgeEstimate, ...] = ()

    @property
    def parts(self) -> tuple[CellEstimate | JudgeEstimate, ...]:
        """Whatever takes calls."""
        return (*self.cells, *self.judges)

    @property
    def calls(self) -> Span:
        return Span.sum(cell.calls for cell in self.parts)

    @property
    def tokens(self) -> Span:
        return Span.sum(cell.tokens for cell in self.parts)

    @property
    def known_usd(self) -> Span:
        return Span.sum(cell.cost_usd for cell in self.parts if cell.cost_usd is not None)

    @property
    def unknown_cells(self) -> int:
        return sum(cell.cost_usd is None for cell in self.parts)

    @property
    def cost_usd(self) -> Span | None:
        return None if self.unknown_cells else self.known_usd

    @property
    def approximate(self) -> bool:
        return any(cell.approximate for cell in self.parts)

    @property
    def unbounded(self) -> bool:
        return any(cell.unbounded for cell in self.parts)

    @property
    def sampled(self) -> bool:
        return any(cell.sampled for cell in self.parts)

    def to_json(self) -> dict[str, Any]:
        """The object of `estimate --json`, but for the smallest difference that can be found."""
        return {
            **_amounts(self.calls, self.tokens, self.cost_usd),
            "known_cost_usd": self.known_usd.to_json(),
            "unknown_cost_cells": self.unknown_cells,
            "approximate": self.approximate,
            "sampled": self.sampled,
            "cells": [cell.to_json() for cell in self.cells],
            **({"judges": [judge.to_json() for judge in self.judges]} if self.judges else {}),
        }


def _amounts(calls: Span, tokens: Span, cost: Span | None) -> dict[str, Any]:
    return {
        "calls": calls.rounded(),
        "tokens": tokens.rounded(),
        "cost_usd": None if cost is None else cost.to_json(),
    }


def estimate(
    plan: Plan,
    home: Path,
    *,
    fresh: bool = False,
    use_cache: bool = True,
    sampled_trials: int = SAMPLED_TRIALS,
) -> Estimate:
    """What `execute` with the same plan and options would send now. Calls nothing.

    `fresh` leaves the finished trials of the latest run aside, `use_cache=False` what the cache holds.
    """
    run = None if fresh else latest_run(home, plan.spec.name)

    async def work() -> tuple[CellEstimate, ...]:
        async with CacheView.open(home if use_cache else None, plan.max_age_s()) as cache:
            place = Workplace(home, None, lambda message: None, use_cache and not fresh)
            return tuple([await _cell(plan, cell, run, cache, sampled_trials, place) for cell in plan.chosen])

    return Estimate(run_sync(work()), _judges(plan, run))


def estimate_searches(plan: Plan, cells: Sequence[Cell], place: Workplace) -> Estimate:
    """What looking for the prompts of these cells would send, without a trial. Calls nothing.

    Each call is taken to be like the task's own prompt on a few dev rows.
    """

    async def work() -> tuple[CellEstimate, ...]:
        return tuple([await _searches(plan, cell, place) for cell in cells])

    return Estimate(run_sync(work()))


async def _searches(plan: Plan, cell: Cell, place: Workplace) -> CellEstimate:
    await place.prepare(plan, cell, bool)
    tally = Tally(plan, cell, {})
    searches = place.searches(cell)
    if searches:
        rows = cell.dataset.samples("dev", 0, min(SEARCHED_ROWS, cell.dataset.sizes["dev"]))
        for number, sample in enumerate(rows):
            trial = Trial(cell, sample, number, 0, identity(cell, sample, 0))
            tally.add(await rehearse(trial, CacheView(None, None)))
        tally.forget_trials()
    for model, calls in searches:
        tally.search(calls, model)
    return _estimate(cell, tally, 1.0, planned=0, missing=0)


def _judges(plan: Plan, run: RunDirectory | None) -> tuple[JudgeEstimate, ...]:
    """Each judge on the chosen answers that it has not scored yet, those to come included."""
    cells = {
        index: {
            **cell.spec,
            "hash": cell.hash,
            "names": (cell.variant.name, cell.model.name, cell.dataset.name),
        }
        for index, cell in enumerate(plan.cells)
    }
    found = []
    for name, resolved in plan.scoring.judges.items():
        bound = bind(resolved, cells)
        answers, question = 0, ""
        for index, cell in enumerate(plan.cells):
            if not plan.selection.takes(cell) or bound.opponents[index] == index:
                continue
            with Finished(plan, cell, run) as finished:
                answers += plan.trials_in(cell) - finished.scored(bound.identity())
            first = cell.dataset.first().question()
            question = question or template(bound.questions[index]).render(template_values(first))
        answer = AnswerType(plan.spec.task.answer)
        found.append(estimate_judge(name, bound, answers, question, answer, plan.limits().rates))
    return tuple(found)


async def _cell(
    plan: Plan, cell: Cell, run: RunDirectory | None, cache: CacheView, most: int, place: Workplace
) -> CellEstimate:
    with Finished(plan, cell, run) as finished:
        numbers = finished.missing()
        picked = numbers
        if len(numbers) > most:
            rng = seeded(plan.spec.seed, "estimate", cell.dataset.name)
            picked = sorted(rng.sample(numbers, most))
        trials = [trial for trial in _trials(plan, cell, picked) if not finished.has(trial.identity)]
        tally = Tally(plan, cell, finished.usual() if trials else {})
    weight = len(numbers) / len(picked) if picked else 1.0
    searches: list[tuple[Model, Span]] = []
    if trials:
        await place.prepare(plan, cell, bool)
        searches = place.searches(cell)
        if searches:  # nobody knows the prompt yet, so no answer to it is in the cache
            cache = CacheView(None, None)
    for trial in trials:
        tally.add(await rehearse(trial, cache))
    for model, calls in searches:
        tally.search(calls, model, weight)
    return _estimate(cell, tally, weight, planned=plan.trials_in(cell), missing=round(len(trials) * weight))


def _estimate(cell: Cell, tally: Tally, weight: float, *, planned: int, missing: int) -> CellEstimate:
    return CellEstimate(
        cell.variant.name,
        cell.model.name,
        cell.dataset.name,
        planned=planned,
        missing=missing,
        calls=tally.calls.times(weight),
        tokens=tally.tokens.times(weight),
        cost_usd=None if tally.why_unknown else tally.usd.times(weight),
        why_unknown=tally.why_unknown,
        approximate=tally.approximate,
        unbounded=tally.unbounded,
        sampled=weight > 1,
    )


def _trials(plan: Plan, cell: Cell, numbers: Iterable[int]) -> Iterator[Trial]:
    """The trials of those numbers, in order."""
    at, sample = -1, None
    for number in numbers:
        position, repeat = divmod(number, plan.spec.repeats)
        if sample is None or position != at:
            at, sample = position, cell.dataset.sample("test", position)
        yield Trial(cell, sample, position, repeat, identity(cell, sample, repeat))
