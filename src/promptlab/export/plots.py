"""The plots of a comparison, as plotly's own JSON: plain data, drawn by plotly.js or kaleido."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from promptlab.analysis.verdict import Speaker
from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.export import score_plots, trial_plots
from promptlab.export.plot_parts import Figure

if TYPE_CHECKING:
    from promptlab.analysis.comparison import Comparison

PLOTS: dict[str, Callable[[Comparison, Speaker], Figure | None]] = {
    "scores": score_plots.scores,
    "heatmap": score_plots.heatmap,
    "cost": score_plots.cost,
    "wins": score_plots.wins,
    "latency": trial_plots.latency,
    "tokens": trial_plots.tokens,
    "failures": trial_plots.failures,
    "counts": score_plots.counts,
}


def figure(what: str, comparison: Comparison) -> Figure:
    """One plot by its name in `PLOTS`. UsageError: no such plot, or nothing to draw yet."""
    if what not in PLOTS:
        raise UsageError(f"there is no plot {what!r}.", remedy=did_you_mean(what, PLOTS))
    drawn = PLOTS[what](comparison, Speaker(comparison))
    if drawn is None:
        others = ", ".join(figures(comparison))
        raise UsageError(
            f"run {comparison.run} has nothing to draw for {what!r}.",
            remedy=f"It has something for: {others}." if others else "No trial of it is finished yet.",
        )
    return drawn


def figures(comparison: Comparison) -> dict[str, Figure]:
    """Every plot for which there is something to draw."""
    speaker = Speaker(comparison)
    drawn = {name: draw(comparison, speaker) for name, draw in PLOTS.items()}
    return {name: each for name, each in drawn.items() if each is not None}
