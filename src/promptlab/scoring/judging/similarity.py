"""How near an answer is to a target in meaning: the cosine of their embeddings, through the door."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, Literal

from promptlab.scoring.base import Answered, Gold, Scorer, scorer


@scorer("embedding_similarity")
class EmbeddingSimilarity(Scorer):
    """Cosine of the answer's and the target's embeddings, at least 0, best over the targets.

    `model`: an embedding model's id, or a model entry. Its calls are cached, priced and budgeted like a
    judge's; equal answers are embedded once. A failed answer is 0, an error no score.
    """

    model: str | dict[str, Any]
    on: Literal["reply", "answer"] = "reply"

    @property
    def strict(self) -> bool:
        return self.on == "reply"

    # What the machinery of judges asks of whoever asks a model.

    @property
    def kind(self) -> Literal["reference"]:
        return "reference"

    @property
    def pairwise(self) -> bool:
        return False

    @property
    def against(self) -> None:
        return None

    @property
    def question(self) -> None:
        return None

    @property
    def draws(self) -> int:
        return 1

    def identity(self) -> dict[str, Any]:
        """Without the model, which is added by who resolved it."""
        return {"scorer": self.registered_name, "version": self.version, "on": self.on}

    def score(self, answered: Answered, gold: Gold) -> float:
        raise TypeError("embeddings are asked for through the door, after the answers are stored")


def similarity(answer: Sequence[float], targets: Sequence[Sequence[float]]) -> float:
    """The largest cosine, 0 to 1."""
    return max(min(1.0, max(0.0, _cosine(answer, target))) for target in targets)


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    length = sqrt(sum(each * each for each in one)) * sqrt(sum(each * each for each in other))
    return sum(a * b for a, b in zip(one, other, strict=True)) / length if length else 0.0
