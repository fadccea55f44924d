"""What the plots share: their look, how cells are named and grouped in them, what a trial takes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from promptlab.analysis.verdict import Speaker
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from promptlab.analysis.comparison import CellSummary, Comparison

Figure = dict[str, Any]
# Whatever the system has, and after it what draws Chinese: a browser falls back letter by letter.
FONTS = (
    "system-ui, 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC', 'Microsoft YaHei',"
    " 'WenQuanYi Micro Hei', 'Noto Serif CJK SC', sans-serif"
)
# Okabe and Ito's colours: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")


def laid_out(traces: list[Figure], title: str, **layout: Any) -> Figure:
    axes = {"gridcolor": "#E5E5E5", "zerolinecolor": "#BBBBBB"}
    for name in ("xaxis", "yaxis"):
        layout[name] = axes | layout.get(name, {})
    return {
        "data": traces,
        "layout": {
            "title": {"text": title, "font": {"size": 16}},
            "font": {"family": FONTS, "size": 13, "color": "#222222"},
            "colorway": list(COLOURS),
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "margin": {"t": 90, "r": 30},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "traceorder": "normal",
            },
            **layout,
        },
    }


def bar_chart(traces: list[Figure], title: str, unit: str) -> Figure:
    return laid_out(
        traces,
        title,
        barmode="group",
        xaxis={"automargin": True},
        yaxis={"title": {"text": unit}, "rangemode": "tozero"},
        showlegend=len(traces) > 1,
    )


def by_setting(comparison: Comparison) -> dict[str, list[CellSummary]]:
    """The cells by model and data set, under the name that tells these apart."""
    groups: dict[str, list[CellSummary]] = {}
    for cell in comparison.cells:
        groups.setdefault(setting_of(cell, comparison), []).append(cell)
    return groups


def setting_of(cell: CellSummary, comparison: Comparison) -> str:
    several = len({each.result.dataset for each in comparison.cells}) > 1
    model = label(cell.result.model)
    return f"{model} on {label(cell.result.dataset)}" if several else model


def scored_cells(comparison: Comparison, cells: Sequence[CellSummary]) -> list[CellSummary]:
    return [cell for cell in cells if comparison.primary in cell.scores]


def variant_label(cell: CellSummary, speaker: Speaker) -> str:
    return label(speaker.variant(cell.result.variant))


def label(text: str) -> str:
    """plotly reads a little HTML in every label: names come from files and are shown as they are."""
    return html.escape(plain(text), quote=False)


def error_bars(intervals: Sequence[tuple[float, float | None, float | None]]) -> Figure:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if high is None else high - mean for mean, _, high in intervals],
        "arrayminus": [0.0 if low is None else mean - low for mean, low, _ in intervals],
    }


def is_bounded(comparison: Comparison) -> bool:
    """Whether all that is drawn of the primary score lies between 0 and 1."""
    found = [cell.scores[comparison.primary].interval for cell in scored_cells(comparison, comparison.cells)]
    return all(
        0 <= end <= 1 for each in found if each for end in (each.mean, each.low, each.high) if end is not None
    )


def score_range(comparison: Comparison) -> Figure:
    return {"range": [-0.02, 1.05]} if is_bounded(comparison) else {}


def usd_per_trial(cell: CellSummary) -> float | None:
    return None if cell.result.cost_usd is None else cell.result.cost_usd / cell.result.n


def tokens_per_trial(cell: CellSummary) -> float | None:
    result = cell.result
    if result.prompt_tokens is None or result.completion_tokens is None or not result.n:
        return None
    return (result.prompt_tokens + result.completion_tokens) / result.n


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
