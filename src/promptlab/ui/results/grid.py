"""A table whose texts come from outside: real rows and cells, buttons in them, and nothing read as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.ui.shown import escaped, visible

_FOLDER = Path(__file__).parent

Part = dict[str, Any]
Lines = list[list[Part]]


def part(text: object, kind: str = "", *, act: str | None = None, label: str | None = None) -> Part:
    """A piece of a cell. `kind`: good, bad, warn, strong, small, text (five lines), whole, name, link.

    `act` makes it a button that tells this; `label` is read out, and shown on hovering.
    """
    made: Part = {"t": visible(str(text)), "k": kind}
    if act is not None:
        made["a"] = act
    if label is not None:
        made["l"] = visible(label)
    return made


def pieces(found: Sequence[tuple[str, str]], kind: str = "whole") -> Part:
    """A text of pieces: same, gone, new or mark."""
    return {"k": kind, "s": [[each, visible(text)] for each, text in found]}


def thumb(*, up: bool, act: str, label: str, pressed: bool) -> Part:
    """A thumb to press."""
    return {"t": "", "k": "up" if up else "down", "a": act, "l": label, "on": pressed}


def interval(low: float | None, mean: float | None, high: float | None) -> Part:
    """A mean in its interval, drawn on a scale from 0 to 1; nothing where it does not lie there."""
    if low is None or mean is None or high is None or low < 0 or high > 1:
        return part("")
    return {"k": "interval", "v": [low, mean, high]}


def column(*lines: list[Part], number: bool = False, width: str | None = None) -> dict[str, Any]:
    """A column's head."""
    return {"lines": list(lines), "number": number, "width": width}


def named(text: object, *, number: bool = False, width: str | None = None) -> dict[str, Any]:
    """A column with a title alone."""
    return column([part(text)], number=number, width=width)


def grid(
    key: str,
    label: str,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Sequence[Lines]],
    *,
    height: str | None = None,
    same: str = "",
) -> str | None:
    """Shows it and returns what a pressed button told. `label` says what it is to who does not see it.

    `height` (CSS) makes it scroll within; it keeps its place while `same` stays the same.
    """
    data = {
        "label": label,
        "columns": list(columns),
        "rows": list(rows),
        "named": True,
        "height": height,
        "same": same,
    }
    told = _component()(key=key, data=data, on_act_change=lambda: None).act
    return None if told is None else str(told)


def text_cell(text: object) -> Lines:
    """A cell with a text alone."""
    return [[part(text)]]


def section(title: str) -> None:
    """A heading within a view."""
    st.header(escaped(title), anchor=False)


@cache
def _component() -> Any:
    return st.components.v2.component(
        "promptlab_grid",
        js=(_FOLDER / "grid.js").read_text("utf-8"),
        css=(_FOLDER / "grid.css").read_text("utf-8"),
    )
