"""In what the test samples of two runs differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SharedData:
    """A data set of two runs: how many test samples both have, and in what they differ. Counts of samples.

    `same` is True where all test samples are the same, in the same order. `edited` have the same id and
    another content.
    """

    label: str
    name: str
    same: bool
    shared: int
    edited: int
    only_first: int
    only_other: int
    train_differs: bool

    def to_json(self) -> dict[str, Any]:
        fields = ("name", "same", "shared", "edited", "only_first", "only_other", "train_differs")
        return {"run": self.label, **{each: getattr(self, each) for each in fields}}


def in_words(data: SharedData) -> str:
    """`55 the same, 3 edited (same id, other content), 2 in one only`."""
    one_only = data.only_first + data.only_other
    parts = [f"{data.shared:,} the same"]
    if data.edited:
        parts.append(f"{data.edited:,} edited (same id, other content)")
    if one_only:
        parts.append(f"{one_only:,} in one only")
    if len(parts) == 1:
        parts.append("in another order or number")
    return ", ".join(parts)
