"""A chart's own words in the chosen language: axes, legend, hover texts. Names in it stay as they are.

The figure is the one that the buttons write to files, which are English; here its texts are exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptlab.ui.language import in_chosen, language

# plotly's own buttons and hints.
_PLOTLY = {
    "Download plot as a PNG": "下载为 PNG 图片",
    "Zoom": "缩放",
    "Pan": "平移",
    "Zoom in": "放大",
    "Zoom out": "缩小",
    "Autoscale": "自动缩放",
    "Reset axes": "还原坐标轴",
    "Toggle Spike Lines": "辅助线",
    "Double-click to zoom back out": "双击可还原缩放",
    "Double-click on legend to isolate one trace": "双击图例可只看一个系列",
}
# Where the legend names kinds and not models, which may be named like anything.
_KINDS = frozenset({"failures"})
_FRONT = "Pareto front"
_ORACLE = " (oracle)"


def in_words_of_the_page(name: str, figure: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figure of the plot `name` for the page."""
    if language() != "zh":
        return figure
    layout = dict(figure["layout"])
    for axis in [each for each in layout if each.startswith(("xaxis", "yaxis"))]:
        layout[axis] = {key: _axis(key, value) for key, value in layout[axis].items()}
    return {"data": [_trace(name, each) for each in figure["data"]], "layout": layout}


def plotly_settings() -> dict[str, Any]:
    """plotly's own texts in the page's language; it has them in English."""
    if language() != "zh":
        return {}
    return {"locale": "zh-CN", "locales": {"zh-CN": {"dictionary": _PLOTLY, "format": {}}}}


def _axis(key: str, value: Any) -> Any:
    if key == "title":
        return {**value, "text": in_chosen(value["text"])}
    return _labels(value) if key == "categoryarray" else value


def _trace(name: str, trace: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: _labels(value) if key in ("x", "y", "text") else value for key, value in trace.items()}
    if "name" in told and (name in _KINDS or told["name"] == _FRONT):
        told["name"] = in_chosen(told["name"])
    if "hovertemplate" in told:
        told["hovertemplate"] = in_chosen(told["hovertemplate"])
    return told


def _labels(values: Any) -> Any:
    """Names of variants, of which some know the answers."""
    if not isinstance(values, list):
        return values
    return [
        f"{each.removesuffix(_ORACLE)}（含答案）"
        if isinstance(each, str) and each.endswith(_ORACLE)
        else each
        for each in values
    ]
