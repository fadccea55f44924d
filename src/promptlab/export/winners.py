"""What may be printed as a finding: only what the comparison says, after its correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptlab.analysis.comparison import Comparison, Pair
    from promptlab.analysis.families import CellName


def winners(comparison: Comparison, scorer: str) -> set[CellName]:
    """The cells that beat every other variant of their model and data set; oracles do not take part.

    A pair outside the family has no verdict, so with a baseline and more than one rival nobody wins.
    """
    won = _won(comparison, scorer)
    rivals = [cell.name for cell in comparison.cells if not cell.result.oracle]
    found = set()
    for name in rivals:
        others = [
            other
            for other in rivals
            if other != name and (other.model, other.dataset) == (name.model, name.dataset)
        ]
        if others and all((name, other) in won for other in others):
            found.add(name)
    return found


def ahead_of_baseline(comparison: Comparison, scorer: str) -> set[CellName]:
    """The cells that beat the baseline's of their model and data set; oracles do not take part."""
    baseline = comparison.family.baseline
    oracles = {cell.name for cell in comparison.cells if cell.result.oracle}
    return {
        name
        for name, other in _won(comparison, scorer)
        if baseline is not None
        and other.variant == baseline
        and name not in oracles
        and (other.model, other.dataset) == (name.model, name.dataset)
    }


def printed_p(pair: Pair) -> str:
    """p after the correction; none before the planned trials are finished, which would be a look ahead."""
    from promptlab.analysis import words
    from promptlab.analysis.comparison import Verdict

    return "-" if pair.verdict is Verdict.UNFINISHED else words.p_value(pair.p_adjusted)


def _won(comparison: Comparison, scorer: str) -> set[tuple[CellName, CellName]]:
    """(winner, loser) of every pair with a verdict."""
    from promptlab.analysis.comparison import Verdict

    found = set()
    for pair in comparison.pairs:
        if pair.scorer == scorer and pair.verdict is Verdict.BEATS:
            found.add((pair.a, pair.b))
        elif pair.scorer == scorer and pair.verdict is Verdict.LOSES:
            found.add((pair.b, pair.a))
    return found
