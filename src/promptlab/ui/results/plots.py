"""The plots of the analysis layer, each with a table that says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from promptlab.analysis import words
from promptlab.export import figure_rows, figures
from promptlab.ui.language import Texts
from promptlab.ui.results.chart_texts import in_words_of_the_page, plotly_settings
from promptlab.ui.results.grid import grid, named, section, text_cell
from promptlab.ui.results.loaded import StoredRun, comparison_of
from promptlab.ui.shown import noted

say = Texts(
    scores=("Scores with their 95 % intervals", "得分与 95% 置信区间"),
    heatmap=("Score by variant and model", "各变体与模型的得分"),
    cost=("Score against cost", "得分与成本"),
    wins=("Samples won, tied and lost", "逐样本胜、平、负"),
    latency=("Time of a trial", "每次试验用时"),
    tokens=("Tokens per correct answer", "每个正确答案的 token 数"),
    failures=("Trials without an answer, and errors", "无答案与出错的试验"),
    counts=("Score over the number of demos or draws", "得分随示例数或采样数的变化"),
    trend=("Score over the runs", "历次运行的得分"),
    as_table=("The same as a table", "以表格显示"),
    nothing=("There is nothing to draw yet.", "暂无可绘制的内容。"),
    series=("Series", "系列"),
    x=("x", "x"),
    y=("y", "y"),
    low=("low", "下界"),
    high=("high", "上界"),
    value=("Value", "取值"),
)
_MOST_ROWS = 200
_WHISKERS = "#808a8f"  # seen on both themes


def show(run: StoredRun) -> None:
    """The view."""
    drawn = figures(comparison_of(run.directory))
    if not drawn:
        noted(say("nothing"))
    for name, figure in drawn.items():
        section(say(name))
        draw(name, figure)


def draw(name: str, figure: Mapping[str, Any]) -> None:
    """One plot in the page's own colours, and its table."""
    # The page's theme gives background and text, so that it can be read in the dark.
    figure = in_words_of_the_page(name, figure)
    plain = ("paper_bgcolor", "plot_bgcolor", "font", "title")
    layout = {key: value for key, value in figure["layout"].items() if key not in plain}
    for axis in [each for each in layout if each.startswith(("xaxis", "yaxis"))]:
        layout[axis] = {
            key: value for key, value in layout[axis].items() if key not in ("gridcolor", "zerolinecolor")
        }
    layout["margin"] = {"t": 40, "r": 30}
    data = [
        each | {"error_y": {"color": _WHISKERS} | each["error_y"]}
        if each["type"] == "bar" and "error_y" in each
        else each
        for each in figure["data"]
    ]
    rows = figure_rows(dict(figure))
    st.plotly_chart(
        {"data": data, "layout": layout},
        key=f"results-plot-{name}",
        height=420,
        config={
            "displaylogo": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d"],
            **plotly_settings(),
        },
        alt=f"{say(name)}. {say('as_table')}.",
    )
    with st.expander(say("as_table"), key=f"results-plot-{name}-table"):
        fields = list(rows[0]) if rows else []
        grid(
            f"results-plot-{name}-rows",
            say(name),
            [named(say(field), number=field in ("y", "low", "high")) for field in fields],
            [[text_cell(_told(row[field])) for field in fields] for row in rows[:_MOST_ROWS]],
            height="20rem",
        )


def _told(value: Any) -> str:
    if isinstance(value, float):
        return words.number(value, 3) if abs(value) < 1_000 else words.count(value)
    return "-" if value is None else str(value)
