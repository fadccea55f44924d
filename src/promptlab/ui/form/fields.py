"""One field of a form: a widget for one place of the text, and what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.form import FormField
from promptlab.experiment.yaml_lines import Path_, parse_document
from promptlab.ui.form.labels import explained, label
from promptlab.ui.form.sheet import PROBLEM, Sheet
from promptlab.ui.language import Texts
from promptlab.ui.place import allows_code

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
    key = sheet.key(path)
    settings: dict[str, Any] = {
        "key": key,
        "on_change": _changed,
        "args": (sheet, path, field, key),
        "help": explained(field) or None,
    }
    if not fits(field, current):
        show_piece(sheet, path, field, title)
        return
    _WIDGETS[field.kind](sheet, title, field, current, settings)
    sheet.show_mistakes(path, below=True)


def show_piece(sheet: Sheet, path: Path_, field: FormField, title: str = "") -> None:
    """What no widget can show: as it is written in the file, to be changed as such."""
    title = title or label(field)
    key = sheet.key(path)
    piece = sheet.piece(path)
    st.session_state[key] = piece
    settings: dict[str, Any] = {
        "key": key,
        "placeholder": _unset(field),
        "help": " ".join(filter(None, (say("as_yaml"), explained(field)))),
        "on_change": _piece_changed,
        "args": (sheet, path, key),
    }
    if field.kind in _SCALARS and "\n" not in piece:
        st.text_input(title, **settings)
    else:
        lines = min(piece.count("\n") + 2, _MOST_PIECE_LINES)
        st.text_area(title, height=max(_LIST_PX, lines * _PIECE_LINE_PX), **settings)
    sheet.show_mistakes(path, below=True)


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


def _boolean(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    st.session_state[settings["key"]] = current
    st.selectbox(
        title, [True, False], index=None, format_func=lambda on: say("on" if on else "off"),
        placeholder=_unset(field), **settings,
    )  # fmt: skip


def _choice(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    options = list(field.choices)
    if current is not None and current not in options:
        options.append(current)
    st.session_state[settings["key"]] = current
    own = field.key in ("technique", "scorer") and allows_code()  # FILE.py:CLASS
    st.selectbox(title, options, index=None, placeholder=_unset(field), accept_new_options=own, **settings)


def _choices(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    options = list(dict.fromkeys([*field.choices, *(current or [])]))
    st.session_state[settings["key"]] = current or []
    st.multiselect(title, options, placeholder=_unset(field), **settings)


def _number(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    number = int if field.kind == "integer" else float
    st.session_state[settings["key"]] = None if current is None else number(current)
    st.number_input(
        title,
        value=None,
        min_value=None if field.low is None else number(field.low),
        max_value=None if field.high is None else number(field.high),
        step=1 if field.kind == "integer" else 0.1,
        format=None if field.kind == "integer" else "%g",
        placeholder=_unset(field),
        **settings,
    )


def _text(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    known = sheet.names.get(field.names, ())
    if known:
        st.session_state[settings["key"]] = current
        options = list(dict.fromkeys([*known, *([current] if current else [])]))
        st.selectbox(
            title,
            options,
            index=None,
            placeholder=_unset(field),
            accept_new_options=True,
            **settings,
        )
        return
    st.session_state[settings["key"]] = current or ""
    st.text_input(title, placeholder=_unset(field), **settings)


def _long_text(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    st.session_state[settings["key"]] = current or ""
    st.text_area(title, height=_LONG_PX, placeholder=_unset(field), **settings)


def _texts(sheet: Sheet, title: str, field: FormField, current: Any, settings: dict[str, Any]) -> None:
    items = current if isinstance(current, list) else [] if current is None else [current]
    if known := sheet.names.get(field.names, ()):
        st.session_state[settings["key"]] = items
        options = list(dict.fromkeys([*known, *items]))
        st.multiselect(label(field), options, placeholder=_unset(field), accept_new_options=True, **settings)
        return
    st.session_state[settings["key"]] = "\n".join(items)
    st.text_area(
        say("lines", title=title),
        height=max(_LIST_PX, min(len(items) + 1, _MOST_PIECE_LINES) * _PIECE_LINE_PX),
        placeholder=_unset(field),
        **settings,
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


def _changed(sheet: Sheet, path: Path_, field: FormField, key: str) -> None:
    """Carries the widget's value into the text."""
    given = st.session_state[key]
    if field.kind == "texts" and isinstance(given, str):
        given = [line.strip() for line in given.split("\n") if line.strip()]
    if field.kind == "texts" and len(given) == 1 and isinstance(sheet.at(path), str):
        given = given[0]  # one text alone may stand without its brackets
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    sheet.set(path, None if given in ("", []) else given)


def _piece_changed(sheet: Sheet, path: Path_, key: str) -> None:
    given = st.session_state[key]
    if not given.strip():
        sheet.remove(path)
        return
    try:
        parse_document(given, "")
    except ExperimentError as error:
        st.session_state[PROBLEM] = error
        return
    sheet.write_piece(path, given)
