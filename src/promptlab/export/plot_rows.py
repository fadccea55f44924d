"""What a plot says, as rows of a table: for who does not see it, and to copy numbers from."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptlab.export.plot_parts import Figure


def figure_rows(figure: Figure) -> list[dict[str, Any]]:
    """One row per point (`series`, `x`, `y`; `low`, `high` with intervals) or tile (`x`, `y`, `value`).

    Line breaks and escapes of plotly's labels are undone; points that are not drawn are left out.
    """
    rows: list[dict[str, Any]] = []
    for trace in figure["data"]:
        rows += _tiles(trace) if trace["type"] == "heatmap" else _points(trace)
    intervals = any("low" in row for row in rows)
    return [row | {"low": row.get("low"), "high": row.get("high")} if intervals else row for row in rows]


def _points(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    bars = trace.get("error_y") or {}
    above, below = bars.get("array"), bars.get("arrayminus")
    texts = trace.get("text")
    for number, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=False)):
        if y is None:
            continue
        row = {"series": _plain(trace.get("name", "")), "x": _plain(x), "y": y}
        if isinstance(texts, list) and isinstance(texts[number], str) and texts[number]:
            row = {"series": f"{row['series']}: {_plain(texts[number])}", "x": row["x"], "y": y}
        if above and below:
            row |= {"low": y - below[number], "high": y + above[number]}
        yield row


def _tiles(trace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for y, values, texts in zip(trace["y"], trace["z"], trace["text"], strict=True):
        for x, value, text in zip(trace["x"], values, texts, strict=True):
            if value is not None:
                yield {"x": _plain(x), "y": _plain(y), "value": _plain(text)}


def _plain(value: Any) -> Any:
    return html.unescape(value.replace("<br>", ", ")) if isinstance(value, str) else value
