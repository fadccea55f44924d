"""Scores of a whole cell from counts that add up over its answers: nothing is read or tokenised twice.

Every answer leaves a few numbers (`Scorer.statistics`); `expanded` makes counts of them, which are summed
over any selection of answers, with any weights, and `values` makes scores of the sums. A bootstrap draw is a
sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Average = Literal["macro", "micro", "weighted"]
ClassMetric = Literal["f1", "precision", "recall", "mcc"]

BLEU_ORDER = 4
CHRF_ORDER, CHRF_BETA = 6, 2
NO_CLASS = -1.0  # the prediction of an answer that failed


class Corpus(Protocol):
    """How a cell's score follows from its answers' statistics."""

    def expanded(self, rows: Floats) -> Floats:
        """Counts that add up, [answers, k], of statistics, [answers, m]."""
        ...

    def values(self, totals: Floats) -> Floats:
        """The score of each row of summed counts, [draws, k]."""
        ...


@dataclass(frozen=True, slots=True)
class Classes:
    """F1, precision, recall or the Matthews correlation over labels; as scikit-learn, undefined is 0.

    A statistic is (true class, predicted class), the second `NO_CLASS` for a failed answer: it lowers recall
    and no label's precision. Macro and weighted averages are over the labels that occur, in the truth or in
    the answers. `only` is the one class whose score it is. The correlation (Gorodkin 2004) takes "no answer"
    as a class of its own.
    """

    metric: ClassMetric
    average: Average = "macro"
    only: int | None = None

    def expanded(self, rows: Floats) -> Floats:
        """How many have no prediction; then hits, predictions and support of each class in turn."""
        classes = max(int(rows.max(initial=0.0)), self.only or 0) + 1
        true, guess = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64)
        every = np.arange(len(rows))
        counts = np.zeros((len(rows), classes, 3))
        counts[every, true, 0] = true == guess
        answered = guess >= 0
        counts[every[answered], guess[answered], 1] = 1
        counts[every, true, 2] = 1
        return np.hstack(((~answered)[:, None].astype(np.float64), counts.reshape(len(rows), -1)))

    def values(self, totals: Floats) -> Floats:
        hits, guessed, support = (totals[:, offset::3] for offset in (1, 2, 3))
        if self.metric == "mcc":
            return _mcc(hits.sum(axis=1), guessed, support, totals[:, 0])
        if self.only is not None:
            hits, guessed, support = (each[:, self.only, None] for each in (hits, guessed, support))
        if self.average == "micro":
            hits, guessed, support = (each.sum(axis=1, keepdims=True) for each in (hits, guessed, support))
        by_class = {
            "f1": _ratio(2 * hits, guessed + support),
            "precision": _ratio(hits, guessed),
            "recall": _ratio(hits, support),
        }[self.metric]
        weights = support if self.average == "weighted" else (guessed + support > 0).astype(np.float64)
        if self.only is not None or self.average == "micro":
            return by_class[:, 0]
        return _ratio((by_class * weights).sum(axis=1), weights.sum(axis=1))


def _mcc(hits: Floats, guessed: Floats, support: Floats, none: Floats) -> Floats:
    total = support.sum(axis=1)
    covariance = hits * total - (guessed * support).sum(axis=1)
    spread = (total**2 - (guessed**2).sum(axis=1) - none**2) * (total**2 - (support**2).sum(axis=1))
    return _ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


def _ratio(above: Floats, below: Floats) -> Floats:
    """0 where undefined. Rounding must not make a count out of nothing."""
    defined = below > 1e-9
    return np.divide(above, below, out=np.zeros_like(above), where=defined)


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU-4, 0 to 1, with exponential smoothing, as sacrebleu (Papineni et al. 2002; Post 2018).

    A statistic is lengths of candidate and reference, matches of orders 1 to 4, and their totals.
    `sentence`: only the orders that a text is long enough for (sacrebleu's effective order).
    """

    sentence: bool = False

    def expanded(self, rows: Floats) -> Floats:
        return rows

    def values(self, totals: Floats) -> Floats:
        length, reference = totals[:, 0], totals[:, 1]
        matches, possible = totals[:, 2 : 2 + BLEU_ORDER], totals[:, 2 + BLEU_ORDER :]
        some = possible > 1e-9
        missed = some & (matches <= 1e-9)
        halvings = 0.5 ** np.cumsum(missed, axis=1)
        precision = np.where(missed, halvings, matches) / np.where(some, possible, 1.0)
        orders = some.sum(axis=1) if self.sentence else np.full(len(totals), BLEU_ORDER)
        # sacrebleu's log of 0, for orders that no candidate is long enough for.
        logs = np.where(some, np.log(np.where(some, precision, 1.0)), 0.0 if self.sentence else -1e10)
        with np.errstate(divide="ignore", invalid="ignore"):
            brevity = np.where(length < reference, np.exp(1 - reference / length), 1.0)
        score = brevity * np.exp(logs.sum(axis=1) / np.maximum(orders, 1))
        return np.where((matches.sum(axis=1) > 1e-9) & (length > 0), score, 0.0)


@dataclass(frozen=True, slots=True)
class Chrf:
    """chrF2, 0 to 1, as sacrebleu (Popović 2015): for orders 1 to 6 the n-grams of candidate and reference,
    and those in both."""

    def expanded(self, rows: Floats) -> Floats:
        return rows

    def values(self, totals: Floats) -> Floats:
        candidate, reference, both = (totals[:, offset::3] for offset in range(3))
        used = (candidate > 1e-9) & (reference > 1e-9)
        orders = np.maximum(used.sum(axis=1), 1)
        precision = np.where(used, _ratio(both, candidate), 0.0).sum(axis=1) / orders
        recall = np.where(used, _ratio(both, reference), 0.0).sum(axis=1) / orders
        factor = CHRF_BETA**2
        return _ratio((1 + factor) * precision * recall, factor * precision + recall)


@dataclass(frozen=True, slots=True)
class Ter:
    """1 − TER, as sacrebleu counts edits (Snover et al. 2006): higher is better, and below 0 where there are
    more edits than words. A statistic is edits and the reference's length."""

    def expanded(self, rows: Floats) -> Floats:
        return rows

    def values(self, totals: Floats) -> Floats:
        edits, length = totals[:, 0], totals[:, 1]
        rate = np.divide(edits, length, out=(edits > 0).astype(np.float64), where=length > 1e-9)
        return np.asarray(1.0 - rate, dtype=np.float64)
