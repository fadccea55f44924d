"""A matrix: what varies, the values of each axis, and the combinations that are left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.axis_fields import axis_field, axis_names, plain_values
from promptlab.experiment.form import FormField
from promptlab.experiment.yaml_lines import Path_, parse_document
from promptlab.ui.form.fields import show_field, show_piece
from promptlab.ui.form.folding import folding
from promptlab.ui.form.groups import show_any
from promptlab.ui.form.labels import in_short
from promptlab.ui.form.lists import append, remove_button, show_line
from promptlab.ui.form.sheet import PROBLEM, Sheet
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.shown import escaped

say = Texts(
    matrix=("Matrix", "组合展开 · matrix"),
    nothing=("nothing varies", "无变化项"),
    what=(
        "One entry for every combination of the values. It sets what the file says in that place.",
        "每种取值组合展开为一项，并取代文件中该处的设置。",
    ),
    axis=("What varies", "变化项"),
    values=("Values, separated by commas", "取值，以逗号分隔"),
    named=("Names of the values, separated by commas", "各取值的名称，以逗号分隔"),
    new_value=("A further value", "新增取值"),
    new_name=("Name of a further value", "新增取值的名称"),
    add_axis=("Vary it", "添加变化项"),
    add_value=("Add", "添加"),
    exclude=("Left out", "排除的组合"),
    exclude_add=("Leave out a combination", "排除一种组合"),
    made=("{stem}: {names}", "{stem}：{names}"),
    no_values=("Give at least one value.", "请至少填写一个取值。"),
)
MOST_MADE = 12
_EXCLUDE = "exclude"


def show_matrix(sheet: Sheet, path: Path_) -> None:
    """The matrix of the file (`matrix`), or of an entry, folded with its axes in one line."""
    matrix = sheet.at(path)
    own = str(path[0]) if len(path) > 1 else ""
    if matrix is not None and not isinstance(matrix, dict):
        show_piece(sheet, path, FormField("matrix", "any"))
        return
    axes = {key: each for key, each in (matrix or {}).items() if key != _EXCLUDE}
    told = "; ".join(f"{key}: {', '.join(map(str, _names(each)))}" for key, each in axes.items())
    title = f"**{say('matrix')}**: {escaped(in_short(told) if told else say('nothing'))}"
    part = folding(title, sheet.key(path, "part"), at_first=sheet.has_mistakes(path))
    if not part.open:
        return
    with part:
        st.caption(say("what"))
        for index, key in enumerate(axes):
            _axis(sheet, (*path, key), index, own, only=len(axes) == 1)
        _add_axis(sheet, path, own, axes)
        if axes:
            _exclusions(sheet, (*path, _EXCLUDE), axes)
        sheet.show_mistakes(path)
        for each in sheet.made if not own else ():
            names = ", ".join(each.names[:MOST_MADE]) + ("…" if len(each.names) > MOST_MADE else "")
            st.caption(escaped(say("made", stem=each.stem, names=names)))


def _axis(sheet: Sheet, path: Path_, index: int, own: str, *, only: bool) -> None:
    values, key = sheet.at(path), str(path[-1])
    field = axis_field(key, sheet.value, own)
    with st.container(border=True, key=sheet.key((*path[:-1], index), "axis")):
        title, end = st.columns([24, 1], vertical_alignment="center")
        title.markdown(f"**{escaped(key)}**")
        with end:
            remove_button(sheet, path, path[:-1] if only else path)
        if isinstance(values, dict) and values:
            for number, name in enumerate(values):
                show_line(sheet, (*path, name), replace(field, key=""), number)
            _add_value(sheet, path, field, named=True)
        elif isinstance(values, list):
            _listed(sheet, path, field, values)
            _add_value(sheet, path, field, named=False)
        else:
            show_piece(sheet, path, FormField(key, "any"))
        sheet.show_mistakes(path)


def _listed(sheet: Sheet, path: Path_, field: FormField, values: list[Any]) -> None:
    """Plain values side by side; what is set together under a name, as it is written."""
    plain = [index for index, each in enumerate(values) if not isinstance(each, (dict, list))]
    for start in range(0, len(plain), sheet.columns):
        for column, index in zip(
            st.columns(sheet.columns), plain[start : start + sheet.columns], strict=False
        ):
            with column:
                each, end = st.columns([5, 1], vertical_alignment="bottom")
                with each:
                    show_field(sheet, (*path, index), _of_value(field, index))
                with end:
                    remove_button(sheet, (*path, index), (*path, index), disabled=len(values) == 1)
    for index in sorted(set(range(len(values))) - set(plain)):
        each, end = st.columns([24, 1], vertical_alignment="bottom")
        with each:
            show_piece(sheet, (*path, index), FormField(f"{index + 1}", "any"))
        with end:
            remove_button(sheet, (*path, index), (*path, index), disabled=len(values) == 1)


def _of_value(field: FormField, index: int) -> FormField:
    kind = field.kind if plain_values(field) and not field.short else "value"
    return replace(field, key=f"{index + 1}", kind=kind)


def _add_value(sheet: Sheet, path: Path_, field: FormField, *, named: bool) -> None:
    typed = sheet.key(path, "new")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(say("new_name" if named else "new_value"), key=typed, width=300)
        st.button(
            say("add_value"),
            key=sheet.key(path, "add"),
            on_click=_value_added,
            args=(sheet, path, field, typed, named),
        )


def _value_added(sheet: Sheet, path: Path_, field: FormField, typed: str, named: bool) -> None:
    given = st.session_state[typed].strip()
    if not given:
        return
    st.session_state[typed] = ""
    if named:
        sheet.set((*path, given), _first_value(field))
    elif (values := _parsed(field, given)) is not None:
        for each in values:
            append(sheet, path, each)


def _add_axis(sheet: Sheet, path: Path_, own: str, axes: Mapping[str, Any]) -> None:
    what, values = sheet.key(path, "axis-name"), sheet.key(path, "axis-values")
    options = [each for each in axis_names(sheet.value, own) if each not in axes]
    chosen = st.session_state.get(what)
    plain = chosen is None or plain_values(axis_field(chosen, sheet.value, own))
    left, middle, right = st.columns([3, 4, 2], vertical_alignment="bottom")
    with left:
        st.selectbox(
            say("axis"),
            options,
            index=None,
            key=what,
            accept_new_options=True,
            placeholder=placeholders("or_type"),
        )
    with middle:
        st.text_input(say("values" if plain else "named"), key=values)
    with right:
        st.button(
            say("add_axis"),
            key=sheet.key(path, "add-axis"),
            on_click=_axis_added,
            args=(sheet, path, own, what, values),
            disabled=not chosen,
        )


def _axis_added(sheet: Sheet, path: Path_, own: str, what: str, typed: str) -> None:
    key, given = st.session_state[what], st.session_state[typed]
    field = axis_field(key, sheet.value, own)
    if plain_values(field):
        values: Any = _parsed(field, given)
    else:
        values = {name.strip(): _first_value(field) for name in given.split(",") if name.strip()}
    if values is None:
        return
    if not values:
        st.session_state[PROBLEM] = ExperimentError(say("no_values"), field=key)
        return
    sheet.set((*path, key), values)
    st.session_state[what], st.session_state[typed] = None, ""


def _parsed(field: FormField, given: str) -> list[Any] | None:
    """`0, 0.7` as values; texts stay texts. None: it is no YAML, and the page says so."""
    parts = [each.strip() for each in given.split(",") if each.strip()]
    if field.kind in ("text", "choice"):
        return [*parts]
    try:
        found = parse_document(f"[{', '.join(parts)}]", "").value
    except ExperimentError as error:
        st.session_state[PROBLEM] = error
        return None
    return list(found)


def _first_value(field: FormField) -> Any:
    """What a named value holds at first: nothing yet, in the shape that its field has."""
    if field.kind in ("texts", "choices", "entries"):
        return []
    if field.kind == "choice":
        return field.choices[0]
    if field.kind == "named" and field.registry == "technique":
        return "zero_shot"
    if field.kind in ("section", "table", "named"):
        return {}
    return 0 if field.kind in ("integer", "number") else ""


def _exclusions(sheet: Sheet, path: Path_, axes: Mapping[str, Any]) -> None:
    """Each left-out combination as a choice of one value, or any, for each axis."""
    said = sheet.at(path)
    said = [] if said is None else said
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        show_piece(sheet, path, FormField(_EXCLUDE, "any"))
        return
    for index, each in enumerate(said):
        with st.container(border=True, key=sheet.key((*path, index), "entry")):
            st.caption(say("exclude"))
            keys = [*axes, *(key for key in each if key not in axes)]
            columns = st.columns([*[6] * len(keys), 1], vertical_alignment="bottom")
            for column, key in zip(columns, keys, strict=False):
                field = FormField(key, "choice", choices=tuple(_names(axes.get(key, []))))
                with column:
                    show_any(sheet, (*path, index, key), field)
            with columns[-1]:
                remove_button(sheet, (*path, index), path if len(said) == 1 else (*path, index))
            sheet.show_mistakes((*path, index))
    first = next(iter(axes))
    names = _names(axes[first])
    st.button(
        say("exclude_add"),
        key=sheet.key(path, "add"),
        type="tertiary",
        disabled=not names,
        on_click=append,
        args=(sheet, path, {first: names[-1] if names else ""}),
    )
    sheet.show_mistakes(path)


def _names(values: Any) -> list[Any]:
    """What an axis' values are called: by their names, or by themselves."""
    if isinstance(values, dict):
        return list(values)
    if isinstance(values, list):
        return [each.get("name", "") if isinstance(each, dict) else each for each in values]
    return [values]
