"""Which pairs of cells are compared, and which of them are corrected together. Fixed by the file alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from promptlab.analysis.cells import CellResult, Family


@dataclass(frozen=True)
class CellName:
    """A cell of the comparison; `dataset=None` is the variant and model over all data sets."""

    variant: str
    model: str
    dataset: str | None

    def to_json(self) -> dict[str, str | None]:
        return {"variant": self.variant, "model": self.model, "dataset": self.dataset}


@dataclass(frozen=True)
class PlannedPair:
    """a - b is asked for; `in_family` says whether the verdict counts (and p is adjusted)."""

    scorer: str
    a: CellName
    b: CellName
    in_family: bool


def planned_pairs(cells: Sequence[CellResult], family: Family) -> Iterator[PlannedPair]:
    """Per scorer: variants within each model and data set, then models within each variant.

    With several data sets also the same pairs over all of them. The baseline is always b; elsewhere the
    one that comes first in the file is b. Pairs outside the family are described, never tested for a verdict.
    """
    variants = _in_order(cell.variant for cell in cells)
    models = _in_order(cell.model for cell in cells)
    datasets: list[str | None] = [*_in_order(cell.dataset for cell in cells)]
    if len(datasets) > 1:
        datasets.append(None)
    known = {(cell.variant, cell.model, cell.dataset) for cell in cells}

    def exists(name: CellName) -> bool:
        if name.dataset is not None:
            return (name.variant, name.model, name.dataset) in known
        return all((name.variant, name.model, each) in known for each in datasets if each is not None)

    names: list[tuple[CellName, CellName, bool]] = []
    for model in models:
        for dataset in datasets:
            for first, second in combinations(variants, 2):
                b, a = (second, first) if second == family.baseline else (first, second)
                counts = family.baseline is None or b == family.baseline
                names.append((CellName(a, model, dataset), CellName(b, model, dataset), counts))
    for variant in variants:
        for dataset in datasets:
            for b, a in combinations(models, 2):
                names.append(
                    (CellName(variant, a, dataset), CellName(variant, b, dataset), family.baseline is None)
                )
    for scorer in family.scorers:
        tested = family.primary in (None, scorer)
        for a_name, b_name, counts in names:
            if exists(a_name) and exists(b_name):
                yield PlannedPair(scorer, a_name, b_name, counts and tested)


def _in_order(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
