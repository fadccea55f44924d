"""One field of a form: a widget for one place of the text, and what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.form import FormField
from promptlab.experiment.yaml_lines import Path_, parse_document
from promptlab.ui.form.labels import explained, label
from promptlab.ui.form.sheet import PROBLEM, Sheet
from promptlab.ui.language import Texts
from promptlab.ui.place import allows_code
from promptlab.ui.tied import tied

_LONG_PX = 110
_LIST_PX = 68
_PIECE_LINE_PX = 24
_MOST_PIECE_LINES = 14

say = Texts(
    default=("default: {value}", "默认：{value}"),
    not_set=("not set", "未设置"),
    as_yaml=("As in the YAML file.", "按 YAML 书写。"),
    lines=("{title} (one a line)", "{title}（每行一项）"),
    on=("yes", "是"),
    off=("no", "否"),
)

_FITS: dict[str, Any] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "text": str,
    "long_text": str,
    "choice": (str, int, float),
}


def show_field(sheet: Sheet, path: Path_, field: FormField, title: str = "") -> None:
    """The widget, with the text's own value in it, and beneath it the mistakes that stand there."""
    title = title or label(field)
    current = sheet.at(path)
    if not fits(field, current):
        show_piece(sheet, path, field, title)
        return
    _WIDGETS[field.kind](Slot(sheet, path, field, title, current))
    sheet.show_mistakes(path, below=True)


def show_piece(sheet: Sheet, path: Path_, field: FormField, title: str = "") -> None:
    """What no widget can show: as it is written in the file, to be changed as such."""
    title = title or label(field)
    piece = sheet.piece(path)

    def changed(given: str) -> None:
        if not given.strip():
            sheet.remove(path)
            return
        try:
            parse_document(given, "")
        except ExperimentError as error:
            st.session_state[PROBLEM] = error
            return
        sheet.write_piece(path, given)

    settings: dict[str, Any] = {
        "placeholder": _unset(field),
        "help": " ".join(filter(None, (say("as_yaml"), explained(field)))),
        **tied(sheet.value_key(path), piece, changed),
    }
    if field.kind in _SCALARS and "\n" not in piece:
        st.text_input(title, **settings)
    else:
        lines = min(piece.count("\n") + 2, _MOST_PIECE_LINES)
        st.text_area(title, height=max(_LIST_PX, lines * _PIECE_LINE_PX), **settings)
    sheet.show_mistakes(path, below=True)


@dataclass(frozen=True)
class Slot:
    """What a widget shows: a place of the text, the value that stands there, and the widget's title."""

    sheet: Sheet
    path: Path_
    field: FormField
    title: str
    current: Any

    def showing(self, value: Any) -> dict[str, Any]:
        """Arguments for the widget, which shows the value as this."""
        return {
            "help": explained(self.field) or None,
            "placeholder": _unset(self.field),
            **tied(self.sheet.value_key(self.path), value, self._take),
        }

    def _take(self, given: Any) -> None:
        """Carries what was chosen into the text."""
        if self.field.kind == "texts" and isinstance(given, str):
            given = [line.strip() for line in given.split("\n") if line.strip()]
        if self.field.kind == "texts" and len(given) == 1 and isinstance(self.sheet.at(self.path), str):
            given = given[0]  # one text alone may stand without its brackets
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        self.sheet.set(self.path, None if given in ("", []) else given)


def fits(field: FormField, current: Any) -> bool:
    """Whether the widget of that kind can show the value; the file may say what the schema refuses."""
    if field.kind in ("any", "value"):
        return False
    if current is None:
        return True
    if field.kind == "texts":
        items = current if isinstance(current, list) else [current]
        return all(isinstance(each, str) and each.strip() and "\n" not in each for each in items)
    if field.kind == "choices":
        return isinstance(current, list) and all(isinstance(each, str) for each in current)
    if isinstance(current, bool) and field.kind != "boolean":
        return False
    if field.kind in ("integer", "number"):
        low, high = field.low, field.high
        inside = isinstance(current, _FITS[field.kind])
        return inside and not ((low is not None and current < low) or (high is not None and current > high))
    return isinstance(current, _FITS.get(field.kind, object))


def _boolean(slot: Slot) -> None:
    st.selectbox(
        slot.title, [True, False], index=None, format_func=lambda on: say("on" if on else "off"),
        **slot.showing(slot.current),
    )  # fmt: skip


def _choice(slot: Slot) -> None:
    options = list(slot.field.choices)
    if slot.current is not None and slot.current not in options:
        options.append(slot.current)
    own = slot.field.key in ("technique", "scorer") and allows_code()  # FILE.py:CLASS
    st.selectbox(slot.title, options, index=None, accept_new_options=own, **slot.showing(slot.current))


def _choices(slot: Slot) -> None:
    current = slot.current or []
    options = list(dict.fromkeys([*slot.field.choices, *current]))
    st.multiselect(slot.title, options, **slot.showing(current))


def _number(slot: Slot) -> None:
    field = slot.field
    number = int if field.kind == "integer" else float
    st.number_input(
        slot.title,
        value=None,
        min_value=None if field.low is None else number(field.low),
        max_value=None if field.high is None else number(field.high),
        step=1 if field.kind == "integer" else 0.1,
        format=None if field.kind == "integer" else "%g",
        **slot.showing(None if slot.current is None else number(slot.current)),
    )


def _text(slot: Slot) -> None:
    known = slot.sheet.names.get(slot.field.names, ())
    if not known:
        st.text_input(slot.title, **slot.showing(slot.current or ""))
        return
    options = list(dict.fromkeys([*known, *([slot.current] if slot.current else [])]))
    st.selectbox(slot.title, options, index=None, accept_new_options=True, **slot.showing(slot.current))


def _long_text(slot: Slot) -> None:
    st.text_area(slot.title, height=_LONG_PX, **slot.showing(slot.current or ""))


def _texts(slot: Slot) -> None:
    current = slot.current
    items = current if isinstance(current, list) else [] if current is None else [current]
    if known := slot.sheet.names.get(slot.field.names, ()):
        options = list(dict.fromkeys([*known, *items]))
        st.multiselect(label(slot.field), options, accept_new_options=True, **slot.showing(items))
        return
    st.text_area(
        say("lines", title=slot.title),
        height=max(_LIST_PX, min(len(items) + 1, _MOST_PIECE_LINES) * _PIECE_LINE_PX),
        **slot.showing("\n".join(items)),
    )


_WIDGETS = {
    "boolean": _boolean,
    "choice": _choice,
    "choices": _choices,
    "integer": _number,
    "number": _number,
    "text": _text,
    "long_text": _long_text,
    "texts": _texts,
}
SINGLE = frozenset({*_WIDGETS, "any", "value"})
"""The kinds that one widget shows."""
_SCALARS = SINGLE - {"any", "long_text", "texts", "choices"}


def _unset(field: FormField) -> str:
    if field.default in (None, "", [], {}):
        return say("not_set")
    shown = field.default if isinstance(field.default, str) else json.dumps(field.default, ensure_ascii=False)
    return say("default", value=shown)[:80]
