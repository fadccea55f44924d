"""Judges and people: agreement, Cohen's and Fleiss' kappa, and the mean corrected by labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Corrected:
    """A mean corrected by labels, with its 95 % interval; None where fewer than two labels carry one."""

    mean: float
    low: float | None
    high: float | None
    n: int
    labelled: int


def agreement(judge: Floats, human: Floats) -> float | None:
    """The share of answers that both grade alike; None where there is none."""
    return float(np.mean(judge == human)) if judge.size else None


def cohen_kappa(judge: Floats, human: Floats, *, weights: str | None = None) -> float | None:
    """Cohen's kappa (Cohen 1960, Educ. Psychol. Meas. 20:37); `weights="quadratic"` as in Cohen 1968.

    1 − Σ w·observed / Σ w·expected over the categories that occur, numbered in order. None where it does not
    exist: no answer, or both always say the same one thing.
    """
    if not judge.size:
        return None
    categories, codes = np.unique(np.concatenate([judge, human]), return_inverse=True)
    size = categories.size
    cells = codes[: judge.size] * size + codes[judge.size :]
    observed = np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.float64)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / judge.size
    places = np.arange(size)
    distance = np.abs(places[:, None] - places[None, :])
    weight = (distance > 0).astype(np.float64) if weights is None else distance.astype(np.float64) ** 2
    chance = float((weight * expected).sum())
    return None if chance == 0 else 1.0 - float((weight * observed).sum()) / chance


def fleiss_kappa(counts: Integers) -> float | None:
    """Fleiss' kappa (Fleiss 1971, Psychol. Bull. 76:378) of items × categories, how many people said which.

    Items that fewer than two people rated are left out. Where their number differs from item to item, an
    item's agreement is that of its own pairs of people, and a category's share the mean of its shares in the
    items. None where it does not exist: no such item, or everybody always said the same.
    """
    people = counts.sum(axis=1)
    counts, people = counts[people >= 2], people[people >= 2]
    if not people.size:
        return None
    alike = float(np.mean((counts * (counts - 1)).sum(axis=1) / (people * (people - 1))))
    shares = (counts / people[:, None]).mean(axis=0)
    chance = float(shares @ shares)
    return None if chance == 1 else (alike - chance) / (1 - chance)


def corrected_mean(judge: Floats, human: Floats, groups: Integers | None = None) -> Corrected | None:
    """The mean that people would give, from a judge on all and people on some of the same samples.

    One entry per sample (or per group's member); `human` is NaN where nobody looked. The judge's mean on all
    plus the mean difference on the labelled: prediction-powered inference (Angelopoulos et al. 2023, Science
    382:669, arXiv 2301.09633), for labels that are a random part of the judged samples. Then the two means
    share samples, and the variance is that of the influence values
    (J − mean J)/N + [labelled]·(D − mean D)/n, D = human − judge, summed within groups; the interval is
    Student's t with one degree of freedom less than labelled samples (groups), within 0 to 1 where all grades
    are. None: no label.
    """
    labelled = ~np.isnan(human)
    total, count = judge.size, int(labelled.sum())
    if not count:
        return None
    difference = np.where(labelled, human - judge, 0.0)
    bias = float(difference.sum()) / count
    mean = float(judge.mean()) + bias
    influence = (judge - judge.mean()) / total + np.where(labelled, difference - bias, 0.0) / count
    units = count
    if groups is not None:
        _, codes = np.unique(groups, return_inverse=True)
        influence = np.bincount(codes, weights=influence)
        units = np.unique(codes[labelled]).size
    if units < 2:
        return Corrected(mean, None, None, total, count)
    from scipy import stats

    error = float(np.sqrt((influence**2).sum() * units / (units - 1)))
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, units - 1)) * error
    low, high = mean - reach, mean + reach
    seen = np.concatenate([judge, human[labelled]])
    if seen.min() >= 0 and seen.max() <= 1:  # grades are shares: nothing lies beyond
        low, high = min(max(low, 0.0), mean), max(min(high, 1.0), mean)
    return Corrected(mean, low, high, total, count)
