"""BM25 and TF-IDF over texts in memory; CJK aware, no models."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from promptlab.datasets.grams import char_grams, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Hit(NamedTuple):
    """A text by its position, and its score: comparable within one query only."""

    position: int
    score: float


class Index(ABC):
    """Texts that can be searched. `size` is how many."""

    size: int

    @abstractmethod
    def scores(self, query: str) -> NDArray[np.float64]:
        """One score per text, higher is nearer."""

    def top(self, query: str, count: int) -> list[Hit]:
        """The `count` nearest texts, nearest first; ties go to the lower position."""
        import numpy as np

        scores = self.scores(query)
        order = np.argsort(-scores, kind="stable")[:count]
        return [Hit(int(position), float(scores[position])) for position in order]


class LexicalIndex(Index):
    """Texts by the terms they hold: for each term the positions of its texts and its weight in each."""

    def __init__(self, texts: Iterable[str]) -> None:
        import numpy as np

        counts: dict[str, tuple[list[int], list[int]]] = {}
        lengths: list[int] = []
        for position, text in enumerate(texts):
            terms = Counter(self.terms(text))
            lengths.append(sum(terms.values()))
            for term, count in terms.items():
                positions, occurrences = counts.setdefault(term, ([], []))
                positions.append(position)
                occurrences.append(count)
        self.size = len(lengths)
        self._lengths = np.array(lengths, dtype=np.float64)
        self._postings = {
            term: (np.array(positions, dtype=np.int64), np.array(occurrences, dtype=np.float64))
            for term, (positions, occurrences) in counts.items()
        }
        self._weigh()

    @abstractmethod
    def terms(self, text: str) -> Iterator[str]:
        """The terms of a text, each as often as it stands there."""

    @abstractmethod
    def _weigh(self) -> None:
        """Turns occurrences into weights."""


class Bm25Index(LexicalIndex):
    """Okapi BM25 (Robertson & Zaragoza 2009) over words, with Lucene's idf, which is never negative."""

    K1 = 1.5
    B = 0.75

    def terms(self, text: str) -> Iterator[str]:
        return words(text)

    def _weigh(self) -> None:
        average = float(self._lengths.mean()) if self.size else 0.0
        relative = self._lengths / average if average else self._lengths
        for term, (positions, occurrences) in self._postings.items():
            idf = math.log(1 + (self.size - len(positions) + 0.5) / (len(positions) + 0.5))
            damped = occurrences + self.K1 * (1 - self.B + self.B * relative[positions])
            self._postings[term] = (positions, idf * occurrences * (self.K1 + 1) / damped)

    def scores(self, query: str) -> NDArray[np.float64]:
        import numpy as np

        scores = np.zeros(self.size)
        for term, count in Counter(self.terms(query)).items():
            if term in self._postings:
                positions, weights = self._postings[term]
                scores[positions] += count * weights
        return scores


class TfidfIndex(LexicalIndex):
    """Cosine of TF-IDF vectors over character n-grams: 1 + ln(tf), smooth idf. Scores lie in 0 to 1."""

    GRAM_CHARS = 4
    GRAM_CJK_CHARS = 2

    def terms(self, text: str) -> Iterator[str]:
        return char_grams(text, self.GRAM_CHARS, self.GRAM_CJK_CHARS)

    def _weigh(self) -> None:
        import numpy as np

        squares = np.zeros(self.size)
        self._idf: dict[str, float] = {}
        for term, (positions, occurrences) in self._postings.items():
            self._idf[term] = math.log((1 + self.size) / (1 + len(positions))) + 1
            weights = (1 + np.log(occurrences)) * self._idf[term]
            squares[positions] += weights**2
            self._postings[term] = (positions, weights)
        norms = np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))
        for term, (positions, weights) in self._postings.items():
            self._postings[term] = (positions, weights / norms[positions])

    def scores(self, query: str) -> NDArray[np.float64]:
        import numpy as np

        scores = np.zeros(self.size)
        unseen_idf = math.log(1 + self.size) + 1
        square = 0.0
        for term, count in Counter(self.terms(query)).items():
            weight = (1 + math.log(count)) * self._idf.get(term, unseen_idf)
            square += weight**2
            if term in self._postings:
                positions, weights = self._postings[term]
                scores[positions] += weight * weights
        return scores / math.sqrt(square) if square else scores
