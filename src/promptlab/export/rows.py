"""A comparison as flat rows: one per cell, pair, or value of a breakdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from promptlab.analysis.confusion import confusion_rows

if TYPE_CHECKING:
    from promptlab.analysis.comparison import Comparison


def cell_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """The cells of `compare --json`, each score spread over columns `NAME.mean`, `NAME.ci_low`, ...

    Where some cell is an oracle's, a column `oracle` says which.
    """
    oracles = any(cell.result.oracle for cell in comparison.cells)
    for cell in comparison.cells:
        row = cell.to_json()
        row.pop("confusion", None)  # a table of its own
        yield _scores_spread({**row, "oracle": cell.result.oracle} if oracles else row)


def pair_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """The pairs of `compare --json`, the sides spread over `a.variant`, ..., and the verdict in words."""
    for pair in comparison.pairs:
        row = _sides_spread(pair.to_json())
        yield {**row, "dropped": pair.dropped, "verdict": pair.verdict.value}


def confusion_matrix_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One row per cell, true label and answer."""
    for cell in comparison.cells:
        yield from confusion_rows(cell.result)


def breakdown_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One row per field, value and cell, with the columns of the cells' scores."""
    for each in comparison.breakdowns:
        for part in each.parts:
            yield {"field": each.field, **_scores_spread(part.to_json())}


def breakdown_pair_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """One row per field, value and pair. Exploratory: `p` is uncorrected, and there is no verdict."""
    for each in comparison.breakdowns:
        for one in each.pairs:
            row = _sides_spread(one.to_json())
            yield {"field": each.field, **row, "dropped": one.pair.dropped}


def _scores_spread(row: dict[str, Any]) -> dict[str, Any]:
    scores = row.pop("scores")
    for name, score in scores.items():
        row |= {f"{name}.{field}": value for field, value in score.items()}
    return row


def _sides_spread(pair: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field, value in pair.items():
        if field in ("a", "b"):
            row |= {f"{field}.{part}": each for part, each in value.items()}
        else:
            row[field] = value
    return row
