"""Fields together: what is set or common stands first, the rest folds away; lists grow and shrink."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from promptlab.experiment.form import FormField, blank, named_fields
from promptlab.experiment.yaml_lines import Path_
from promptlab.ui.form.fields import SINGLE, show_field, show_piece
from promptlab.ui.form.labels import in_short, label
from promptlab.ui.form.sheet import Sheet
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.shown import escaped

say = Texts(
    more=("More settings", "更多设置"),
    add=("Add", "添加"),
    remove=("Remove", "删除"),
    clear=("Remove this part", "删除此部分"),
    new_name=("Name of a new one", "新增项的名称"),
    key=("Name", "名称"),
    not_set=("not set", "未设置"),
    several=("One file for each split", "每个划分使用单独的文件"),
    how=("{label}, in detail", "{label}（细节）"),
    value=("Value", "取值"),
    own_model=("Give it settings of its own", "单独设置参数"),
)
_FOLDED = frozenset({"section", "entries", "table", "named", "matrix"})
NAME_PX = 420

First = Sequence[str] | Callable[[Any], Sequence[str]]
"""The keys that stand first in an entry; or what says so of its value."""


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
        more = st.expander(say("more"), key=sheet.key(path, "more"), on_change="rerun")
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
    elif current is not None and not _has_shape(field, current):
        show_piece(sheet, path, field)
    else:
        fold(sheet, path, field, in_short(current) if current not in (None, [], {}) else say("not_set"))


def fold(sheet: Sheet, path: Path_, field: FormField, told: str, title: str = "") -> None:
    """A part that says in one line what stands in it, and opens."""
    title = f"**{title or label(field)}**: {escaped(told)}"
    part = st.expander(
        title, expanded=sheet.has_mistakes(path), key=sheet.key(path, "part"), on_change="rerun"
    )
    if part.open:
        with part:
            show_group(sheet, path, field)
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
    elif field.kind == "entries":
        show_entries(sheet, path, field)
    elif field.kind == "table":
        show_table(sheet, path, field)
    sheet.show_mistakes(path)


def show_named(sheet: Sheet, path: Path_, field: FormField, first: Sequence[str] = ()) -> None:
    """A technique, scorer or source: which, then its settings."""
    main = str(field.registry)
    name = str(sheet.at((*path, main)) or "")
    fields = named_fields(field, name) if name else named_fields(field, name)[:1]
    show_fields(sheet, path, fields, (main, *first))


def show_entries(
    sheet: Sheet, path: Path_, field: FormField, first: First = (), *, adding: bool = True
) -> None:
    """The entries of a list, each with a way to remove it, and with `adding` a way to add one."""
    assert field.item is not None
    entries = sheet.at(path)
    count = len(entries) if isinstance(entries, list) else 0
    for index in range(count):
        entry: Path_ = (*path, index)
        with st.container(border=True, key=sheet.key(entry, "entry")):
            body, end = st.columns([24, 1])
            with body:
                if field.item.kind in ("section", "named") and _has_shape(field.item, entries[index]):
                    show_group(sheet, entry, field.item, first(entries[index]) if callable(first) else first)
                else:
                    show_piece(sheet, entry, FormField(str(index), "any", required=True))
            with end:
                alone = count == 1
                gone = path if alone and not field.required else entry
                remove_button(sheet, entry, gone, disabled=alone and field.required)
    if not adding:
        return
    if field.item.kind == "named":
        chosen = named_fields(field.item, "")[0]
        show_adding(sheet, path, label(FormField(chosen.key, "text")), chosen.choices)
    else:
        st.button(
            say("add"),
            key=sheet.key(path, "add"),
            on_click=append,
            args=(sheet, path, new_entry(field.item)),
        )


def show_adding(
    sheet: Sheet,
    path: Path_,
    title: str,
    options: Sequence[str],
    add: Callable[[str], None] | None = None,
    *,
    placeholder: str | None = None,
) -> None:
    """A choice, and a button that adds it to the list. With `add` anything may be typed; it takes that."""
    key = sheet.key(path, "new")
    with st.container(horizontal=True, vertical_alignment="bottom", key=sheet.key(path, "add-row")):
        st.selectbox(
            title,
            options,
            key=key,
            index=None,
            width=NAME_PX,
            accept_new_options=add is not None,
            placeholder=placeholder or placeholders("or_type" if add else "one"),
        )
        st.button(
            say("add"),
            key=sheet.key(path, "add"),
            on_click=_added,
            args=(key, add or (lambda name: append(sheet, path, name))),
        )


def show_table(sheet: Sheet, path: Path_, field: FormField) -> None:
    """A mapping with free keys: a line for each."""
    assert field.item is not None
    entries = sheet.at(path)
    for index, name in enumerate(entries if isinstance(entries, dict) else {}):
        show_line(sheet, (*path, name), field.item, index)
    with st.container(horizontal=True, vertical_alignment="bottom", key=sheet.key(path, "add-row")):
        typed = sheet.key(path, "new")
        st.text_input(say("new_name"), key=typed, width=NAME_PX)
        st.button(
            say("add"),
            key=sheet.key(path, "add"),
            on_click=_append_named,
            args=(sheet, path, typed, blank(field.item)),
        )


def show_line(sheet: Sheet, path: Path_, item: FormField, index: int) -> None:
    """One named value of a table: the name, the value, and a way to remove it."""
    name, value, end = st.columns([2, 5, 1], vertical_alignment="bottom")
    key = sheet.key((*path[:-1], index), "name")
    with name:
        st.session_state[key] = str(path[-1])
        st.text_input(say("key"), key=key, on_change=_renamed, args=(sheet, path, key))
    with value:
        if item.kind in SINGLE:
            show_field(sheet, path, item, say("value"))
        else:
            show_any(sheet, path, replace(item, key=item.key or str(path[-1])))
    with end:
        remove_button(sheet, path, path)


def append(sheet: Sheet, path: Path_, value: Any) -> None:
    """One more entry; the list itself where there is none."""
    entries = sheet.at(path)
    if isinstance(entries, list) and entries:
        sheet.set((*path, len(entries)), value)
    else:
        sheet.set(path, [value])


def new_entry(item: FormField) -> Any:
    """What is added: what it must have; a gate asks for a mean at first."""
    found = blank(item)
    if found == {}:
        asked = {each.key for each in item.fields}
        return {"min": 0.5} if "min" in asked else {item.fields[0].key: ""}
    return found


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
    if not isinstance(current, (dict, int)) or isinstance(current, bool):
        show_piece(sheet, where, field)
        return
    rest = (
        {key: each for key, each in current.items() if key != field.short}
        if isinstance(current, dict)
        else {}
    )
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
        wider = {several.fields[0].key: current} if own else {"test": current}
        if own:
            wider = {"id": current}
        st.button(
            say("own_model" if own else "several"),
            key=sheet.key(path, "wider"),
            type="tertiary",
            on_click=sheet.set,
            args=(path, wider),
        )


def _has_shape(field: FormField, current: Any) -> bool:
    """Whether the value is of the shape that the group shows; a short form is."""
    if field.kind == "entries":
        return isinstance(current, list)
    if field.kind == "table":
        return isinstance(current, dict)
    return isinstance(current, (dict, str, int)) and not isinstance(current, bool)


def remove_button(sheet: Sheet, path: Path_, gone: Path_, *, disabled: bool = False) -> None:
    """A small button for the entry at `path` that removes what stands at `gone`."""
    st.button(
        "",
        icon=":material/close:",
        key=sheet.key(path, "remove"),
        help=say("remove"),
        type="tertiary",
        disabled=disabled,
        on_click=sheet.remove,
        args=(gone,),
    )


def _added(key: str, add: Callable[[str], None]) -> None:
    if name := st.session_state.get(key):
        add(name)
        st.session_state[key] = None


def _append_named(sheet: Sheet, path: Path_, key: str, value: Any) -> None:
    name = st.session_state.get(key)
    if name:
        sheet.set((*path, name), value)
        st.session_state[key] = ""


def _renamed(sheet: Sheet, path: Path_, key: str) -> None:
    if name := st.session_state[key].strip():
        sheet.rename(path, name)
