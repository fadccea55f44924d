"""What a search tells while it goes on: after each call how far it is, after each round in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from promptlab.optimizers.spending import Spending
from promptlab.techniques.compiling import Round


@dataclass
class Rounds:
    """Counts the rounds of one search. Whoever watches is told from any thread."""

    spending: Spending
    rows: int
    tell: Callable[[str], None]
    watch: Callable[[Round], None]
    unit: Literal["round", "program"] = "round"
    number: int = 0
    best: float | None = None

    def counted(self) -> None:
        """A call has come back."""
        self.watch(self._now(ended=False))

    def ended(self, number: int, best: float | None) -> None:
        """A round is over, with the best dev score so far."""
        self.number, self.best = number, best
        now = self._now(ended=True)
        self.watch(now)
        score = "no dev score yet" if best is None else f"best dev score {best:.3f} on {self.rows} rows"
        self.tell(f"{self.unit} {number}: {', '.join([score, *now.spent])}")

    def _now(self, *, ended: bool) -> Round:
        spending = self.spending
        return Round(
            self.unit,
            self.number,
            self.best,
            self.rows,
            max(spending.calls.values(), default=0),
            spending.limit,
            None if spending.unknown_costs else spending.cost_usd,
            ended,
        )
