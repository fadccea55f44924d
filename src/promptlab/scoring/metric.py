"""What an optimizer makes its prompts good at: one of the experiment's scorers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promptlab.scoring.base import Scorer

if TYPE_CHECKING:
    from promptlab.models.request import Model


@dataclass(frozen=True)
class Metric:
    """A scorer under its column's name. `model`, and the template `question`, where it asks a model."""

    name: str
    scorer: Scorer
    model: Model | None = None
    question: str = ""

    def identity(self) -> dict[str, Any]:
        """What makes its scores others."""
        if self.model is None:
            return self.scorer.identity()
        return {**self.scorer.identity(), "model": self.model.identity(), "question": self.question}

    @property
    def calls(self) -> int:
        """The most calls to `model` that one answer takes."""
        return 0 if self.model is None else int(getattr(self.scorer, "draws", 1))
