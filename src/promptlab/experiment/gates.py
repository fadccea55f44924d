"""`gates:`, what a run must reach for a build to go on: typed, and checked against the experiment's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from promptlab.basics.registry import did_you_mean

if TYPE_CHECKING:
    from promptlab.experiment.loading import Loaded

_CONDITIONS = ("min", "max_cost_usd", "max_latency_s", "no_worse_than")


class GateSpec(BaseModel):
    """One condition on every cell of `variant`, `model` and `dataset` (left out: all of them).

    `min`: the mean of `scorer` (default: the headline's) is at least that. `max_cost_usd`: the cell cost at
    most that, in all; `max_latency_s`: 95 % of its trials took at most that. `no_worse_than`: a baseline file
    (relative to the experiment) or a stored run; the 95 % interval of the paired difference lies above
    -`margin`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    variant: str | None = None
    model: str | None = None
    dataset: str | None = None
    scorer: str | None = None
    min: float | None = None
    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    max_latency_s: Annotated[float, Field(gt=0)] | None = None
    no_worse_than: str | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        given = [name for name in _CONDITIONS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"one of {', '.join(_CONDITIONS)} is needed, and this has {len(given)}")
        if (self.no_worse_than is None) != (self.margin is None):
            raise ValueError("`no_worse_than` needs a `margin` (0.05, say), and nothing else has one")
        if self.scorer is not None and given[0].startswith("max_"):
            raise ValueError(f"`{given[0]}` is about no scorer")
        return self


def check_gates(loaded: Loaded, cells: Iterable[tuple[str, str, str]], scorers: Iterable[str]) -> None:
    """ExperimentError for a gate that names what the experiment has not. Cells: variant, model, data set."""
    names = list(cells)
    for index, gate in enumerate(loaded.spec.gates):
        for place, key in enumerate(("variant", "model", "dataset")):
            given = getattr(gate, key)
            known = list(dict.fromkeys(each[place] for each in names))
            if given is not None and given not in known:
                raise loaded.error(
                    ("gates", index, key), f"no {key} is named {given!r}", remedy=did_you_mean(given, known)
                )
        if gate.scorer is not None and gate.scorer not in list(scorers):
            raise loaded.error(
                ("gates", index, "scorer"),
                f"no scorer is named {gate.scorer!r}",
                remedy=did_you_mean(gate.scorer, list(scorers)),
            )
