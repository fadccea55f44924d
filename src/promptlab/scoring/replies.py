"""What a reply is like, whatever its answer: a refusal, its length, its time and price. No target needed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from promptlab.scoring.base import Answered, Gold, Scorer, scorer
from promptlab.scoring.extraction.refusal import is_refusal
from promptlab.scoring.overlap import tokens


@scorer("refusal")
class Refusal(Scorer):
    """1 where the model declined to answer: its mean is the refusal rate."""

    needs_target = False

    @property
    def reads_failures(self) -> bool:
        return True

    def score(self, answered: Answered, gold: Gold) -> float:
        return float(
            answered.failure == "refused" or (answered.failure is None and is_refusal(answered.text))
        )


@scorer("length")
class Length(Scorer):
    """1 where the trimmed reply has at least `min` and at most `max` words (or characters).

    A CJK character is a word.
    """

    needs_target = False

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None
    unit: Literal["words", "characters"] = "words"

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("say `min` or `max`, or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}")
        return self

    @property
    def strict(self) -> bool:
        return True

    def score(self, answered: Answered, gold: Gold) -> float:
        text = answered.text.strip()
        length = len(tokens(text)) if self.unit == "words" else len(text)
        return float((self.min or 0) <= length and (self.max is None or length <= self.max))


class _Measured(Scorer):
    """Of the whole trial, all calls together. Failed answers are measured as well; unknown is no score."""

    needs_target = False

    @property
    def reads_failures(self) -> bool:
        return True


@scorer("latency")
class Latency(_Measured):
    """1 where the trial's calls took at most `max_s` seconds: its mean is the share that did.

    A cached answer keeps the time that it took first. Medians and 95th percentiles stand in every cell.
    """

    max_s: Annotated[float, Field(gt=0)]

    def score(self, answered: Answered, gold: Gold) -> float | None:
        return None if answered.latency_s is None else float(answered.latency_s <= self.max_s)


@scorer("cost")
class Cost(_Measured):
    """1 where the trial's calls cost at most `max_usd`, as first paid: its mean is the share that did.

    Where the price is unknown there is no score.
    """

    max_usd: Annotated[float, Field(ge=0)]

    def score(self, answered: Answered, gold: Gold) -> float | None:
        return None if answered.cost_usd is None else float(answered.cost_usd <= self.max_usd)
