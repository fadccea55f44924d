"""A comparison taken apart by what the samples say in a field: exploratory, outside every family.

The family that is corrected together is fixed by the file's primary score and baseline. Looking into parts of
the data set comes on top, so its differences stand with their intervals and an uncorrected p, and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.cells import CellResult
from promptlab.analysis.comparison import Breakdown, Pair, Part, PartPair, Verdict
from promptlab.analysis.families import CellName, PlannedPair
from promptlab.analysis.summaries import Measured, Seeds, compared, measure, score_summary
from promptlab.basics.hashing import short_digest

MAX_VALUES = 30  # a field with more is an id or a measure: no table of it would say anything
MIN_PAIRED = 10  # samples that both cells share; of fewer a difference says nothing
_DRAWS = 1_999  # of the sign-flip test: nothing here is corrected, so no smaller p is needed

_Key = tuple[str, str, str]


def break_down(
    field: str,
    cells: Sequence[CellResult],
    scorers: Sequence[str],
    plans: Sequence[PlannedPair],
    *,
    seed: int,
) -> Breakdown:
    """Every cell's scores per value of `field`, and the paired differences of `plans` per value.

    A cell whose data set lacks the field is not in it; a sample that lacks it has the value None.
    """
    having = [cell for cell in cells if field in cell.fields]
    values = _ordered({value for cell in having for value in cell.fields[field]})
    if len(values) > MAX_VALUES:
        return Breakdown(field, len(values), (), ())
    parts: list[Part] = []
    pairs: list[PartPair] = []
    for value in values:
        sliced = {_key(cell): _part_of(cell, cell.fields[field] == value) for cell in having}
        scores = {(key, scorer): measure(part, scorer) for key, part in sliced.items() for scorer in scorers}
        for key, part in sliced.items():
            if part.n:
                summaries = {name: score_summary(part, name, scores[key, name], seed) for name in scorers}
                parts.append(Part(value, CellName(*key), part.n, summaries))
        pairs += _pairs(field, value, plans, scores, seed)
    return Breakdown(field, len(values), tuple(parts), tuple(pairs))


def _pairs(
    field: str,
    value: str | None,
    plans: Sequence[PlannedPair],
    scores: dict[tuple[_Key, str], Measured],
    seed: int,
) -> Iterator[PartPair]:
    datasets = tuple(dict.fromkeys(key[2] for key, _ in scores))
    for plan in plans:
        wanted = datasets if plan.a.dataset is None else (plan.a.dataset,)
        sides = [
            tuple(scores.get(((name.variant, name.model, each), plan.scorer)) for each in wanted)
            for name in (plan.a, plan.b)
        ]
        having = [
            (a, b)
            for a, b in zip(*sides, strict=True)
            if a is not None and b is not None and np.intersect1d(a.samples, b.samples).size
        ]
        if not having or (plan.a.dataset is None and len(having) == 1):
            continue  # over one data set alone it would only be said twice
        drawn = ["breakdown", seed, field, value, plan.scorer, plan.a.to_json(), plan.b.to_json()]
        seeds = Seeds(seed, int(short_digest(drawn), 16))
        found, n, dropped = compared([a for a, _ in having], [b for _, b in having], seeds, _DRAWS)
        pair = Pair(
            scorer=plan.scorer,
            a=plan.a,
            b=plan.b,
            found=found if n >= MIN_PAIRED else None,
            dropped=dropped,
            p_adjusted=None,
            verdict=Verdict.NOT_TESTED,
            detectable=None,
            needed=None,
            planned=0,
            pending=0,
            missing_a=0,
            missing_b=0,
        )
        yield PartPair(value, n, pair)


def _part_of(cell: CellResult, where: NDArray[np.bool_]) -> CellResult:
    """The cell's trials on some of its samples; what was counted for the whole cell stays as it was."""
    return replace(
        cell,
        n=int(where.sum()),
        samples=cell.samples[where],
        repeats=cell.repeats[where],
        groups=None if cell.groups is None else cell.groups[where],
        answered=cell.answered[where],
        scores={name: values[where] for name, values in cell.scores.items()},
        corpus={name: replace(each, rows=each.rows[where]) for name, each in cell.corpus.items()},
    )


def _key(cell: CellResult) -> _Key:
    return cell.variant, cell.model, cell.dataset


def _ordered(values: set[str | None]) -> list[str | None]:
    """Numbers by size, texts by the alphabet, none at the end."""
    texts = sorted(value for value in values if value is not None)
    try:
        texts.sort(key=float)
    except ValueError:
        texts.sort(key=str.casefold)
    return [*texts, *([None] if None in values else [])]
