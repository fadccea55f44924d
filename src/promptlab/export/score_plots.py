"""How good the cells are, as plotly's JSON: means, heat map, against cost, pair by pair, over counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.analysis import words
from promptlab.analysis.verdict import Speaker
from promptlab.export.plot_parts import (
    Figure,
    by_setting,
    colour,
    error_bars,
    is_bounded,
    label,
    laid_out,
    score_range,
    scored_cells,
    setting_of,
    tokens_per_trial,
    usd_per_trial,
    variant_label,
)

if TYPE_CHECKING:
    from promptlab.analysis.comparison import CellSummary, Comparison

# Each shade of a heat map is light enough for it: a contrast of 5 : 1 and more.
TEXT_ON_COLOUR = "#14181A"


def scores(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """Means of the primary score with their intervals, side by side by model and data set."""
    traces = []
    for number, (setting, cells) in enumerate(by_setting(comparison).items()):
        found = [(cell, cell.scores[comparison.primary].interval) for cell in scored_cells(comparison, cells)]
        shown = [(cell, each) for cell, each in found if each is not None]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": setting,
                "x": [variant_label(cell, speaker) for cell, _ in shown],
                "y": [each.mean for _, each in shown],
                "error_y": error_bars([(each.mean, each.low, each.high) for _, each in shown]),
                "marker": {"size": 10, "color": colour(number)},
                "customdata": [
                    [words.bounds(each.low, each.high, speaker.digits), each.n] for _, each in shown
                ],
                "hovertemplate": "%{x}: %{y:.3f} %{customdata[0]}, n = %{customdata[1]}",
            }
        )
    if not any(trace["x"] for trace in traces):
        return None
    order = list(dict.fromkeys(variant_label(cell, speaker) for cell in comparison.cells))
    return laid_out(
        traces,
        f"{label(comparison.primary)}, mean with 95 % interval",
        scattermode="group",
        scattergap=0.6,
        xaxis={"categoryorder": "array", "categoryarray": order, "automargin": True},
        yaxis={"title": {"text": label(comparison.primary)}, **score_range(comparison)},
        showlegend=len(traces) > 1,
    )


def heatmap(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """Technique × model (and data set): mean of the primary score, and over how many samples."""
    settings = by_setting(comparison)
    rows = list(dict.fromkeys(variant_label(cell, speaker) for cell in comparison.cells))
    means: list[list[float | None]] = [[None] * len(settings) for _ in rows]
    texts = [["-"] * len(settings) for _ in rows]
    for column, cells in enumerate(settings.values()):
        for cell in scored_cells(comparison, cells):
            found = cell.scores[comparison.primary].interval
            if found is not None:
                row = rows.index(variant_label(cell, speaker))
                means[row][column] = found.mean
                texts[row][column] = f"{words.number(found.mean, speaker.digits)}<br>n = {found.n}"
    if all(mean is None for row in means for mean in row):
        return None
    trace = {
        "type": "heatmap",
        "x": list(settings),
        "y": rows,
        "z": means,
        "text": texts,
        "texttemplate": "%{text}",
        "textfont": {"color": TEXT_ON_COLOUR},
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>",
        "colorscale": [[0, "#F7FBFF"], [1, "#4292C6"]],
        **({"zmin": 0, "zmax": 1} if is_bounded(comparison) else {}),
        "colorbar": {"title": {"text": label(comparison.primary)}},
    }
    return laid_out(
        [trace],
        f"{label(comparison.primary)} by variant and model",
        xaxis={"automargin": True},
        yaxis={"autorange": "reversed", "automargin": True},
    )


def cost(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """What an answer costs against how good it is, and the cells that no other beats in both."""
    cells = [
        cell
        for cell in scored_cells(comparison, comparison.cells)
        if cell.scores[comparison.primary].interval is not None and cell.result.n
    ]
    priced = [cell.result.cost_usd for cell in cells]
    in_usd = all(cost is not None for cost in priced) and any(priced)
    points = [
        (spent, cell)
        for cell in cells
        if (spent := usd_per_trial(cell) if in_usd else tokens_per_trial(cell)) is not None
    ]
    if not points:
        return None
    why = "not every price is known" if None in priced else "all of it was free"
    unit = "USD per trial" if in_usd else f"tokens per trial ({why})"
    front = pareto([(spent, cell.scores[comparison.primary].mean or 0.0) for spent, cell in points])
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Pareto front",
            "x": [spent for spent, _ in front],
            "y": [mean for _, mean in front],
            "line": {"shape": "hv", "dash": "dot", "color": "#7F7F7F"},
            "hoverinfo": "skip",
        }
    ]
    for number, (setting, members) in enumerate(by_setting(comparison).items()):
        mine = [(spent, cell) for spent, cell in points if cell in members]
        found = [cell.scores[comparison.primary].interval for _, cell in mine]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": setting,
                "x": [spent for spent, _ in mine],
                "y": [each.mean for each in found if each],
                "error_y": error_bars([(each.mean, each.low, each.high) for each in found if each]),
                "text": [variant_label(cell, speaker) for _, cell in mine],
                "textposition": "middle right",
                "marker": {"size": 10, "color": colour(number)},
                "hovertemplate": "%{text}: %{y:.3f} at %{x:.3g}",
            }
        )
    return laid_out(
        traces,
        f"{label(comparison.primary)} against {unit.split(' (')[0]}",
        # Room for the names beside the points.
        xaxis={"title": {"text": unit}, "range": [0, 1.25 * max(spent for spent, _ in points) or 1]},
        yaxis={"title": {"text": label(comparison.primary)}, **score_range(comparison)},
    )


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (cost, score) points for which no other is as cheap and better, or as good and cheaper."""
    front: list[tuple[float, float]] = []
    for spent, mean in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or mean > front[-1][1]:
            front.append((spent, mean))
    return front


def wins(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """Per pair of variants: on how many shared samples the row wins, ties and loses."""
    from promptlab.analysis.samples import paired, sample_scores

    settings = by_setting(comparison)
    traces: list[Figure] = []
    layout: Figure = {}
    for number, (setting, members) in enumerate(settings.items(), start=1):
        cells = scored_cells(comparison, members)
        names = [variant_label(cell, speaker) for cell in cells]
        shares: list[list[float | None]] = [[None] * len(cells) for _ in cells]
        texts = [[""] * len(cells) for _ in cells]
        scores = [sample_scores(cell.result, comparison.primary) for cell in cells]
        for row, one in enumerate(scores):
            for column, other in enumerate(scores):
                if row == column:
                    continue
                pair = paired(one, other)
                if not len(pair):
                    continue
                won, lost = int((pair.a > pair.b).sum()), int((pair.a < pair.b).sum())
                shares[row][column] = (won - lost) / len(pair)
                texts[row][column] = f"{won} / {len(pair) - won - lost} / {lost}"
        suffix = "" if number == 1 else str(number)
        traces.append(
            {
                "type": "heatmap",
                "x": names,
                "y": names,
                "z": shares,
                "text": texts,
                "texttemplate": "%{text}",
                "textfont": {"color": TEXT_ON_COLOUR},
                "hovertemplate": "%{y} against %{x}: %{text}<extra></extra>",
                "colorscale": [[0, "#E8884A"], [0.5, "#F7F7F7"], [1, "#4A9FD4"]],
                "zmin": -1,
                "zmax": 1,
                "showscale": False,
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
            }
        )
        low = (number - 1) / len(settings)
        layout[f"xaxis{suffix}"] = {
            "domain": [low, low + 0.8 / len(settings)],
            "anchor": f"y{suffix}",
            "title": {"text": setting if len(settings) > 1 else ""},
            "showgrid": False,
        }
        layout[f"yaxis{suffix}"] = {
            "autorange": "reversed",
            "anchor": f"x{suffix}",
            "automargin": True,
            "showgrid": False,
            "showticklabels": number == 1,
        }
    if not any(text for trace in traces for row in trace["text"] for text in row):
        return None
    title = f"{label(comparison.primary)}: samples won / tied / lost by the row against the column"
    return laid_out(traces, title, **layout)


def counts(comparison: Comparison, speaker: Speaker) -> Figure | None:
    """The primary score over the number of demos or draws, for variants that differ in nothing else."""
    curves: dict[tuple[str, str, str, str], dict[int, CellSummary]] = {}
    for cell in scored_cells(comparison, comparison.cells):
        if cell.scores[comparison.primary].interval is not None:
            for each in cell.result.counts:
                key = (setting_of(cell, comparison), each.technique, each.what, each.rest)
                curves.setdefault(key, {})[each.value] = cell
    curves = {key: points for key, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    named = [f"{label(technique)}, {setting}" for setting, technique, _, _ in curves]
    traces = []
    for number, ((key, points), name) in enumerate(zip(curves.items(), named, strict=True)):
        values = sorted(points)
        found = [points[value].scores[comparison.primary].interval for value in values]
        alike = named.count(name) > 1  # they differ in a setting that the name does not tell
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": f"{name} ({variant_label(points[values[0]], speaker)} …)" if alike else name,
                "x": values,
                "y": [each.mean for each in found if each],
                "error_y": error_bars([(each.mean, each.low, each.high) for each in found if each]),
                "text": [variant_label(points[value], speaker) for value in values],
                "marker": {"size": 9, "color": colour(number)},
                "line": {"color": colour(number)},
                "hovertemplate": "%{text}: %{y:.3f} with %{x} " + key[2],
            }
        )
    units = words.listed(list(dict.fromkeys(key[2] for key in curves)))
    ticks = sorted({value for points in curves.values() for value in points})
    return laid_out(
        traces,
        f"{label(comparison.primary)} over the number of {units}, 95 % intervals",
        xaxis={"title": {"text": f"number of {units}"}, "tickmode": "array", "tickvals": ticks},
        yaxis={"title": {"text": label(comparison.primary)}, **score_range(comparison)},
        showlegend=len(traces) > 1,
    )
