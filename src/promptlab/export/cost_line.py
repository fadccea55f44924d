"""One sentence on cost against score: which cells are on the Pareto front, and whose cost nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison
from promptlab.analysis.families import CellName
from promptlab.analysis.pareto import PER_TRIALS, Front, Offer, pareto_fronts
from promptlab.analysis.verdict import Speaker

_MOST = 5


def cost_sentences(comparison: Comparison) -> Iterator[str]:
    """One per data set; none where all cells cost the same, so that there is nothing to choose."""
    speaker = Speaker(comparison)
    for front in pareto_fronts(comparison):
        known = {each.usd for each in (*front.front, *front.behind)}
        if len(known) > 1 or front.unknown:
            yield _sentence(front, comparison, speaker)


def _sentence(front: Front, comparison: Comparison, speaker: Speaker) -> str:
    several = len({cell.result.dataset for cell in comparison.cells}) > 1
    where = f"Cost and {front.scorer}{f' on {front.dataset}' if several else ''}"
    unknown = _unknown(front.unknown, comparison)
    if not front.front:
        return f"{where}: the cost of every cell is unknown."
    if len(front.front) + len(front.behind) == 1:
        return f"{where}: only that of {_offer(front.front[0], comparison, speaker)} is known.{unknown}"
    told = words.listed([_offer(each, comparison, speaker) for each in front.front], _MOST)
    rest = f"; {len(front.behind)} behind it" if front.behind else ""
    return f"{where}, the Pareto front by the means: {told}{rest}. USD per {PER_TRIALS:,} trials.{unknown}"


def _offer(offer: Offer, comparison: Comparison, speaker: Speaker) -> str:
    assert offer.usd is not None
    score = words.number(offer.score, speaker.digits)
    return f"{_name(offer.name, comparison)} ({score} at {words.usd(offer.usd)})"


def _unknown(offers: Sequence[Offer], comparison: Comparison) -> str:
    if not offers:
        return ""
    return f" Cost unknown: {words.listed([_name(each.name, comparison) for each in offers], _MOST)}."


def _name(name: CellName, comparison: Comparison) -> str:
    models = {cell.result.model for cell in comparison.cells}
    return name.variant if len(models) == 1 else f"{name.variant} with {name.model}"
