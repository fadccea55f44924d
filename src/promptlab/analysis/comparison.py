"""The cells side by side with their uncertainty, and the paired differences between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import stdev
from typing import TYPE_CHECKING, Any, Literal

from promptlab.analysis.cells import CellResult, Family
from promptlab.analysis.families import CellName
from promptlab.analysis.intervals import Interval
from promptlab.analysis.optimizations import Optimization, break_even
from promptlab.analysis.paired import Difference
from promptlab.basics.registry import matching_names

if TYPE_CHECKING:
    from promptlab.analysis.exposure import Tried
    from promptlab.analysis.judged import JudgeReport

Status = Literal["complete", "stopped: budget", "interrupted", "failed"]


class Verdict(Enum):
    """What may be said of a pair."""

    BEATS = "a beats b"
    LOSES = "b beats a"
    NOT_DISTINGUISHABLE = "not distinguishable"
    UNFINISHED = "no verdict before the planned trials are finished"
    NO_DATA = "no sample has a score in both cells"
    ERRORS = "no winner: errors differ by more than the difference"
    NOT_TESTED = "outside the family of comparisons"


@dataclass(frozen=True)
class ScoreSummary:
    """One scorer over one cell. `repeats` holds the mean of each repeat where there are several, `recipe`
    all that a score of the whole cell depends on (sacrebleu's signature)."""

    interval: Interval | None
    mean_answered: float | None
    repeats: tuple[float, ...] = ()
    recipe: str = ""

    @property
    def mean(self) -> float | None:
        return self.interval.mean if self.interval else None

    def to_json(self) -> dict[str, float | int | str | None]:
        """`repeat_min`, `repeat_max` and `repeat_sd` (of the repeats' means) only where there are several,
        `signature` where the score has a recipe."""
        found = self.interval
        return {
            "mean": found.mean if found else None,
            "ci_low": found.low if found else None,
            "ci_high": found.high if found else None,
            "n": found.n if found else 0,
            "mean_answered": self.mean_answered,
            **({"signature": self.recipe} if self.recipe else {}),
            **self._over_repeats(),
        }

    def _over_repeats(self) -> dict[str, float]:
        """How far the means of single repeats lie apart; nothing where there is one."""
        if not self.repeats:
            return {}
        low, high = min(self.repeats), max(self.repeats)
        return {"repeat_min": low, "repeat_max": high, "repeat_sd": stdev(self.repeats)}


@dataclass(frozen=True, eq=False)
class CellSummary:
    """A cell as the table shows it: the counts of its result and the summary of each score."""

    result: CellResult
    scores: Mapping[str, ScoreSummary]

    @property
    def name(self) -> CellName:
        return CellName(self.result.variant, self.result.model, self.result.dataset)

    def to_json(self) -> dict[str, Any]:
        """The cell's object of `compare --json`; `confusion` is in it where the answers are labels, `oracle`
        where the technique was told by the target."""
        from promptlab.analysis.confusion import confusion_json

        cell = self.result
        matrix = confusion_json(cell)
        same = ("variant", "model", "dataset", "n", "errors", "unparsed", "refused", "truncated", "sandbox")
        rest = ("calls", "cached_calls", "prompt_tokens", "completion_tokens", "cost_usd", "paid_usd")
        return {
            **{field: getattr(cell, field) for field in same},
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            **{field: getattr(cell, field) for field in rest},
            "latency_p50_s": cell.latency_p50_s,
            "latency_p95_s": cell.latency_p95_s,
            **({"confusion": matrix} if matrix else {}),
            **({"oracle": True} if cell.oracle else {}),
        }


@dataclass(frozen=True)
class Pair:
    """a - b for one scorer. `found` is None where the cells share no scored sample.

    `detectable` is the smallest difference these samples find at 80 % power within the family, `needed` the
    number of samples that finds `min_effect`; both use the observed discordance and are None outside the
    family. `planned`, `pending` and `missing` (ended without a score) count trials.
    """

    scorer: str
    a: CellName
    b: CellName
    found: Difference | None
    dropped: int
    p_adjusted: float | None
    verdict: Verdict
    detectable: float | None
    needed: int | None
    planned: int
    pending: int
    missing_a: int
    missing_b: int

    @property
    def diff(self) -> float | None:
        return self.found.diff if self.found else None

    @property
    def in_family(self) -> bool:
        return self.verdict is not Verdict.NOT_TESTED

    def no_worse_than(self, margin: float) -> bool:
        """Non-inferiority of a: the lower bound lies above -`margin`. Finding no difference is no pass."""
        return self.found is not None and self.found.low is not None and self.found.low > -margin

    def to_json(self) -> dict[str, Any]:
        found = self.found
        return {
            "scorer": self.scorer,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "n": found.n if found else 0,
            "diff": found.diff if found else None,
            "ci_low": found.low if found else None,
            "ci_high": found.high if found else None,
            "p": found.p if found else None,
            "p_adjusted": self.p_adjusted,
            "test": found.test if found else None,
        }


@dataclass(frozen=True, eq=False)
class Part:
    """A cell on the samples that have one value of a field. `n` counts its finished trials."""

    value: str | None
    cell: CellName
    n: int
    scores: Mapping[str, ScoreSummary]

    def to_json(self) -> dict[str, Any]:
        scores = {name: score.to_json() for name, score in self.scores.items()}
        return {"value": self.value, **self.cell.to_json(), "n": self.n, "scores": scores}


@dataclass(frozen=True)
class PartPair:
    """A paired difference on the samples that have one value; without `pair.found` where `n` is too small."""

    value: str | None
    n: int
    pair: Pair

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value, **self.pair.to_json(), "n": self.n}


@dataclass(frozen=True, eq=False)
class Breakdown:
    """The comparison by the values of one field of the samples: exploratory, no p is adjusted, no verdict.

    `values` counts the distinct ones; where there are too many for a table, there are no parts.
    """

    field: str
    values: int
    parts: tuple[Part, ...]
    pairs: tuple[PartPair, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "values": self.values,
            "exploratory": True,
            "cells": [part.to_json() for part in self.parts],
            "pairs": [pair.to_json() for pair in self.pairs],
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` prints. `notes` are statements about the run that belong beside every verdict,
    `judges` what judging took, `optimizations` what finding prompts took: neither is in the cells' cost.
    `vary`: what each repeat drew anew; `tried`: how many variants the test samples have seen, in all runs
    around this one."""

    run: str
    experiment: str
    status: Status
    sent_calls: int
    seed: int
    family: Family
    cells: tuple[CellSummary, ...]
    pairs: tuple[Pair, ...]
    family_sizes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    judges: tuple[JudgeReport, ...] = ()
    optimizations: tuple[Optimization, ...] = ()
    vary: tuple[str, ...] = ("completion",)
    tried: tuple[Tried, ...] = ()

    @property
    def primary(self) -> str:
        """The scorer that headlines: the file's, else the first."""
        return self.family.headline

    @property
    def headline(self) -> tuple[str, ...]:
        """The sentences that matter most, at most three."""
        from promptlab.analysis.headline import headline

        return headline(self)

    def told(self, language: str = "en") -> tuple[str, ...]:
        """The sentences that matter most in that language: `headline`, or what says the same in "zh"."""
        if language != "zh":
            return self.headline
        from promptlab.analysis.chinese import chinese

        return chinese(self)

    @property
    def exposure(self) -> tuple[str, ...]:
        """How often the test samples were used up to now, by runs and by hand: a sentence a data set."""
        return tuple(each.sentence(named=len(self.tried) > 1) for each in self.tried)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict on each pair of the family, in plain words."""
        from promptlab.analysis.verdict import Speaker

        speaker = Speaker(self)
        return tuple(speaker.verdict(pair) for pair in self.pairs if pair.in_family)

    def filtered(
        self, *, variants: Sequence[str] | None = None, models: Sequence[str] | None = None
    ) -> Comparison:
        """Shows less and changes no number: `p_adjusted` stays as the file's family made it.

        A name also means all that a matrix made of it. UsageError: there is no such name.
        """
        names = [cell.name for cell in self.cells]
        if variants is not None:
            variants = matching_names(variants, (each.variant for each in names), "there is no variant")
        if models is not None:
            models = matching_names(models, (each.model for each in names), "there is no model")

        def kept(name: CellName) -> bool:
            return (variants is None or name.variant in variants) and (models is None or name.model in models)

        return replace(
            self,
            cells=tuple(cell for cell in self.cells if kept(cell.name)),
            optimizations=tuple(each for each in self.optimizations if kept(each.cell)),
            pairs=tuple(pair for pair in self.pairs if kept(pair.a) and kept(pair.b)),
            breakdowns=tuple(
                replace(
                    each,
                    parts=tuple(part for part in each.parts if kept(part.cell)),
                    pairs=tuple(one for one in each.pairs if kept(one.pair.a) and kept(one.pair.b)),
                )
                for each in self.breakdowns
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The object of `compare --json`: plain numbers, None where one does not exist.

        `breakdown` is in it where the file asks for one.
        """
        broken_down = [each.to_json() for each in self.breakdowns]
        searches = [each.to_json(break_even(each, self)) for each in self.optimizations]
        return {
            "run": self.run,
            "experiment": self.experiment,
            "status": self.status,
            "sent_calls": self.sent_calls,
            "cells": [cell.to_json() for cell in self.cells],
            "pairs": [pair.to_json() for pair in self.pairs],
            **({"breakdown": broken_down} if broken_down else {}),
            **({"judges": [judge.to_json() for judge in self.judges]} if self.judges else {}),
            **({"optimizations": searches} if searches else {}),
        }
