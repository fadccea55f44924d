"""Holm's correction over a family whose size the file fixes."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p, in the order given (Holm 1979, step-down).

    None stands for a member of the family that has no p yet: it counts as 1, so that the others are
    corrected for the whole family, and stays None.
    """
    size = len(p_values)
    known = [(p, position) for position, p in enumerate(p_values) if p is not None]
    adjusted: list[float | None] = [None] * size
    running = 0.0
    for rank, (p, position) in enumerate(sorted(known)):
        running = max(running, min(1.0, (size - rank) * p))
        adjusted[position] = running
    return adjusted
