"""What trials took and how they ended, as plotly's JSON: time, tokens, and those without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptlab.analysis.verdict import Speaker
from promptlab.basics.errors import NO_ANSWER_KINDS
from promptlab.export.plot_parts import (
    Figure,
    bar_chart,
    by_setting,
    colour,
    is_bounded,
    label,
    scored_cells,
    setting_of,
    tokens_per_trial,
    variant_label,
)

if TYPE_CHECKING:
    from promptlab.analysis.comparison import Comparison


def latency(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """The median time of a trial, and the 95th percentile above it."""
    traces = []
    for number, (setting, members) in enumerate(by_setting(comparison).items()):
        cells = [cell for cell in members if cell.result.latency_p50_s is not None]
        above = [(cell.result.latency_p95_s or 0) - (cell.result.latency_p50_s or 0) for cell in cells]
        traces.append(
            {
                "type": "bar",
                "name": setting,
                "x": [variant_label(cell, speaker) for cell in cells],
                "y": [cell.result.latency_p50_s for cell in cells],
                "error_y": {"type": "data", "array": above, "arrayminus": [0.0] * len(above)},
                "marker": {"color": colour(number)},
            }
        )
    if not any(trace["x"] for trace in traces):
        return None
    return bar_chart(traces, "Time of a trial: median, and 95th percentile", "seconds")


def tokens(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """Prompt and completion tokens of a cell over the sum of its primary scores."""
    traces = []
    for number, (setting, members) in enumerate(by_setting(comparison).items()):
        found = []
        for cell in scored_cells(comparison, members):
            spent, mean = tokens_per_trial(cell), cell.scores[comparison.primary].mean
            if spent is not None and mean:
                found.append((cell, spent / mean))
        traces.append(
            {
                "type": "bar",
                "name": setting,
                "x": [variant_label(cell, speaker) for cell, _ in found],
                "y": [each for _, each in found],
                "marker": {"color": colour(number)},
            }
        )
    if not is_bounded(comparison) or not any(trace["x"] for trace in traces):
        return None
    return bar_chart(traces, f"Tokens per correct answer ({label(comparison.primary)})", "tokens")


def failures(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """How many trials ended without an answer, by kind, and how many in errors."""
    cells = [cell for cell in comparison.cells if cell.result.n + cell.result.errors]
    if not cells:
        return None
    many = len(by_setting(comparison)) > 1
    labels = [
        f"{variant_label(cell, speaker)}<br>{setting_of(cell, comparison)}"
        if many
        else variant_label(cell, speaker)
        for cell in cells
    ]
    traces = [
        {
            "type": "bar",
            "name": kind,
            "x": labels,
            "y": [getattr(cell.result, kind) / (cell.result.n + cell.result.errors) for cell in cells],
            "text": [getattr(cell.result, kind) or "" for cell in cells],
            "textangle": 0,
            "marker": {"color": colour(number)},
        }
        for number, kind in enumerate((*NO_ANSWER_KINDS, "errors"))
    ]
    drawn = bar_chart(traces, "Trials without an answer, and errors", "share of trials")
    drawn["layout"] |= {"barmode": "stack", "showlegend": True}
    highest = max(map(sum, zip(*(trace["y"] for trace in traces), strict=True)))
    drawn["layout"]["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.1 * highest or 1]}
    return drawn
