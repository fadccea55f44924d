"""Simulated experiments whose truth is known: what the intervals and tests are tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from promptlab.analysis.samples import PairedScores, SampleScores

LABEL_SHARES = (0.5, 0.3, 0.2)
TRUTH_DRAWS = 400_000  # samples, at least, behind what is taken for the truth


@dataclass(frozen=True)
class World:
    """How scores come about: samples and groups differ in difficulty, and a group favours one variant."""

    samples: int
    repeats: int = 1
    groups: int = 0
    level: float = 0.5
    """Mean score, roughly."""
    uneven: bool = False
    """The largest group is nine times the smallest."""
    continuous: bool = False
    steady: bool = False
    """The first variant says the same in every repeat; the others waver. On average they are equal."""

    @property
    def name(self) -> str:
        kind = "scores in [0, 1]" if self.continuous else "0/1"
        repeats = f", {self.repeats} repeats" if self.repeats > 1 else ""
        sizes = "1 to 9" if self.uneven else f"{self.samples / max(1, self.groups):g}"
        groups = f", {self.groups} groups of {sizes}" if self.groups else ""
        steady = ", one variant steady" if self.steady else ""
        return f"{self.samples} samples{repeats}{groups}, {kind}, level {self.level:g}{steady}"

    def clusters(self) -> np.ndarray | None:
        """The group of each sample."""
        if not self.groups:
            return None
        weights = np.linspace(1, 9, self.groups) if self.uneven else np.ones(self.groups)
        ends = np.round(np.cumsum(weights) / weights.sum() * self.samples).astype(int)
        return np.searchsorted(ends, np.arange(self.samples), side="right")

    def chances(self, generator: np.random.Generator, variants: int) -> np.ndarray:
        """The expected score of every variant on every sample: [variants, samples]."""
        ease = np.log(self.level / (1 - self.level)) + generator.normal(0, 1.5, self.samples)
        logits = np.repeat(ease[None, :], variants, axis=0)
        groups = self.clusters()
        if groups is not None:
            logits += generator.normal(0, 1, self.groups)[groups]
            logits += generator.normal(0, 1, (variants, self.groups))[:, groups]
        return 1 / (1 + np.exp(-logits))

    def draw(self, generator: np.random.Generator, variants: int) -> np.ndarray:
        """Scores, [variants, samples], averaged over repeats. None is better on average."""
        chances = self.chances(generator, variants)
        if self.continuous:
            return generator.beta(4 * chances + 0.05, 4 * (1 - chances) + 0.05)
        drawn = generator.binomial(self.repeats, chances) / self.repeats
        if self.steady:
            drawn[0] = generator.random(self.samples) < chances[0]
        return drawn

    def answers(self, generator: np.random.Generator, variants: int) -> tuple[np.ndarray, np.ndarray]:
        """True labels, [samples], and answers, [variants, samples]; a wrong one is any other label."""
        labels = len(LABEL_SHARES)
        gold = generator.choice(labels, self.samples, p=LABEL_SHARES)
        right = generator.random((variants, self.samples)) < self.chances(generator, variants)
        other = (gold + generator.integers(1, labels, (variants, self.samples))) % labels
        return gold, np.where(right, gold, other)

    def means(self) -> np.ndarray:
        """The means of many drawn data sets: their mean is the truth, their spread the true error."""
        generator = np.random.default_rng(12345)
        sets = max(2000, TRUTH_DRAWS // self.samples)
        return np.array([self.draw(generator, 1)[0].mean() for _ in range(sets)])

    def scores(self, values: np.ndarray) -> SampleScores:
        return SampleScores(np.arange(self.samples), values, self.clusters(), self.binary, bounded=True)

    def pair(self, a: np.ndarray, b: np.ndarray) -> PairedScores:
        return PairedScores(a, b, self.clusters(), self.binary, bounded=True, dropped=0)

    @property
    def binary(self) -> bool:
        return self.repeats == 1 and not self.continuous


def f1_parts(gold: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """What each sample adds to the counts behind macro F1: hits, answers and truth of every label."""
    labels = np.arange(len(LABEL_SHARES))
    true, said = gold[:, None] == labels, answers[:, None] == labels
    return np.concatenate((true & said, said, true), axis=1).astype(np.float64)


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """Macro F1 of summed parts, [draws]; a label that occurs nowhere has F1 0."""
    hits, said, true = np.split(sums, 3, axis=1)
    return (2 * hits / np.maximum(said + true, 1)).mean(axis=1)


def mean_parts(values: np.ndarray) -> np.ndarray:
    """What each sample adds to a mean: its value and one."""
    return np.stack((values, np.ones(len(values))), axis=1)


def mean_of(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]
