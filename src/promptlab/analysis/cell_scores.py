"""Scores of whole cells (macro F1, BLEU), which are no mean over samples: their intervals and paired tests.

Every sample is a row of counts, its repeats averaged; a draw of the bootstrap sums the rows of the samples
(or groups) drawn. All cells over the same samples are drawn alike, so that a pair's draws are differences of
its cells' draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.bootstrap import BOOTSTRAP_DRAWS
from promptlab.analysis.cells import CellResult
from promptlab.analysis.intervals import Interval, effective_units, small
from promptlab.analysis.paired import Difference
from promptlab.analysis.resampling import resampled_difference, resampled_interval
from promptlab.analysis.samples import Floats, Integers
from promptlab.basics.hashing import short_digest
from promptlab.scoring.corpus import Corpus

_BLOCK = 4_000_000  # numbers drawn at once: bounds memory to some 64 MB
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class CorpusScores:
    """A cell under a corpus scorer, one entry per sample, ordered by `samples`.

    `kind[i]` is the row of `counts` that sample i has: equal samples share one, which keeps draws short.
    """

    samples: Integers
    kind: Integers
    counts: Floats
    groups: Integers | None
    corpus: Corpus
    dataset: str
    _drawn: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def value(self) -> float:
        """The score of the cell; there must be a sample."""
        weights = np.bincount(self.kind, minlength=len(self.counts)).astype(np.float64)
        return float(self.corpus.values((weights @ self.counts)[None, :])[0])

    def on(self, samples: Integers) -> CorpusScores:
        """The same on some of its samples; itself, with what was drawn, where these are all."""
        if len(samples) == len(self):
            return self
        kept = np.searchsorted(self.samples, samples)
        groups = None if self.groups is None else self.groups[kept]
        return CorpusScores(samples, self.kind[kept], self.counts, groups, self.corpus, self.dataset)

    def drawn(self, seed: int, draws: int) -> Floats:
        """The score in each of `draws` draws with replacement. Cells over as many units are drawn alike."""
        known = self._drawn.get((seed, draws))
        if known is None:
            known = self._drawn[seed, draws] = self._draw(seed, draws)
        return known

    def _draw(self, seed: int, draws: int) -> Floats:
        kinds, rows, units = self.kind, self.counts, len(self)
        if self.groups is not None:
            unit = _in_order(self.groups)
            units = int(unit.max()) + 1
            rows = np.zeros((units, self.counts.shape[1]))
            np.add.at(rows, unit, self.counts[self.kind])
            kinds = np.arange(units)
        generator = np.random.default_rng(int(short_digest(["bootstrap", seed, self.dataset]), 16))
        found = np.empty(draws)
        block = max(1, _BLOCK // units)
        for start in range(0, draws, block):
            size = min(block, draws - start)
            chosen = kinds[generator.integers(0, units, size=(size, units))]
            places = (chosen + np.arange(size)[:, None] * len(rows)).ravel()
            times = np.bincount(places, minlength=size * len(rows)).reshape(size, len(rows))
            found[start : start + size] = self.corpus.values(times.astype(np.float64) @ rows)
        return found


def corpus_scores(cell: CellResult, scorer: str, *, where: NDArray[np.bool_] | None = None) -> CorpusScores:
    """What the cell's trials add up to, per sample: repeats are averaged, so that every sample weighs one.

    `where` takes some of the trials. Trials without a score are left out.
    """
    trials = cell.corpus[scorer]
    present = ~np.isnan(trials.rows).any(axis=1)
    if where is not None:
        present &= where
    stored, kind = np.unique(trials.rows[present], axis=0, return_inverse=True)
    counts = trials.corpus.expanded(stored) if len(stored) else np.zeros((0, 1))
    kind = kind.reshape(-1).astype(np.int64)
    samples, first, of_sample, repeats = np.unique(
        cell.samples[present], return_index=True, return_inverse=True, return_counts=True
    )
    groups = None if cell.groups is None else cell.groups[present][first]
    if len(samples) < len(kind):
        summed = np.zeros((len(samples), counts.shape[1]))
        np.add.at(summed, of_sample, counts[kind])
        counts, kind = summed / repeats[:, None], np.arange(len(samples))
    else:
        kind = kind[first]
    return CorpusScores(samples, kind, counts, groups, trials.corpus, cell.dataset)


def corpus_interval(scores: CorpusScores, seed: int, draws: int = BOOTSTRAP_DRAWS) -> Interval | None:
    """The score of the cell with its expanded percentile interval; None where there is no sample.

    Where no draw differs, Wilson's interval for as many units: never zero width.
    """
    n = len(scores)
    if n == 0:
        return None
    units, effective = effective_units(n, scores.groups)
    groups = None if scores.groups is None else units
    cautions = small(n, groups, effective)
    value, drawn = scores.value, scores.drawn(seed, draws)
    flat = float(np.ptp(drawn)) <= _FLAT
    if flat and not 0 <= value <= 1:
        return Interval(value, None, None, "bootstrap", n, groups, cautions)
    low, high = resampled_interval(drawn, value, units, effective=effective)
    return Interval(value, low, high, "wilson" if flat else "bootstrap", n, groups, cautions)


def corpus_difference(
    a: Sequence[CorpusScores], b: Sequence[CorpusScores], seed: int, draws: int = BOOTSTRAP_DRAWS
) -> tuple[Difference | None, int]:
    """Paired bootstrap of two cells on the samples they share, and how many samples were dropped.

    Several data sets (one entry each) are drawn each by itself; the score over all is the mean of theirs,
    weighted by their samples. p = (c + 1) / (draws + 1), c the draws whose difference, stretched as the
    interval is, lies as far from the observed one as that lies from 0 (Efron and Tibshirani 1993, section
    16.4), and never below what exchanging the two cells' answers on the units where they differ could show.
    """
    parts = [_shared(one, other) for one, other in zip(a, b, strict=True)]
    dropped = sum(len(one) + len(other) for one, other in zip(a, b, strict=True))
    dropped -= 2 * sum(len(one) for one, _ in parts)
    parts = [(one, other) for one, other in parts if len(one)]
    n = sum(len(one) for one, _ in parts)
    if not n:
        return None, dropped
    weights = [len(one) / n for one, _ in parts]
    mean_a = sum(weight * one.value for weight, (one, _) in zip(weights, parts, strict=True))
    mean_b = sum(weight * other.value for weight, (_, other) in zip(weights, parts, strict=True))
    diff = mean_a - mean_b
    drawn = np.zeros(draws)
    for weight, (one, other) in zip(weights, parts, strict=True):
        drawn += weight * (one.drawn(seed, draws) - other.drawn(seed, draws))
    counted = [effective_units(len(one), one.groups) for one, _ in parts]
    units, effective = sum(each for each, _ in counted), sum(each for _, each in counted)
    differing = sum(_differing(one, other) for one, other in parts)
    low, high, p = resampled_difference(drawn, diff, units, effective=effective)
    p = max(p, min(1.0, 2.0 ** (1 - differing)))
    flat = float(np.ptp(drawn)) <= _FLAT
    return (
        Difference(
            n=n,
            mean_a=mean_a,
            mean_b=mean_b,
            diff=diff,
            low=low,
            high=high,
            p=p,
            test="bootstrap",
            interval="tango" if flat else "bootstrap",
            units=units,
            # For planning: the mean square of a unit's difference, had it been a mean over units.
            discordance=float(drawn.var()) * units + diff * diff,
            binary=False,
        ),
        dropped,
    )


def _shared(a: CorpusScores, b: CorpusScores) -> tuple[CorpusScores, CorpusScores]:
    shared = np.intersect1d(a.samples, b.samples, assume_unique=True)
    return a.on(shared), b.on(shared)


def _in_order(groups: Integers) -> Integers:
    """Groups numbered as they first come: then both cells of a pair number them alike."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[group].astype(np.int64)


def _differing(a: CorpusScores, b: CorpusScores) -> int:
    """Units on which the two cells' counts differ: only there could exchanging them change anything."""
    rows_a, rows_b = a.counts[a.kind], b.counts[b.kind]
    width = max(rows_a.shape[1], rows_b.shape[1])  # a class that one of them never met has no counts there
    rows_a, rows_b = (np.pad(rows, ((0, 0), (0, width - rows.shape[1]))) for rows in (rows_a, rows_b))
    differ = np.abs(rows_a - rows_b).max(axis=1) > _FLAT
    return int(differ.sum()) if a.groups is None else len(np.unique(a.groups[differ]))
