"""Coin flips (Wei et al. 2022, arXiv 2201.11903; the closing note as in Kojima et al., arXiv 2205.11916)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from promptlab.datasets.generated.drawing import DrawnSource
from promptlab.datasets.generated.words import NAMES
from promptlab.datasets.row_source import source


@source("coin_flip")
class CoinFlip(DrawnSource):
    """`people` people flip a coin or do not, a fair bit each; "yes" iff the number of flips is even."""

    people: int = Field(default=4, ge=1, le=len(NAMES))

    def draw(self, rng: random.Random) -> Mapping[str, Any]:
        names = rng.sample(NAMES, self.people)
        flips = [bool(rng.getrandbits(1)) for _ in names]
        acts = [
            f"{name} {'flips' if flip else 'does not flip'} the coin."
            for name, flip in zip(names, flips, strict=True)
        ]
        asked = 'Is the coin still heads up? Note that "flip" here means "reverse".'
        question = f"A coin is heads up. {' '.join(acts)} {asked}"
        return {"question": question, "answer": "no" if sum(flips) % 2 else "yes"}
