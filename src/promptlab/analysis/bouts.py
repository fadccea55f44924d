"""Who meets whom in a comparison: for the sentences that say who won."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.comparison import CellSummary, Comparison, Pair, Verdict
from promptlab.analysis.families import CellName
from promptlab.analysis.verdict import Speaker


@dataclass(frozen=True)
class Bout:
    """A pair seen from the side of `pair.a` (`turned` False) or of `pair.b`."""

    pair: Pair
    turned: bool

    @property
    def won(self) -> bool:
        return self.pair.verdict is (Verdict.LOSES if self.turned else Verdict.BEATS)

    @property
    def lost(self) -> bool:
        return self.pair.verdict is (Verdict.BEATS if self.turned else Verdict.LOSES)

    @property
    def undecided(self) -> bool:
        """There is no verdict: trials are missing, or too many failed."""
        return not (self.won or self.lost or self.pair.verdict is Verdict.NOT_DISTINGUISHABLE)

    @property
    def diff(self) -> float:
        diff = self.pair.diff or 0.0
        return -diff if self.turned else diff


class Bouts:
    """Variants compete within each model, over all data sets; where there is one variant, its models do.

    A ring is the cells that compete with each other; bouts are on the primary scorer.
    """

    def __init__(self, comparison: Comparison, speaker: Speaker) -> None:
        self.comparison = comparison
        self.speaker = speaker
        self.scorer = comparison.primary
        self.pairs = {(pair.scorer, pair.a, pair.b): pair for pair in comparison.pairs}
        results = [cell.result for cell in comparison.cells]
        variants = list(dict.fromkeys(cell.variant for cell in results if not cell.oracle))
        models = list(dict.fromkeys(cell.model for cell in results))
        datasets = list(dict.fromkeys(cell.dataset for cell in results))
        dataset = datasets[0] if len(datasets) == 1 else None
        self.by_variant = len(variants) > 1
        if self.by_variant:
            rings = [[CellName(variant, model, dataset) for variant in variants] for model in models]
        else:
            rings = [[CellName(variant, model, dataset) for model in models] for variant in variants]
        self.rings = [ring for ring in rings if len(ring) > 1]
        baseline = comparison.family.baseline
        self.baseline = baseline if self.by_variant and baseline in variants else None

    def cells_of(self, name: CellName) -> list[CellSummary]:
        return [
            cell
            for cell in self.comparison.cells
            if (cell.name.variant, cell.name.model) == (name.variant, name.model)
            and name.dataset in (None, cell.name.dataset)
        ]

    def mean(self, name: CellName) -> float:
        found = [
            cell.scores[self.scorer].interval for cell in self.cells_of(name) if self.scorer in cell.scores
        ]
        present = [interval for interval in found if interval]
        total = sum(interval.n for interval in present)
        return sum(interval.mean * interval.n for interval in present) / total if total else float("-inf")

    def ranked(self, ring: Sequence[CellName]) -> list[CellName]:
        return sorted(ring, key=lambda name: -self.mean(name))

    def bout(self, one: CellName, other: CellName) -> Bout | None:
        if pair := self.pairs.get((self.scorer, one, other)):
            return Bout(pair, turned=False)
        if pair := self.pairs.get((self.scorer, other, one)):
            return Bout(pair, turned=True)
        return None

    def against(self, top: CellName, ring: Sequence[CellName]) -> list[Bout]:
        """`top` against each other one, the runner-up first."""
        found = [self.bout(top, name) for name in self.ranked(ring) if name != top]
        return [bout for bout in found if bout]

    def against_baseline(self, ring: Sequence[CellName]) -> list[Bout]:
        """Each variant against the baseline, the largest gain first."""
        base = next(name for name in ring if name.variant == self.baseline)
        found = [self.bout(name, base) for name in ring if name != base]
        return sorted((bout for bout in found if bout), key=lambda bout: -bout.diff)

    def leading(self, ring: Sequence[CellName]) -> list[Bout]:
        """Those against the baseline; without one those of the best."""
        return self.against_baseline(ring) if self.baseline else self.against(self.ranked(ring)[0], ring)

    def within(self, ring: Sequence[CellName]) -> list[Bout]:
        members = set(ring)
        return [
            Bout(pair, turned=False)
            for pair in self.comparison.pairs
            if pair.scorer == self.scorer and pair.in_family and pair.a in members and pair.b in members
        ]

    def label(self, name: CellName) -> str:
        return self.speaker.variant(name.variant) if self.by_variant else name.model

    def name(self, bout: Bout, *, other: bool = False) -> str:
        a, b = self.speaker.sides(bout.pair)
        return (b, a)[bout.turned] if other else (a, b)[bout.turned]
