"""One experiment's headline score over its runs, as a plot."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.export.plot_parts import Figure, colour, error_bars, label, laid_out

if TYPE_CHECKING:
    from promptlab.analysis.trend import TrendPoint


def trend_figure(points: Sequence[TrendPoint]) -> Figure | None:
    """A line a cell: its means with their 95 % intervals, in order of the runs; None without a score."""
    scored = [point for point in points if point.score is not None]
    if not scored:
        return None
    runs = {point.run: point.created for point in sorted(points, key=lambda each: each.created)}
    names = {
        run: f"{run[-4:]}<br>{time.strftime('%m-%d %H:%M', time.localtime(at))}" for run, at in runs.items()
    }
    several = [len({getattr(each, field) for each in points}) > 1 for field in ("model", "dataset")]
    series: dict[str, list[TrendPoint]] = {}
    for point in scored:
        more = [part for part, shown in zip((point.model, point.dataset), several, strict=True) if shown]
        series.setdefault(" × ".join([point.variant, *more]), []).append(point)
    traces = []
    for number, (name, found) in enumerate(series.items()):
        found.sort(key=lambda each: each.created)
        scores = [each.score for each in found if each.score]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": label(name),
                "x": [names[each.run] for each in found],
                "y": [each.mean for each in scores],
                "error_y": error_bars([(each.mean, each.low, each.high) for each in scores]),
                "marker": {"size": 9, "color": colour(number)},
                "line": {"color": colour(number)},
                "hovertemplate": "%{x}: %{y:.3f}",
            }
        )
    scorer = label(scored[-1].scorer)
    return laid_out(
        traces,
        f"{scorer} over the runs, 95 % intervals",
        xaxis={"categoryorder": "array", "categoryarray": list(names.values()), "automargin": True},
        yaxis={"title": {"text": scorer}},
        showlegend=len(traces) > 1,
    )
