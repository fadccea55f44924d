"""Variants that differ only in how many demos or draws they take: the points of one curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.basics.hashing import short_digest

COUNTED = {"demos.count": "demos", "samples": "samples", "draws": "draws"}
"""Settings that count something, and what."""


@dataclass(frozen=True, slots=True)
class Count:
    """How much of `what` a variant takes. Variants of the same `rest` differ in nothing else."""

    what: str
    value: int
    technique: str
    rest: str


def counts_of(variant: Mapping[str, Any]) -> tuple[Count, ...]:
    """The counts in a variant's identity, as the run's store keeps it."""
    found = []
    for path, what in COUNTED.items():
        *outer, last = path.split(".")
        settings: Any = variant.get("settings")
        for part in outer:
            settings = settings.get(part) if isinstance(settings, Mapping) else None
        value = settings.get(last) if isinstance(settings, Mapping) else None
        if isinstance(value, int) and not isinstance(value, bool):
            rest = _without(variant, ("settings", *outer, last))
            found.append(Count(what, value, str(variant.get("technique")), short_digest(rest)))
    return tuple(found)


def _without(value: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The same mapping without what stands at `path`."""
    head, *more = path
    if not more:
        return {key: each for key, each in value.items() if key != head}
    return {**value, head: _without(value[head], tuple(more))}
