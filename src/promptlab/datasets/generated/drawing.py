"""What the drawn sources share: a size, and rows that never repeat."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import seeded
from promptlab.datasets.row_source import Source

_MAX_REPEATS_IN_A_ROW = 1000


class DrawnSource(Source):
    """`size` rows drawn one by one, no question twice. A larger size begins with the rows of a smaller."""

    size: int = Field(default=500, ge=1, le=10_000_000)

    @abstractmethod
    def draw(self, rng: random.Random) -> Mapping[str, Any]:
        """One row with the columns `question` and `answer`."""

    def rows(self) -> Iterator[Mapping[str, Any]]:
        rng = seeded(self.registered_name, self.version, self.model_dump(exclude={"size"}))
        seen: set[int] = set()
        repeats = 0
        while len(seen) < self.size:
            row = self.draw(rng)
            mark = hash(row["question"])  # only equality within this process matters
            if mark in seen:
                repeats += 1
                if repeats > _MAX_REPEATS_IN_A_ROW:
                    raise ExperimentError(
                        f"{self.registered_name} cannot draw that many different questions",
                        field="generate.size",
                        value=self.size,
                        remedy=f"These settings give about {len(seen)}.",
                    )
                continue
            repeats = 0
            seen.add(mark)
            yield row
