"""What a planned experiment can find: before a run, from the file alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

from promptlab.analysis.power import min_detectable
from promptlab.experiment import Plan


@dataclass(frozen=True)
class Reach:
    """The smallest difference that the planned samples find (80 % power), of its smallest data set.

    None where there is nothing to compare, or where not even the largest difference would be found.
    """

    samples: int
    comparisons: int
    difference: float | None


def reach(plan: Plan) -> Reach:
    """For 0/1 scores, after Holm's correction over all comparisons of the file."""
    samples = min(plan.samples_in(dataset) for dataset in plan.datasets)
    comparisons = family_size(
        len({cell.variant.name for cell in plan.cells}),
        len({cell.model.name for cell in plan.cells}),
        len(plan.datasets),
        baseline=plan.scoring.baseline is not None,
    )
    found = min_detectable(samples, comparisons=comparisons) if comparisons else None
    return Reach(samples, comparisons, found)


def family_size(variants: int, models: int, datasets: int, *, baseline: bool) -> int:
    """How many pairs one scorer's family has, as `families.planned_pairs` lists them."""
    settings = datasets + (datasets > 1)  # several data sets are also compared over all of them
    if baseline:
        return (variants - 1) * models * settings
    return (comb(variants, 2) * models + comb(models, 2) * variants) * settings
