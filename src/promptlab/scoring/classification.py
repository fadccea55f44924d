"""Corpus scores over a cell's labels: confusion matrix, precision, recall, F1, Matthews correlation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Averaged:
    """Precision, recall and F1, each from 0 to 1; 0 where undefined (nothing predicted, nothing there)."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Classification:
    """How predicted labels agree with the true ones.

    `confusion[i][j]` counts samples of true label i that were predicted j; the last column counts those
    without a prediction (failed answers), which lower recall and accuracy and no label's precision.
    `support` counts the samples of each true label. `mcc` is the multiclass Matthews correlation
    (Gorodkin 2004), with "no prediction" as a class of its own.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    support: tuple[int, ...]
    by_label: tuple[Averaged, ...]
    accuracy: float
    micro: Averaged
    macro: Averaged
    weighted: Averaged
    mcc: float


def classification(
    truth: Sequence[str], predicted: Sequence[str | None], labels: Sequence[str] | None = None
) -> Classification:
    """Scores of a cell; `None` is a failed answer. `labels` defaults to all that occur, sorted.

    ValueError where the two differ in length, are empty, or hold a label that is not in `labels`.
    """
    if len(truth) != len(predicted) or not truth:
        raise ValueError(
            f"{len(truth)} true labels and {len(predicted)} predictions: give as many, at least one."
        )
    seen = {*truth, *(each for each in predicted if each is not None)}
    names = tuple(labels) if labels is not None else tuple(sorted(seen))
    if seen - set(names):
        raise ValueError(f"not among the labels: {', '.join(sorted(seen - set(names)))}.")
    counts = Counter(zip(truth, predicted, strict=True))
    columns: tuple[str | None, ...] = (*names, None)
    confusion = tuple(tuple(counts[true, guess] for guess in columns) for true in names)
    support = tuple(sum(row) for row in confusion)
    guessed = tuple(sum(row[index] for row in confusion) for index in range(len(columns)))
    hits = tuple(confusion[index][index] for index in range(len(names)))
    by_label = tuple(
        _scores(hit, guess, true) for hit, guess, true in zip(hits, guessed[:-1], support, strict=True)
    )
    return Classification(
        names,
        confusion,
        support,
        by_label,
        accuracy=sum(hits) / len(truth),
        micro=_scores(sum(hits), sum(guessed[:-1]), sum(support)),
        macro=_average(by_label, [1.0] * len(names)),
        weighted=_average(by_label, support),
        mcc=_mcc(sum(hits), guessed, support),
    )


def _scores(hits: int, guessed: int, true: int) -> Averaged:
    precision = hits / guessed if guessed else 0.0
    recall = hits / true if true else 0.0
    f1 = 2 * hits / (guessed + true) if guessed + true else 0.0
    return Averaged(precision, recall, f1)


def _average(scores: Sequence[Averaged], weights: Sequence[float]) -> Averaged:
    total = sum(weights)
    return Averaged(
        *(
            sum(weight * getattr(each, name) for each, weight in zip(scores, weights, strict=True)) / total
            for name in ("precision", "recall", "f1")
        )
    )


def _mcc(hits: int, guessed: Sequence[int], support: Sequence[int]) -> float:
    total = sum(support)
    covariance = hits * total - sum(guess * true for guess, true in zip(guessed, support, strict=False))
    spread = (total**2 - sum(guess**2 for guess in guessed)) * (total**2 - sum(true**2 for true in support))
    return covariance / sqrt(spread) if spread else 0.0
