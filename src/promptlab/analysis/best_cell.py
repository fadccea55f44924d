"""The best cell of a comparison in a few words, for a line among those of other experiments."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison, Pair, Verdict
from promptlab.analysis.families import CellName
from promptlab.analysis.verdict import Speaker


@dataclass(frozen=True)
class Best:
    """The variant and model with the highest primary score over all data sets, and what may be said of it.

    Oracles do not compete. `label` names what tells it from the others.
    """

    name: CellName
    label: str
    mean: float
    verdict: str


def best(comparison: Comparison) -> Best | None:
    """The best of a comparison; None where nothing has a score yet."""
    sums: dict[tuple[str, str], tuple[float, int]] = {}
    for cell in comparison.cells:
        score = cell.scores.get(comparison.primary)
        if score is None or score.interval is None or cell.result.oracle:
            continue
        total, n = sums.get((cell.name.variant, cell.name.model), (0.0, 0))
        found = score.interval
        sums[cell.name.variant, cell.name.model] = (total + found.mean * found.n, n + found.n)
    if not sums:
        return None
    variant, model = max(sums, key=lambda key: sums[key][0] / sums[key][1])
    total, n = sums[variant, model]
    datasets = {cell.name.dataset for cell in comparison.cells}
    name = CellName(variant, model, datasets.pop() if len(datasets) == 1 else None)
    variants, models = ({key[part] for key in sums} for part in (0, 1))
    label = f"{variant} with {model}" if len(models) > 1 and len(variants) > 1 else variant
    if len(variants) == 1 and len(models) > 1:
        label = model
    return Best(name, label, total / n, _verdict(name, comparison))


def _verdict(name: CellName, comparison: Comparison) -> str:
    oracles = {cell.name.variant for cell in comparison.cells if cell.result.oracle}
    bouts = [
        pair
        for pair in comparison.pairs
        if pair.scorer == comparison.primary
        and pair.in_family
        and name in (pair.a, pair.b)
        and not oracles & {pair.a.variant, pair.b.variant}
    ]
    if not bouts:
        return "nothing to compare with"
    if any(pair.verdict is Verdict.UNFINISHED for pair in bouts):
        return "no verdict yet"
    lost = [pair for pair in bouts if not _won(pair, name)]
    if len(bouts) == 1:
        return _alone(bouts[0], name, comparison)
    if not lost:
        return f"beats all {len(bouts)} others"
    beaten = len(bouts) - len(lost)
    return f"beats {words.count(beaten) if beaten else 'none'} of {words.count(len(bouts))} others"


def _alone(pair: Pair, name: CellName, comparison: Comparison) -> str:
    a, b = Speaker(comparison).sides(pair)
    other = b if pair.a == name else a
    if _won(pair, name):
        return f"beats {other}"
    if pair.verdict is Verdict.NOT_DISTINGUISHABLE:
        return "not distinguishable"
    return "no winner: too many errors" if pair.verdict is Verdict.ERRORS else "no verdict"


def _won(pair: Pair, name: CellName) -> bool:
    return pair.verdict is (Verdict.BEATS if pair.a == name else Verdict.LOSES)
