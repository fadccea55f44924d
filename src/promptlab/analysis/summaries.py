"""One scorer over one cell, or over a part of it, in a few numbers; and two cells side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.bootstrap import BOOTSTRAP_DRAWS
from promptlab.analysis.cell_scores import (
    CorpusScores,
    corpus_difference,
    corpus_interval,
    corpus_scores,
)
from promptlab.analysis.cells import CellResult
from promptlab.analysis.comparison import ScoreSummary
from promptlab.analysis.intervals import mean_interval
from promptlab.analysis.paired import Difference, difference
from promptlab.analysis.samples import (
    SampleScores,
    mean_answered,
    paired,
    pooled,
    repeat_means,
    sample_scores,
)
from promptlab.analysis.sign_flips import DRAWS

Measured = SampleScores | CorpusScores


@dataclass(frozen=True, slots=True)
class Seeds:
    """What draws start from: that of the run for cells, that of the pair for a test of its own."""

    run: int
    pair: int = 0


def measure(cell: CellResult, scorer: str) -> Measured:
    """The cell under one scorer, sample by sample: scores that have a mean, or counts that add up."""
    return corpus_scores(cell, scorer) if scorer in cell.corpus else sample_scores(cell, scorer)


def score_summary(cell: CellResult, scorer: str, scores: Measured, seed: int) -> ScoreSummary:
    """The mean (or the score of the whole cell) with its interval, that over answered trials, and each
    repeat's.

    `scores` are `measure(cell, scorer)`, which the caller has for the pairs too.
    """
    if isinstance(scores, CorpusScores):
        return _corpus_summary(cell, scorer, scores, seed)
    of_repeats = repeat_means(cell, scorer)
    return ScoreSummary(
        interval=mean_interval(scores),
        mean_answered=mean_answered(cell, scorer),
        repeats=tuple(float(mean) for mean in of_repeats) if len(of_repeats) > 1 else (),
    )


def _corpus_summary(cell: CellResult, scorer: str, scores: CorpusScores, seed: int) -> ScoreSummary:
    answered = corpus_scores(cell, scorer, where=cell.answered)
    numbers = sorted(set(cell.repeats.tolist()))
    of_repeats = [corpus_scores(cell, scorer, where=cell.repeats == number) for number in numbers]
    return ScoreSummary(
        interval=corpus_interval(scores, seed),
        mean_answered=answered.value if len(answered) else None,
        repeats=tuple(each.value for each in of_repeats if len(each)) if len(numbers) > 1 else (),
        recipe=cell.corpus[scorer].recipe,
    )


def compared(
    a: Sequence[Measured], b: Sequence[Measured], seeds: Seeds, draws: int = DRAWS
) -> tuple[Difference | None, int, int]:
    """a - b over the samples that both have, one entry per data set: the difference (None where they share
    no sample), how many samples are shared, and how many were dropped."""
    if all(isinstance(each, CorpusScores) for each in (*a, *b)):
        found, dropped = corpus_difference(
            [each for each in a if isinstance(each, CorpusScores)],
            [each for each in b if isinstance(each, CorpusScores)],
            seeds.run,
            max(BOOTSTRAP_DRAWS, draws if draws > DRAWS else 0),
        )
        return found, found.n if found else 0, dropped
    if any(isinstance(each, CorpusScores) for each in (*a, *b)):
        return None, 0, sum(len(each) for each in (*a, *b))  # one of them has not run, or kept no counts
    parts = [
        paired(one, other)
        for one, other in zip(a, b, strict=True)
        if isinstance(one, SampleScores) and isinstance(other, SampleScores)
    ]
    both = parts[0] if len(parts) == 1 else pooled(parts)
    return difference(both, seeds.pair, draws), len(both), both.dropped
