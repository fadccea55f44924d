"""From the cells' trials to the comparison: summaries, paired differences, Holm, verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from promptlab.analysis.breakdown import MAX_VALUES, break_down
from promptlab.analysis.cell_scores import CorpusScores
from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.comparison import CellSummary, Comparison, Pair, Status, Verdict
from promptlab.analysis.families import CellName, PlannedPair, planned_pairs
from promptlab.analysis.holm import holm
from promptlab.analysis.paired import Difference, differences
from promptlab.analysis.power import ALPHA, min_detectable, samples_needed
from promptlab.analysis.samples import PairedScores, SampleScores, paired, pooled
from promptlab.analysis.sign_flips import DRAWS
from promptlab.analysis.summaries import Measured, Seeds, compared, measure, score_summary
from promptlab.basics.hashing import short_digest

_MOST_DRAWS = 99_999
_DRAWS_PER_COMPARISON = 100  # the smallest p that draws can give must stay below 0.05 / family size


def compare(
    cells: Sequence[CellResult],
    family: Family,
    *,
    seed: int,
    status: Status,
    run: str,
    experiment: str,
    sent_calls: int,
    notes: Sequence[str] = (),
    plans: Sequence[PlannedPair] | None = None,
    breakdown: Sequence[str] = (),
) -> Comparison:
    """Compares all cells of the file, finished or not. The same input and seed give the same digits.

    Give every cell that the file plans, also when only some are to be shown (`Comparison.filtered`):
    the correction counts them all. `breakdown` names fields of the samples to take the comparison apart by.
    `plans` are the pairs to compare (default: those of the family).
    """
    if len({(cell.variant, cell.model, cell.dataset) for cell in cells}) != len(cells):
        raise ValueError("two cells have the same variant, model and data set")
    measured = {
        scorer: {CellName(cell.variant, cell.model, cell.dataset): _Measured(cell, scorer) for cell in cells}
        for scorer in family.scorers
    }
    datasets = tuple(dict.fromkeys(cell.dataset for cell in cells))
    plans = list(planned_pairs(cells, family)) if plans is None else plans
    pairs: list[Pair] = []
    sizes: dict[str, int] = {}
    for scorer in family.scorers:
        of_scorer = [plan for plan in plans if plan.scorer == scorer]
        sizes[scorer] = sum(plan.in_family for plan in of_scorer)
        sides = [_sides(plan, measured[scorer], datasets) for plan in of_scorer]
        draws = min(_MOST_DRAWS, max(DRAWS, _DRAWS_PER_COMPARISON * sizes[scorer] - 1))
        outcomes = _outcomes(sides, seed, _flip_seed(seed, scorer), draws)
        found = [each for each, _ in outcomes]
        adjusted = iter(
            holm(
                [
                    each.p if each else None
                    for plan, each in zip(of_scorer, found, strict=True)
                    if plan.in_family
                ]
            )
        )
        pairs += [
            _pair(
                plan,
                side,
                each,
                dropped,
                next(adjusted) if plan.in_family else None,
                sizes[scorer],
                family,
            )
            for plan, side, (each, dropped) in zip(of_scorer, sides, outcomes, strict=True)
        ]
    asked = [plan for plan in plans if plan.in_family and plan.scorer == family.headline]
    breakdowns = tuple(break_down(field, cells, family.scorers, asked, seed=seed) for field in breakdown)
    too_many = [
        f"breakdown by {each.field} left out: it has {each.values:,} values, at most {MAX_VALUES} are shown"
        for each in breakdowns
        if each.values > MAX_VALUES
    ]
    return Comparison(
        run=run,
        experiment=experiment,
        status=status,
        sent_calls=sent_calls,
        seed=seed,
        family=family,
        cells=tuple(_summary(cell, family, measured, seed) for cell in cells),
        pairs=tuple(pairs),
        family_sizes=sizes,
        notes=(*notes, *too_many),
        breakdowns=breakdowns,
    )


class _Measured:
    """A cell under one scorer: its scores per sample and how many of its ended trials have none."""

    def __init__(self, cell: CellResult, scorer: str) -> None:
        self.cell = cell
        self.scores: Measured = measure(cell, scorer)
        trials = cell.scores.get(scorer)
        scored = 0 if trials is None else int(np.isfinite(trials).sum())
        self.missing = cell.errors + max(0, cell.n - scored)  # errors of calls, and of judges


_Side = tuple[_Measured, ...]  # one cell per data set


def _sides(
    plan: PlannedPair, measured: Mapping[CellName, _Measured], datasets: Sequence[str]
) -> tuple[_Side, _Side]:
    wanted = datasets if plan.a.dataset is None else (plan.a.dataset,)
    a, b = (
        tuple(measured[CellName(name.variant, name.model, dataset)] for dataset in wanted)
        for name in (plan.a, plan.b)
    )
    return a, b


def _outcomes(
    sides: Sequence[tuple[_Side, _Side]], seed: int, flip_seed: int, draws: int
) -> list[tuple[Difference | None, int]]:
    """Each pair's difference and how many samples it drops. Signs are flipped for all pairs at once."""
    if any(isinstance(each.scores, CorpusScores) for a, b in sides for each in (*a, *b)):
        found = [
            compared([each.scores for each in a], [each.scores for each in b], Seeds(seed, flip_seed), draws)
            for a, b in sides
        ]
        return [(difference, dropped) for difference, _, dropped in found]
    shared = [_shared(*side) for side in sides]
    return [
        (each, scores.dropped)
        for each, scores in zip(differences(shared, flip_seed, draws), shared, strict=True)
    ]


def _shared(a: _Side, b: _Side) -> PairedScores:
    parts = [
        paired(one.scores, other.scores)
        for one, other in zip(a, b, strict=True)
        if isinstance(one.scores, SampleScores) and isinstance(other.scores, SampleScores)
    ]
    return parts[0] if len(parts) == 1 else pooled(parts)


def _flip_seed(seed: int, scorer: str) -> int:
    return int(short_digest(["sign_flip", seed, scorer]), 16)


def _summary(
    cell: CellResult, family: Family, measured: Mapping[str, Mapping[CellName, _Measured]], seed: int
) -> CellSummary:
    name = CellName(cell.variant, cell.model, cell.dataset)
    return CellSummary(
        cell,
        {
            scorer: score_summary(cell, scorer, measured[scorer][name].scores, seed)
            for scorer in family.scorers
        },
    )


def _pair(
    plan: PlannedPair,
    sides: tuple[_Side, _Side],
    found: Difference | None,
    dropped: int,
    p_adjusted: float | None,
    size: int,
    family: Family,
) -> Pair:
    planned = [sum(each.cell.planned for each in side) for side in sides]
    missing = [sum(each.missing for each in side) for side in sides]
    pending = sum(each.cell.pending for side in sides for each in side)
    detectable = needed = None
    if plan.in_family and found is not None:
        detectable = min_detectable(found.units, found.discordance, comparisons=size, binary=found.binary)
        needed = _samples_for(family.min_effect, found, size)
    return Pair(
        scorer=plan.scorer,
        a=plan.a,
        b=plan.b,
        found=found,
        dropped=dropped,
        p_adjusted=p_adjusted,
        verdict=_verdict(plan, found, p_adjusted, pending, planned, missing),
        detectable=detectable,
        needed=needed,
        planned=sum(planned),
        pending=pending,
        missing_a=missing[0],
        missing_b=missing[1],
    )


def _samples_for(effect: float, found: Difference, comparisons: int) -> int:
    units = samples_needed(effect, found.discordance, comparisons=comparisons, binary=found.binary)
    return math.ceil(units * found.n / found.units)  # groups of the size seen here


def _verdict(
    plan: PlannedPair,
    found: Difference | None,
    p_adjusted: float | None,
    pending: int,
    planned: Sequence[int],
    missing: Sequence[int],
) -> Verdict:
    if not plan.in_family:
        return Verdict.NOT_TESTED
    if pending:
        return Verdict.UNFINISHED
    if found is None or p_adjusted is None:
        return Verdict.NO_DATA
    if p_adjusted >= ALPHA:
        return Verdict.NOT_DISTINGUISHABLE
    rates = [lost / max(1, total) for lost, total in zip(missing, planned, strict=True)]
    if abs(rates[0] - rates[1]) > abs(found.diff):
        return Verdict.ERRORS
    return Verdict.BEATS if found.diff > 0 else Verdict.LOSES
