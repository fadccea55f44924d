"""Lists and tables of a form: entries are changed, added and removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from promptlab.experiment.form import FormField, blank, named_fields
from promptlab.experiment.yaml_lines import Path_
from promptlab.ui.form.fields import SINGLE, show_field, show_piece
from promptlab.ui.form.folding import exchange_open
from promptlab.ui.form.groups import has_shape, show_any, show_group
from promptlab.ui.form.labels import label
from promptlab.ui.form.sheet import Sheet
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.tied import tied

say = Texts(
    add=("Add", "添加"),
    remove=("Remove", "删除"),
    up=("Move up", "上移"),
    down=("Move down", "下移"),
    new_name=("Name of a new one", "新增项的名称"),
    key=("Name", "名称"),
    value=("Value", "取值"),
)
NAME_PX = 420

First = Sequence[str] | Callable[[Any], Sequence[str]]
"""The keys that stand first in an entry; or what says so of its value."""


def show_entries(
    sheet: Sheet, path: Path_, field: FormField, first: First = (), *, adding: bool = True
) -> None:
    """The entries of a list, each with ways to move and remove it, and with `adding` a way to add one."""
    assert field.item is not None
    entries = sheet.at(path)
    count = len(entries) if isinstance(entries, list) else 0
    for index in range(count):
        entry: Path_ = (*path, index)
        with st.container(border=True, key=sheet.key(entry, "entry")):
            body, end = st.columns([22, 2] if count > 1 else [24, 1])
            with body:
                if field.item.kind in ("section", "named") and has_shape(field.item, entries[index], entry):
                    show_group(sheet, entry, field.item, first(entries[index]) if callable(first) else first)
                else:
                    show_piece(sheet, entry, FormField(str(index), "any", required=True))
            with end:
                _show_buttons(sheet, field, entry, count)
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
            placeholder=placeholder or placeholders("one" if add is None else "or_type"),
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

    def renamed(given: str) -> None:
        if given := given.strip():
            sheet.rename(path, given)

    with name:
        key = sheet.value_key((*path[:-1], index), "name")
        st.text_input(say("key"), **tied(key, str(path[-1]), renamed))
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


def _show_buttons(sheet: Sheet, field: FormField, entry: Path_, count: int) -> None:
    """Up, down and away; the order of a list is that of the comparison's rows, of turns, of steps."""
    path, index = entry[:-1], int(entry[-1])
    alone = count == 1
    with st.container(horizontal=True, gap=None, horizontal_alignment="right"):
        if not alone:
            for name, icon, to in (("up", "arrow_upward", index - 1), ("down", "arrow_downward", index + 1)):
                _small_button(sheet, entry, name, icon, _move, (sheet, entry, to), not 0 <= to < count)
        gone = path if alone and not field.required else entry
        remove_button(sheet, entry, gone, disabled=alone and field.required)


def _move(sheet: Sheet, entry: Path_, to: int) -> None:
    sheet.move(entry, to)
    exchange_open("-".join(map(str, entry)), "-".join(map(str, (*entry[:-1], to))))


def remove_button(sheet: Sheet, path: Path_, gone: Path_, *, disabled: bool = False) -> None:
    """A small button for the entry at `path` that removes what stands at `gone`."""
    _small_button(sheet, path, "remove", "close", sheet.take_out, (gone,), disabled)


def _small_button(
    sheet: Sheet,
    path: Path_,
    name: str,
    icon: str,
    act: Callable[..., None],
    args: tuple[Any, ...],
    disabled: bool,
) -> None:
    st.button(
        say(name),
        icon=f":material/{icon}:",
        key=sheet.key(path, name),
        help=say(name),
        type="tertiary",
        disabled=disabled,
        on_click=act,
        args=args,
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
