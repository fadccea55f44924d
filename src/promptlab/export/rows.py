"""A comparison as flat rows: one per cell, or one per pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.analysis.comparison import Comparison


def cell_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """The cells of `compare --json`, each score spread over columns `NAME.mean`, `NAME.ci_low`, ..."""
    for cell in comparison.cells:
        row = cell.to_json()
        scores = row.pop("scores")
        for name, score in scores.items():
            row |= {f"{name}.{field}": value for field, value in score.items()}
        yield row


def pair_rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """The pairs of `compare --json`, the sides spread over `a.variant`, ..., and the verdict in words."""
    for pair in comparison.pairs:
        row: dict[str, Any] = {}
        for field, value in pair.to_json().items():
            row |= (
                {f"{field}.{part}": each for part, each in value.items()}
                if field in ("a", "b")
                else {field: value}
            )
        yield {**row, "dropped": pair.dropped, "verdict": pair.verdict.value}
