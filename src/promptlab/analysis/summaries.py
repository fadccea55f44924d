"""One scorer over one cell, or over a part of it, in a few numbers."""

from __future__ import annotations

from promptlab.analysis.cells import CellResult
from promptlab.analysis.comparison import ScoreSummary
from promptlab.analysis.intervals import mean_interval
from promptlab.analysis.samples import SampleScores, mean_answered, repeat_means


def score_summary(cell: CellResult, scorer: str, scores: SampleScores) -> ScoreSummary:
    """The mean with its interval, the mean over answered trials, and each repeat's mean.

    `scores` are `sample_scores(cell, scorer)`, which the caller has for the pairs too.
    """
    of_repeats = repeat_means(cell, scorer)
    return ScoreSummary(
        interval=mean_interval(scores),
        mean_answered=mean_answered(cell, scorer),
        repeats=tuple(float(mean) for mean in of_repeats) if len(of_repeats) > 1 else (),
    )
