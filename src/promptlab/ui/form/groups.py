"""Fields together: what is set or common stands first, the rest folds away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from promptlab.experiment.form import FormField, named_fields, own_settings
from promptlab.experiment.short_forms import long_form, main_key
from promptlab.experiment.yaml_lines import Path_
from promptlab.ui.form.fields import SINGLE, show_field, show_piece
from promptlab.ui.form.folding import folding
from promptlab.ui.form.labels import in_short, label
from promptlab.ui.form.sheet import Sheet
from promptlab.ui.language import Texts
from promptlab.ui.shown import escaped

say = Texts(
    more=("More settings", "更多设置"),
    clear=("Remove this part", "删除此部分"),
    not_set=("not set", "未设置"),
    several=("One file for each split", "每个划分使用单独的文件"),
    how=("{label}, in detail", "{label}（细节）"),
    own_model=("Give it settings of its own", "单独设置参数"),
)
MOST_OWN = 4
_FOLDED = frozenset({"section", "entries", "table", "named", "matrix"})


def show_fields(sheet: Sheet, path: Path_, fields: Sequence[FormField], first: Sequence[str] = ()) -> None:
    """The fields of one mapping at `path`: those named `first` and those that are set, then all others."""
    known = {field.key: field for field in fields}
    shown = [known[key] for key in first if key in known]
    shown += [
        field
        for field in fields
        if field.key not in first and (field.required or sheet.at((*path, field.key)) is not None)
    ]
    hidden = [field for field in fields if field not in shown]
    _grid(sheet, path, shown)
    if hidden:
        # Each widget costs: those that nobody looks at are not made.
        more = folding(say("more"), sheet.key(path, "more"))
        if more.open:
            with more:
                _grid(sheet, path, hidden)


def show_any(sheet: Sheet, path: Path_, field: FormField) -> None:
    """One key, whatever it holds."""
    current = sheet.at(path)
    if field.kind in SINGLE:
        show_field(sheet, path, field)
    elif field.kind == "either":
        _either(sheet, path, field, current)
    elif field.kind == "matrix":
        from promptlab.ui.form.matrix import show_matrix

        show_matrix(sheet, path)
    elif current is not None and not has_shape(field, current, path):
        show_piece(sheet, path, field)
    else:
        fold(sheet, path, field, in_short(current) if current not in (None, [], {}) else say("not_set"))


def fold(
    sheet: Sheet, path: Path_, field: FormField, told: str, title: str = "", first: Sequence[str] = ()
) -> None:
    """A part that says in one line what stands in it, and opens."""
    title = f"**{title or label(field)}**: {escaped(told)}"
    part = folding(title, sheet.key(path, "part"), at_first=sheet.has_mistakes(path))
    if part.open:
        with part:
            show_group(sheet, path, field, first)
            if sheet.at(path) is not None and not field.required:
                st.button(
                    say("clear"),
                    key=sheet.key(path, "clear"),
                    type="tertiary",
                    on_click=sheet.remove,
                    args=(path,),
                )


def show_group(sheet: Sheet, path: Path_, field: FormField, first: Sequence[str] = ()) -> None:
    """What stands in a part."""
    if field.kind == "section":
        # A part's own fields are few and belong together; an entry's many are not.
        show_fields(sheet, path, field.fields, first or tuple(each.key for each in field.fields[:4]))
    elif field.kind == "named":
        show_named(sheet, path, field, first)
    elif field.kind in ("entries", "table"):
        from promptlab.ui.form import lists

        (lists.show_entries if field.kind == "entries" else lists.show_table)(sheet, path, field)
    sheet.show_mistakes(path)


def show_named(sheet: Sheet, path: Path_, field: FormField, first: Sequence[str] = ()) -> None:
    """A technique, scorer or source: which, then its settings."""
    main = str(field.registry)
    name = str(sheet.at((*path, main)) or "")
    fields = named_fields(field, name) if name else named_fields(field, name)[:1]
    own = own_settings(field.registry, name)[:MOST_OWN] if field.registry else ()
    show_fields(sheet, path, fields, (main, *first, *own))


def _grid(sheet: Sheet, path: Path_, fields: Sequence[FormField]) -> None:
    """Fields in their order, small ones side by side; what folds comes last."""
    row: list[tuple[Path_, FormField]] = []
    for field in fields:
        where = (*path, field.key)
        if _is_small(sheet, where, field):
            row.append(_short_place(sheet, where, field) or (where, field))
        elif field.kind == "long_text":
            _show_row(sheet, row)
            show_any(sheet, where, field)
            row = []
    _show_row(sheet, row)
    for field in fields:
        where = (*path, field.key)
        if field.short and (current := sheet.at(where)) is not None:
            _in_detail(sheet, where, field, current)
        elif (not field.short and field.kind in _FOLDED) or (
            field.kind == "either" and isinstance(sheet.at(where), dict)
        ):
            show_any(sheet, where, field)


def _show_row(sheet: Sheet, row: Sequence[tuple[Path_, FormField]]) -> None:
    for start in range(0, len(row), sheet.columns):
        columns = st.columns(sheet.columns)
        for column, (where, field) in zip(columns, row[start : start + sheet.columns], strict=False):
            with column:
                show_any(sheet, where, field)


def _is_small(sheet: Sheet, where: Path_, field: FormField) -> bool:
    if field.kind == "either":
        return not isinstance(sheet.at(where), dict)
    return field.kind in SINGLE - {"long_text"} or _short_place(sheet, where, field) is not None


def _short_place(sheet: Sheet, where: Path_, field: FormField) -> tuple[Path_, FormField] | None:
    """Of a section for which a number may stand alone: where that number stands, and its field."""
    if not field.short or isinstance(sheet.at(where), list):
        return None
    number = next(each for each in field.fields if each.key == field.short)
    place = (*where, field.short) if isinstance(sheet.at(where), dict) else where
    return place, replace(number, key=field.key, description=field.description)


def _in_detail(sheet: Sheet, where: Path_, field: FormField, current: Any) -> None:
    """The same section without that number."""
    if isinstance(current, list):
        show_piece(sheet, where, field)
    if not has_shape(field, current, where):
        return
    rest = {key: each for key, each in long_form(current, where).items() if key != field.short}
    others = replace(field, fields=tuple(each for each in field.fields if each.key != field.short))
    title = say("how", label=label(field))
    fold(sheet, where, others, in_short(rest) if rest else say("not_set"), title)


def _either(sheet: Sheet, path: Path_, field: FormField, current: Any) -> None:
    single, several = field.forms
    if isinstance(current, dict):
        fold(sheet, path, several, in_short(current))
        return
    show_field(sheet, path, single)
    if isinstance(current, str):
        own = several.kind == "section"
        wider = {"id": _model_id(sheet, current)} if own else {"test": current}
        st.button(
            say("own_model" if own else "several"),
            icon=":material/unfold_more:",  # without it, it looks like a label that belongs to nothing
            key=sheet.key(path, "wider"),
            type="tertiary",
            on_click=sheet.set,
            args=(path, wider),
        )


def _model_id(sheet: Sheet, name: str) -> str:
    """The id of the file's model of that name; else the name is an id."""
    known = list(sheet.names.get("models", ()))
    found = sheet.at(("models", known.index(name), "id")) if name in known else None
    return str(found or name)


def has_shape(field: FormField, current: Any, path: Path_) -> bool:
    """Whether the value is of the shape that the group shows; a short form is."""
    if field.kind == "entries":
        return isinstance(current, list)
    if field.kind == "table":
        return isinstance(current, dict)
    return isinstance(current, dict) or main_key(current, path) is not None
