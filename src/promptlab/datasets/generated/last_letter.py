"""Last letter concatenation (Wei et al., arXiv 2201.11903; length tests: Zhou et al., arXiv 2205.10625)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from promptlab.datasets.generated.drawing import DrawnSource
from promptlab.datasets.generated.words import WORDS
from promptlab.datasets.row_source import source


@source("last_letter")
class LastLetter(DrawnSource):
    """Take the last letters of `words` different words and concatenate them."""

    words: int = Field(default=4, ge=2, le=12)

    def draw(self, rng: random.Random) -> Mapping[str, Any]:
        drawn = rng.sample(WORDS, self.words)
        return {
            "question": f'Take the last letters of each words in "{" ".join(drawn)}" and concatenate them.',
            "words": drawn,
            "answer": "".join(word[-1] for word in drawn),
        }
