"""The experiment as a form: each field is one place in the file, and changes only that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.datasets import DatasetSpec
from promptlab.experiment import Loaded
from promptlab.experiment.editing import value_at
from promptlab.experiment.form import (
    FormField,
    fields_of,
    own_code,
    scorer_fields,
    scorer_names,
    technique_fields,
    technique_names,
)
from promptlab.experiment.spec import (
    CacheSpec,
    ExperimentSpec,
    LimitsSpec,
    ModelSpec,
    ScorerSpec,
    TaskSpec,
    VariantSpec,
)
from promptlab.experiment.variants import resolve_variants
from promptlab.experiment.yaml_lines import Path_, dotted
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.experiments.fields import show_field
from promptlab.ui.language import Texts, in_chosen, placeholders
from promptlab.ui.place import allows_code
from promptlab.ui.shown import failed, noted

_PARTS = frozenset(
    {"datasets", "task", "models", "variants", "scorers", "limits", "cache", "gates", "embedding"}
)
_MATRIX_KEY = "matrix"
COLUMNS = 3

say = Texts(
    general=("Experiment", "实验"),
    datasets=("Data", "数据"),
    task=("Task: what is asked", "任务：问什么"),
    models=("Models", "模型"),
    variants=("Variants: how it is asked", "变体：怎么问"),
    scorers=("Scorers", "评分器"),
    limits=("Limits and cache", "限额与缓存"),
    more=("More settings", "更多设置"),
    add=("Add", "添加"),
    remove=("Remove", "删除"),
    matrix=(
        "This part has a matrix; change its combinations in the YAML.",
        "此部分含有 matrix（组合展开），请在 YAML 中修改。",
    ),
    default_scorer=(
        "None named: the answer type chooses the scorers.",
        "未指定：由答案类型决定评分器。",
    ),
    broken=(
        "The file cannot be read as an experiment: mend it in the YAML view. {error}",
        "该文件无法作为实验读取，请在 YAML 视图中修正。{error}",
    ),
    own_code=(
        "{where} names code of its own ({value}), which is not run from here. If you trust it, start the "
        "workbench with `promptlab ui --allow-code`, or run the experiment in a terminal.",
        "{where} 引用了自带代码（{value}），此处不会执行。若信任该代码，请用 `promptlab ui --allow-code` "
        "启动工作台，或在终端中运行该实验。",
    ),
)


def form(draft: Draft) -> None:
    """The whole form. What is wrong with a field stands beneath it."""
    from promptlab.experiment.yaml_lines import parse_document

    try:
        value = parse_document(draft.text, draft.path.name).value
        if not isinstance(value, dict):
            raise ExperimentError("an experiment is a mapping of keys to values", file=draft.path.name)
    except ExperimentError as error:
        failed(say("broken", error=in_chosen(error)))
        return
    try:
        found = mistakes(draft, draft.loaded())
    except ExperimentError as error:
        found = [error]
    for each in found:
        failed(each)
    _section(
        draft, value, (), "general", fields_of(ExperimentSpec, without=_PARTS), found, ("name", "description")
    )
    _datasets(draft, value, found)
    _section(
        draft, value, ("task",), "task", fields_of(TaskSpec), found,
        ("prompt", "answer", "system", "answer_instruction"),
    )  # fmt: skip
    _entries(draft, value, "models", "id", found)
    _entries(draft, value, "variants", "technique", found)
    _entries(draft, value, "scorers", "scorer", found)
    limits = ("concurrency", "budget_usd", "budget_calls")
    _section(draft, value, ("limits",), "limits", fields_of(LimitsSpec), found, limits)
    _section(draft, value, ("cache",), None, fields_of(CacheSpec), found, ("max_age",))


def mistakes(draft: Draft, loaded: Loaded) -> list[ExperimentError | UsageError]:
    """What is wrong with the settings, without opening data. Nothing that the file names is imported."""
    if code := code_refused(draft, loaded):
        return [code]
    try:
        resolve_variants(loaded)
    except ExperimentError as error:
        return [error]
    return []


def code_refused(draft: Draft, loaded: Loaded) -> UsageError | None:
    """What to say of an experiment that brings code, where none may run; asked before anything loads it."""
    if allows_code():
        return None
    found = next(own_code(loaded.places.document.value), None)
    if found is None:
        return None
    where, value = found
    return UsageError(say("own_code", where=dotted(where), value=value))


def _section(
    draft: Draft,
    value: dict[str, Any],
    path: Path_,
    title: str | None,
    fields: Sequence[FormField],
    found: list[Any],
    first: tuple[str, ...],
) -> None:
    """Some fields at once; what is set or belongs together stands first, the rest folds away."""
    if title is not None:
        st.subheader(say(title))
    _fields(draft, value, path, fields, found, first)


def _fields(
    draft: Draft,
    value: dict[str, Any],
    path: Path_,
    fields: Sequence[FormField],
    found: list[Any],
    first: tuple[str, ...],
) -> None:
    known = {field.key: field for field in fields}
    shown = [known[key] for key in first if key in known]
    shown += [field for field in fields if field.key not in first and _stands(value, (*path, field.key))]
    hidden = [field for field in fields if field not in shown]
    _grid(draft, value, path, shown, found)
    if hidden:
        # Each widget costs: those that nobody looks at are not made.
        more = st.expander(say("more"), key=f"more-{'-'.join(map(str, path))}", on_change="rerun")
        if more.open:
            with more:
                _grid(draft, value, path, hidden, found)


def _grid(
    draft: Draft, value: dict[str, Any], path: Path_, fields: Sequence[FormField], found: list[Any]
) -> None:
    small = [field for field in fields if field.kind != "long_text"]
    for field in fields:
        if field.kind == "long_text":
            show_field(draft, value, (*path, field.key), field, found)
    for start in range(0, len(small), COLUMNS):
        for column, field in zip(st.columns(COLUMNS), small[start : start + COLUMNS], strict=False):
            with column:
                show_field(draft, value, (*path, field.key), field, found)


def _datasets(draft: Draft, value: dict[str, Any], found: list[Any]) -> None:
    st.subheader(say("datasets"))
    alone = "dataset" in value
    entries = [value["dataset"]] if alone else value.get("datasets") or []
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        path: Path_ = ("dataset",) if alone else ("datasets", index)
        with st.container(border=True, key=f"entry-datasets-{index}"):
            if isinstance(entry, dict):
                source = "generate" if "generate" in entry else "path"
                _fields(draft, value, path, fields_of(DatasetSpec), found, (source, "target", "id", "split"))


def _entries(draft: Draft, value: dict[str, Any], key: str, main: str, found: list[Any]) -> None:
    """A list's entries, each with its settings, and a way to add and remove one."""
    st.subheader(say(key))
    entries = value.get(key)
    count = len(entries) if isinstance(entries, list) else 0
    if key == "scorers" and not count:
        st.caption(say("default_scorer"))
    for index in range(count):
        _entry(draft, value, (key, index), main, found, removable=count > 1 or key == "scorers")
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"add-{key}"):
        names = {"technique": technique_names, "scorer": scorer_names}
        if key == "models":
            st.text_input(main, key="new-models", placeholder="openai/gpt-4o-mini", width=420)
        else:
            st.selectbox(
                main, names[main](), key=f"new-{key}", index=None, width=420, placeholder=placeholders("one")
            )
        st.button(say("add"), key=f"add-{key}-now", on_click=_append, args=(draft, key, count))


def _entry(
    draft: Draft, value: dict[str, Any], path: Path_, main: str, found: list[Any], *, removable: bool
) -> None:
    key, index = path
    entry = value_at(value, path)
    with st.container(border=True, key=f"entry-{key}-{index}"):
        if isinstance(entry, dict) and _MATRIX_KEY in entry:
            st.code(str(entry.get("name") or entry.get(main) or ""), language=None)
            noted(say("matrix"))
            return
        name = str(_at(value, (*path, main)) or "")
        if key == "models":
            _fields(
                draft, value, path, fields_of(ModelSpec), found, ("id", "name", "temperature", "max_tokens")
            )
        else:
            asks = main == "technique"
            settings = technique_fields(name) if asks else scorer_fields(name)
            shared = fields_of(VariantSpec if asks else ScorerSpec, without=frozenset({main, "settings"}))
            names = technique_names() if asks else scorer_names()
            chosen = FormField(main, "choice", choices=names, required=True)
            first = (main, "name" if asks else "as")
            merged = {each.key: each for each in [chosen, *settings, *shared]}
            _fields(draft, value, path, list(merged.values()), found, first)
        if removable:
            st.button(
                say("remove"),
                key=f"remove-{key}-{index}",
                type="tertiary",
                on_click=draft.set,
                args=(path, None),
            )


def _append(draft: Draft, key: str, count: int) -> None:
    name = st.session_state.get(f"new-{key}")
    if not name:
        return
    path: Path_ = (key,) if count == 0 else (key, count)
    draft.set(path, [name] if count == 0 else name)
    st.session_state[f"new-{key}"] = "" if key == "models" else None


def _stands(value: dict[str, Any], path: Path_) -> bool:
    return _at(value, path) is not None


def _at(value: dict[str, Any], path: Path_) -> Any:
    try:
        return value_at(value, path)
    except LookupError:
        return None
