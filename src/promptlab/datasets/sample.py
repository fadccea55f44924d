"""One data set row, and what of it a technique may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

SplitName = Literal["train", "dev", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Question:
    """What a technique sees of a sample: never the target, never the rationale."""

    id: str
    inputs: Mapping[str, Any]
    choices: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Sample:
    """One row. `target` is a text, a tuple of accepted texts (for `answer: list`: the items), or none.

    `content` is the hash of what the row says (inputs, target, rationale, choices, group, metadata), so
    that an edited row is a new one even where it keeps its `id`.
    """

    id: str
    inputs: Mapping[str, Any]
    target: str | tuple[str, ...] | None
    content: str
    rationale: str | None = None
    choices: tuple[str, ...] = ()
    group: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def question(self) -> Question:
        return Question(self.id, self.inputs, self.choices, self.metadata)

    @property
    def targets(self) -> tuple[str, ...]:
        """The accepted texts; empty where there is no target."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else self.target
