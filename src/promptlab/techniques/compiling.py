"""What surrounds an optimizer while it looks for a prompt: where it keeps it, and who watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from promptlab.models.limits import Rate


@dataclass(frozen=True, slots=True)
class Round:
    """How far a search is: after each of its calls, and (`ended`) after each of its rounds.

    `unit` is what is counted: rounds, or the programs that DSPy ran on all dev rows. `best` is the best score
    on `rows` dev rows so far: selected, so optimistic. `calls` are those of the model that was asked most.
    """

    unit: Literal["round", "program"]
    number: int
    best: float | None
    rows: int
    calls: int
    budget_calls: int
    cost_usd: float | None
    ended: bool

    @property
    def spent(self) -> tuple[str, str]:
        """In words: the calls, and what they cost."""
        cost = "cost unknown" if self.cost_usd is None else f"{self.cost_usd:.4f} USD"
        return f"{self.calls:,} of {self.budget_calls:,} calls", cost

    def to_json(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "round": self.number,
            "dev_score": self.best,
            "dev_rows": self.rows,
            "calls": self.calls,
            "budget_calls": self.budget_calls,
            "cost_usd": self.cost_usd,
        }


@dataclass(frozen=True)
class Compiling:
    """Where optimizers keep what they find, whom they tell, and who stops them.

    Without `reuse` what was kept before is found again. `watch` may be called from any thread.
    """

    folder: Path
    label: str
    tell: Callable[[str], None]
    stopped: Callable[[], bool]
    rates: Mapping[str, Rate]
    reuse: bool = True
    watch: Callable[[Round], None] = lambda found: None
