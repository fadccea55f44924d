"""Search by vectors: cosine over embeddings that were made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.retrieval.lexical import Index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VectorIndex(Index):
    """Texts with a vector each. What is asked is a text among them, or what `ask` was given last."""

    def __init__(self, texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        import numpy as np

        self.size = len(texts)
        self._vectors = _unit(np.array(vectors, dtype=np.float64).reshape(len(texts), -1))
        self._positions = {text: position for position, text in reversed(list(enumerate(texts)))}
        self._asked: NDArray[np.float64] = np.zeros(self._vectors.shape[1])

    def ask(self, vector: Sequence[float]) -> None:
        """The vector of the next question."""
        import numpy as np

        if len(vector) != self._vectors.shape[1]:
            raise ValueError(f"a vector of {len(vector)} numbers among those of {self._vectors.shape[1]}")
        self._asked = _unit(np.array([vector], dtype=np.float64))[0]

    def scores(self, query: str) -> NDArray[np.float64]:
        position = self._positions.get(query)
        found: NDArray[np.float64] = self._vectors @ (
            self._asked if position is None else self._vectors[position]
        )
        return found


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    found: NDArray[np.float64] = rows / np.maximum(
        np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny
    )
    return found
