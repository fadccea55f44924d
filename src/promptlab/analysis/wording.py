"""How far a score ranges over formats and wordings of one and the same technique."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from promptlab.analysis import words
from promptlab.analysis.comparison import CellSummary
from promptlab.basics.hashing import canonical

DECIMALS = 2


def ranges(cells: Sequence[CellSummary], specs: Sequence[Mapping[str, Any]], scorer: str) -> Iterator[str]:
    """A sentence for every group of cells that differ in nothing but the prompt's format, or its wording.

    `specs` are the cells' own, in their order. Groups of one say nothing.
    """
    for what, without in (("formats", _without_format), ("wordings", _without_wording)):
        groups: dict[bytes, list[CellSummary]] = {}
        for cell, spec in zip(cells, specs, strict=True):
            groups.setdefault(canonical(without(spec)), []).append(cell)
        for group in groups.values():
            scored = [
                cell for cell in group if scorer in cell.scores and cell.scores[scorer].mean is not None
            ]
            if len(scored) > 1:
                yield _said(scored, what, scorer)


def _said(group: Sequence[CellSummary], what: str, scorer: str) -> str:
    means = {cell.name.variant: cell.scores[scorer].mean or 0.0 for cell in group}
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    where = f"{group[0].name.model} on {group[0].name.dataset}"
    if means[low] == means[high]:
        return (
            f"{where}: over {len(group)} {what} {scorer} is {words.number(means[low], DECIMALS)} throughout"
        )
    ends = [f"{words.number(means[each], DECIMALS)} ({each})" for each in (low, high)]
    return f"{where}: over {len(group)} {what} {scorer} ranges from {' to '.join(ends)}"


def _without_format(spec: Mapping[str, Any]) -> dict[str, Any]:
    variant = dict(spec["variant"])
    variant["settings"] = {key: value for key, value in variant["settings"].items() if key != "format"}
    return {**spec, "variant": variant}


def _without_wording(spec: Mapping[str, Any]) -> dict[str, Any]:
    variant = {key: value for key, value in spec["variant"].items() if key not in ("messages", "instruction")}
    return {**spec, "variant": variant}
