"""What the analysis reads: the finished trials of each cell as arrays, and what the file fixes beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.counted import Count

if TYPE_CHECKING:
    from promptlab.scoring.corpus import Corpus


@dataclass(frozen=True, eq=False)
class CorpusTrials:
    """What each finished trial adds to a score of the whole cell, [trials, m]; NaN: it has no score.

    `recipe` names all that the score depends on (sacrebleu's signature), "" where its settings say it.
    """

    rows: NDArray[np.float64]
    corpus: Corpus
    recipe: str = ""


@dataclass(frozen=True, eq=False)
class ClassTrials:
    """The true class of each finished trial and the predicted one (-1: the answer failed; NaN: no target),
    [trials, 2], as numbers into `names`."""

    rows: NDArray[np.float64]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CellResult:
    """One variant × model × data set. The arrays have one entry per finished trial, in any order.

    A cell of the file that has not run yet is given too, with `n=0` and empty arrays: the family of
    comparisons is fixed by the file, not by what has run.
    """

    variant: str
    model: str
    dataset: str
    planned: int
    """Trials planned."""
    n: int
    """Finished trials: failures included, errors not."""
    errors: int
    unparsed: int
    refused: int
    truncated: int
    sandbox: int
    calls: int
    """Calls, hits and joins included."""
    cached_calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    """All calls as first paid; None if any is unknown."""
    unknown_cost_calls: int
    paid_usd: float | None
    """What this run paid."""
    latency_p50_s: float | None
    latency_p95_s: float | None
    samples: NDArray[np.int64]
    """Position of the trial's sample within its data set."""
    repeats: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    """Cluster of the trial's sample; None where the data set has no group."""
    answered: NDArray[np.bool_]
    """False for unparsed, refused, truncated and sandbox."""
    scores: Mapping[str, NDArray[np.float64]]
    """Scorer → score per trial. A failure is 0; NaN says that there is no score."""
    corpus: Mapping[str, CorpusTrials] = field(default_factory=dict)
    """Scorers whose score belongs to the whole cell (F1, BLEU) → what their trials add to it."""
    classes: ClassTrials | None = None
    """For labels, options, yes and no: what was true and what was answered."""
    oracle: bool = False
    """The technique was shown the target."""
    fields: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    """Breakdown field → what each trial's sample says there, or None; only fields its data set has."""
    pass_at: Mapping[str, int] = field(default_factory=dict)
    """Scorer → the k of its pass@k, where that is above 1: repeats are then no mean."""
    drawn_once: str | None = None
    """What all repeats share ("demo set", "optimizer run"); verdicts then hold "with this demo set"."""
    counts: tuple[Count, ...] = ()
    """How many demos or draws its variant takes."""
    latency_sum_s: float | None = None
    """All its finished trials; None where one has no latency."""

    @property
    def pending(self) -> int:
        """Trials that have neither finished nor ended in an error."""
        return max(0, self.planned - self.n - self.errors)


@dataclass(frozen=True)
class Family:
    """Which comparisons the file asks for. They are corrected together (Holm), shown or not."""

    primary: str | None
    """The one scorer that is tested; None: each scorer is a family of its own."""
    baseline: str | None
    """Name of the variant all others are compared with; None: all pairs."""
    scorers: tuple[str, ...]
    strict: str | None = None
    """The scorer that reads the raw reply ..."""
    extracted: str | None = None
    """... and the one that grades the same answer once it is extracted."""
    min_effect: float = 0.05
    """The smallest difference worth finding, for planning."""

    @property
    def headline(self) -> str:
        """The scorer that headlines: the file's, else the first; "" where nothing is scored."""
        return self.primary or next(iter(self.scorers), "")
