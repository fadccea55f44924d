"""Which cells give the best score for their cost. Cells whose cost is unknown stand apart, never at 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from promptlab.analysis.comparison import Comparison
from promptlab.analysis.families import CellName

PER_TRIALS = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """A cell with its mean score and what 1,000 of its trials cost in USD; None: unknown."""

    name: CellName
    score: float
    usd: float | None

    def to_json(self) -> dict[str, Any]:
        return {**self.name.to_json(), "score": self.score, "usd_per_1000_trials": self.usd}


@dataclass(frozen=True, slots=True)
class Front:
    """The cells of one data set: on the Pareto front (the cheapest first), behind it, of unknown cost."""

    dataset: str
    scorer: str
    front: tuple[Offer, ...]
    behind: tuple[Offer, ...]
    unknown: tuple[Offer, ...]

    def to_json(self) -> dict[str, Any]:
        parts = {
            name: [each.to_json() for each in getattr(self, name)] for name in ("front", "behind", "unknown")
        }
        return {"dataset": self.dataset, "scorer": self.scorer, **parts}


def pareto_fronts(comparison: Comparison) -> list[Front]:
    """One front per data set, on the means of the primary scorer (point estimates). Oracles take no part."""
    scorer = comparison.primary
    offers: dict[str, list[Offer]] = {}
    for cell in comparison.cells:
        score = cell.scores[scorer].mean if scorer in cell.scores else None
        if score is None or cell.result.oracle:
            continue
        cost = cell.result.cost_usd
        usd = None if cost is None else cost / cell.result.n * PER_TRIALS
        offers.setdefault(cell.result.dataset, []).append(Offer(cell.name, score, usd))
    return [_front(dataset, scorer, found) for dataset, found in offers.items()]


def _front(dataset: str, scorer: str, offers: list[Offer]) -> Front:
    known = [(each.usd, each) for each in offers if each.usd is not None]
    front: list[Offer] = []
    behind: list[Offer] = []
    for usd, each in sorted(known, key=lambda pair: (pair[0], -pair[1].score)):
        beaten = any(
            (cost <= usd and other.score > each.score) or (cost < usd and other.score >= each.score)
            for cost, other in known
        )
        (behind if beaten else front).append(each)
    unknown = tuple(each for each in offers if each.usd is None)
    return Front(dataset, scorer, tuple(front), tuple(behind), unknown)
