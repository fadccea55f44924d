"""The experiment as a form: each field is one place in the file, and changes only that."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError, PromptlabError, UsageError
from promptlab.experiment import Loaded
from promptlab.experiment.checking import mistakes_in, names_in
from promptlab.experiment.editing import make_list, set_value
from promptlab.experiment.form import FormField, experiment_fields, names_of
from promptlab.experiment.own_code import own_code
from promptlab.experiment.yaml_lines import dotted, parse_document
from promptlab.playground import reachable
from promptlab.ui.experiments.creating import data_files
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.form.groups import fold, show_fields, show_group
from promptlab.ui.form.labels import in_short
from promptlab.ui.form.lists import append, show_adding, show_entries
from promptlab.ui.form.matrix import show_matrix
from promptlab.ui.form.sheet import Sheet
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import allows_code, home
from promptlab.ui.shown import failed

say = Texts(
    datasets=("Data", "数据"),
    task=("Task: what is asked", "任务：问什么"),
    models=("Models", "模型"),
    variants=("Variants: how it is asked", "变体：怎么问"),
    scorers=("Scorers", "评分器"),
    comparison=("Comparison", "比较"),
    seldom=("Seldom needed", "其他"),
    none=("none", "无"),
    add=("Add", "添加"),
    add_data=("A further data file or generated source", "添加数据文件或生成的数据"),
    add_model=("A further model", "添加模型"),
    default_scorer=(
        "None named: the answer type chooses the scorers.",
        "未指定：由答案类型决定评分器。",
    ),
    beside=("Mistakes that stand beside their fields below: {n}.", "有 {n} 处错误，见下方对应字段旁的说明。"),
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
_ABOUT = ("name", "description")
_COMPARED = ("baseline", "primary", "repeats")
_ALSO_COMPARED = (
    "seed",
    "vary",
    "min_effect",
    "breakdown",
    "match_tokens",
    "human_labels",
    "allow_unsafe_code",
)
_FIRST = {
    "models": ("id", "name", "temperature", "max_tokens"),
    "variants": ("name",),
    "scorers": ("as",),
    "limits": ("concurrency", "budget_usd", "budget_calls", "timeout_s"),
    "embedding": ("id", "api_base", "api_key_env"),
}
COLUMNS = 4
_GENERATED = "generate: "
_SELDOM = ("matrix", "gates", "limits", "cache", "embedding")


def form(draft: Draft) -> None:
    """The whole form. What is wrong with a field stands beneath it, all else on top."""
    try:
        value = parse_document(draft.text, draft.path.name).value
        if not isinstance(value, dict):
            raise ExperimentError("an experiment is a mapping of keys to values", file=draft.path.name)
    except ExperimentError as error:
        failed(say("broken", error=in_chosen(error)))
        return
    top = st.container()
    sheet = _sheet(draft, value)
    known = experiment_fields()

    def fields(*keys: str) -> list[FormField]:
        return [known[key] for key in keys]

    show_fields(sheet, (), fields(*_ABOUT), _ABOUT)
    _datasets(sheet, draft, known)
    st.header(say("task"))
    task = ("prompt", "system", "answer_instruction", "answer")
    show_group(sheet, ("task",), known["task"], task)
    _models(sheet, known)
    st.header(say("variants"))
    show_entries(sheet, ("variants",), known["variants"], _FIRST["variants"])
    st.header(say("scorers"))
    if not value.get("scorers"):
        st.caption(say("default_scorer"))
    show_entries(sheet, ("scorers",), known["scorers"], _FIRST["scorers"])
    st.header(say("comparison"))
    show_fields(sheet, (), fields(*_COMPARED, *_ALSO_COMPARED), _COMPARED)
    st.header(say("seldom"))
    show_matrix(sheet, ("matrix",))
    for key in _SELDOM[1:]:
        there = value.get(key)
        told = in_short(there) if there else say("none")
        fold(sheet, (key,), known[key], told, first=_FIRST.get(key, ()))
    with top:
        if sheet.told:
            failed(say("beside", n=len(sheet.told)))
        for each in sheet.mistakes:
            if each not in sheet.told:
                failed(each)


def mistakes(draft: Draft) -> Sequence[PromptlabError]:
    """What is wrong with the settings, without opening data. Nothing that the file names is imported."""
    if code := code_refused(draft.text):
        return [code]
    return mistakes_in(draft.text, draft.path)


def code_refused(text: str) -> UsageError | None:
    """What to say of an experiment that brings code, where none may run; asked before anything loads it."""
    if allows_code():
        return None
    found = next(own_code(parse_document(text, "").value), None)
    if found is None:
        return None
    where, value = found
    return UsageError(say("own_code", where=dotted(where), value=value))


def _sheet(draft: Draft, value: dict[str, Any]) -> Sheet:
    try:
        loaded: Loaded | None = draft.loaded()
    except ExperimentError:
        loaded = None
    return Sheet(
        draft,
        value,
        mistakes(draft),
        names_in(loaded) if loaded is not None else {},
        made=loaded.unfolded if loaded is not None else (),
        columns=COLUMNS,
    )


def _datasets(sheet: Sheet, draft: Draft, known: Mapping[str, FormField]) -> None:
    """One data set may stand alone under `dataset`; a second makes it the first of a list."""
    st.header(say("datasets"))
    if "dataset" in sheet.value:
        with st.container(border=True, key="f-entry-dataset"):
            first = _first_of_data(sheet.value["dataset"])
            show_group(sheet, ("dataset",), known["dataset"], first)
    else:
        show_entries(sheet, ("datasets",), known["datasets"], _first_of_data, adding=False)
    sources = [_GENERATED + name for name in names_of("source")]
    files = data_files(Path.cwd())
    show_adding(sheet, ("datasets",), say("add_data"), [*files, *sources], partial(_add_data, sheet, draft))


def _first_of_data(entry: Any) -> tuple[str, ...]:
    source = "generate" if isinstance(entry, dict) and "generate" in entry else "path"
    return (source, "target", "name", "limit", "split")


def _add_data(sheet: Sheet, draft: Draft, name: str) -> None:
    """A path from the working folder stands in the file as seen from the file."""
    if name.startswith(_GENERATED):
        entry: dict[str, Any] = {"generate": name.removeprefix(_GENERATED)}
    else:
        path = Path.cwd() / name
        shown = os.path.relpath(path, draft.path.parent) if path.is_file() else name
        entry = {"path": shown.replace(os.sep, "/")}
        target = sheet.at(("dataset", "target")) or sheet.at(("datasets", 0, "target"))
        entry |= {} if target is None else {"target": target}
    if "dataset" in sheet.value:
        sheet.edit(lambda text: set_value(make_list(text, "dataset", "datasets"), ("datasets", 1), entry))
    else:
        append(sheet, ("datasets",), entry)


def _models(sheet: Sheet, known: Mapping[str, FormField]) -> None:
    st.header(say("models"))
    show_entries(sheet, ("models",), known["models"], _FIRST["models"], adding=False)
    at_hand = {each.label: each.entry for each in reachable(home())}

    def add(name: str) -> None:
        entry = dict(at_hand.get(name, {"id": name.strip()}))
        append(sheet, ("models",), entry["id"] if entry.keys() == {"id"} else entry)

    show_adding(sheet, ("models",), say("add_model"), list(at_hand), add, placeholder="openai/gpt-4o-mini")
