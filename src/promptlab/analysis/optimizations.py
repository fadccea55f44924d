"""What prompts cost to find, apart from what they cost to ask; when that is earned back; who beats chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promptlab.analysis import words
from promptlab.analysis.families import CellName

if TYPE_CHECKING:
    from promptlab.analysis.comparison import CellSummary, Comparison, Pair

RANDOM = "random_search"


@dataclass(frozen=True)
class Optimization:
    """One search: who, how many calls of its budget, their cost, and the dev score before and after.

    `dev` was selected on the same rows: it is optimistic. `cost_usd` is None where a price is unknown.
    """

    cell: CellName
    technique: str
    calls: int
    budget_calls: int | None
    cost_usd: float | None
    dev: float | None
    dev_before: float | None
    ending: str
    message: str

    def to_json(self, against: BreakEven | None) -> dict[str, Any]:
        return {
            **self.cell.to_json(),
            "technique": self.technique,
            "calls": self.calls,
            "budget_calls": self.budget_calls,
            "cost_usd": self.cost_usd,
            "dev_score": self.dev,
            "dev_score_before": self.dev_before,
            "ended": self.ending,
            "message": self.message,
            "break_even": against.to_json() if against else None,
        }


@dataclass(frozen=True)
class BreakEven:
    """From how many samples on the search has paid for itself against `variant`; None: never."""

    variant: str
    samples: int | None

    def to_json(self) -> dict[str, Any]:
        return {"variant": self.variant, "samples": self.samples}


def optimizations_of(manifest: Mapping[str, Any], cells: Sequence[str]) -> tuple[Optimization, ...]:
    """The searches of a run's current cells (by hash) in their order, as its manifest has them."""
    known = manifest.get("optimizations", {})
    current = [(cells.index(each["cell"]), key) for key, each in known.items() if each["cell"] in cells]
    return tuple(
        Optimization(
            CellName(each["variant"], each["model"], each["dataset"]),
            each["technique"],
            each["calls"],
            each["budget_calls"],
            each["cost_usd"],
            each["dev"],
            each["dev_before"],
            each["ending"],
            each["message"],
        )
        for _, key in sorted(current)
        for each in [known[key]]
    )


def break_even(found: Optimization, comparison: Comparison) -> BreakEven | None:
    """Against the baseline, else the best variant that nobody searched for. None where a cost is unknown."""
    own = _cell(found.cell, comparison)
    other = _reference(found, comparison)
    if own is None or other is None or found.cost_usd is None:
        return None
    mine, theirs = _per_trial(own), _per_trial(other)
    if mine is None or theirs is None:
        return None
    saved = theirs - mine
    if found.cost_usd == 0:
        return BreakEven(other.name.variant, 0) if saved >= 0 else BreakEven(other.name.variant, None)
    return BreakEven(other.name.variant, math.ceil(round(found.cost_usd / saved, 6)) if saved > 0 else None)


def optimization_sentences(comparison: Comparison) -> Iterator[str]:
    """What each search cost and when that is earned back, then who beats random search."""
    for found in comparison.optimizations:
        yield f"{_label(found.cell, comparison)}: {_search(found)}{_earned(found, comparison)}"
    yield from _against_chance(comparison)


def _search(found: Optimization) -> str:
    cost = "cost unknown" if found.cost_usd is None else words.usd(found.cost_usd)
    of = f" of {words.count(found.budget_calls)}" if found.budget_calls else ""
    why = f": {found.message}" if found.message and found.ending != "budget" else ""
    return (
        f"its prompt took {words.count(found.calls)}{of} calls to find ({cost}, not in the table); dev score "
        f"{words.number(found.dev_before)} to {words.number(found.dev)}, selected, so optimistic; "
        f"ended by {found.ending}{why}."
    )


def _earned(found: Optimization, comparison: Comparison) -> str:
    even = break_even(found, comparison)
    if even is None:
        return ""
    if even.samples is None:
        return f" Its samples cost no less than those of {even.variant}: by cost the search never pays."
    if not found.cost_usd:
        return ""
    return f" It breaks even with {even.variant} after {words.count(even.samples)} samples."


def _against_chance(comparison: Comparison) -> Iterator[str]:
    """The optimizers of each model and data set against its random search."""
    by_place: dict[tuple[str, str | None], list[Optimization]] = {}
    for found in comparison.optimizations:
        by_place.setdefault((found.cell.model, found.cell.dataset), []).append(found)
    for members in by_place.values():
        chance = next((each for each in members if each.technique == RANDOM), None)
        others = [each for each in members if each.technique != RANDOM]
        if chance is None or not others:
            continue
        told = [_beaten(each, chance, comparison) for each in others]
        yield f"Against {_label(chance.cell, comparison)}, the baseline of all searches: {'; '.join(told)}."


def _beaten(each: Optimization, chance: Optimization, comparison: Comparison) -> str:
    from promptlab.analysis.comparison import Verdict

    name = each.cell.variant
    budgets = "" if each.budget_calls == chance.budget_calls else f" (at {each.budget_calls} calls)"
    pair = _pair(each.cell, chance.cell, comparison.pairs, comparison.primary)
    if pair is None or pair.found is None or pair.verdict is Verdict.UNFINISHED:
        return f"no verdict on {name}{budgets}"
    sign = 1 if pair.a == each.cell else -1
    low, high = pair.found.low, pair.found.high
    interval = ""
    if low is not None and high is not None:
        low, high = (low, high) if sign > 0 else (-high, -low)
        interval = f" [{low:+.2f}, {high:+.2f}]"
    won, lost = (Verdict.BEATS, Verdict.LOSES) if sign > 0 else (Verdict.LOSES, Verdict.BEATS)
    if pair.verdict is won:
        told = "beats it"
    elif pair.verdict is lost:
        told = "loses to it"
    elif pair.verdict is Verdict.NOT_DISTINGUISHABLE:
        told = "is not distinguishable from it"
    elif low is not None and high is not None and (low > 0 or high < 0):
        told = f"is {'above' if low > 0 else 'below'} it, outside the family of tests"
    else:
        told = "does not beat it"
    return f"{name}{budgets} {told} ({sign * pair.found.diff:+.2f}{interval})"


def _pair(a: CellName, b: CellName, pairs: Sequence[Pair], scorer: str) -> Pair | None:
    return next((each for each in pairs if each.scorer == scorer and {each.a, each.b} == {a, b}), None)


def _cell(name: CellName, comparison: Comparison) -> CellSummary | None:
    return next((cell for cell in comparison.cells if cell.name == name), None)


def _reference(found: Optimization, comparison: Comparison) -> CellSummary | None:
    """The baseline's cell beside it, else the best by mean among those that nobody searched for."""
    searched = {each.cell for each in comparison.optimizations}
    beside = [
        cell
        for cell in comparison.cells
        if (cell.name.model, cell.name.dataset) == (found.cell.model, found.cell.dataset)
        and cell.name not in searched
    ]
    named = [cell for cell in beside if cell.name.variant == comparison.family.baseline]
    return max(named or beside, key=lambda cell: _mean(cell, comparison.primary), default=None)


def _mean(cell: CellSummary, scorer: str) -> float:
    score = cell.scores.get(scorer)
    return score.mean if score is not None and score.mean is not None else -1.0


def _per_trial(cell: CellSummary) -> float | None:
    result = cell.result
    return None if result.cost_usd is None or not result.n else result.cost_usd / result.n


def _label(name: CellName, comparison: Comparison) -> str:
    models = {cell.name.model for cell in comparison.cells}
    datasets = {cell.name.dataset for cell in comparison.cells}
    model = f" with {name.model}" if len(models) > 1 else ""
    return f"{name.variant}{model}{f' on {name.dataset}' if len(datasets) > 1 else ''}"
