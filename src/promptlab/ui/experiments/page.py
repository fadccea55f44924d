"""Experiments: the list, one experiment as form and as YAML, and its run."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from promptlab.basics.errors import ExperimentError, PromptlabError
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.experiments.listing import shown
from promptlab.ui.form.sheet import PROBLEM
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.shown import escaped, failed
from promptlab.ui.tied import tied

VIEWS = ("form", "yaml", "run")

say = Texts(
    all=("All experiments", "全部实验"),
    form=("Form", "表单"),
    yaml=("YAML", "YAML"),
    run=("Run", "运行"),
    view=("View", "视图"),
    save=("Save", "保存"),
    discard=("Discard", "放弃修改"),
    changed=("Unsaved changes", "有未保存的修改"),
    saved=("Saved", "已保存"),
    missing=("There is no file {path}.", "没有文件 {path}。"),
)


def page() -> None:
    """The list, or the experiment that the address names."""
    new = st.query_params.get("new")
    if new is not None:
        from promptlab.ui.experiments.creating import create

        create(new)
        return
    named = st.query_params.get("file")
    if named is None:
        from promptlab.ui.experiments.listing import listing

        listing(home(), Path.cwd())
        return
    _experiment(Path(named).resolve())


def _experiment(path: Path) -> None:
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        failed(say("missing", path=path))
        _back()
        return
    draft = Draft(path)
    asked = st.query_params.get("view")
    view = asked if asked in VIEWS else VIEWS[0]
    try:
        _head(draft, view)
        if view == "yaml":
            from promptlab.ui.experiments.yaml_view import yaml_view

            yaml_view(draft)
        elif view == "run":
            from promptlab.ui.experiments.running import running

            running(draft)
        else:
            from promptlab.ui.experiments.form import form

            form(draft)
    except PromptlabError as error:
        failed(error)


def _head(draft: Draft, view: str) -> None:
    """The name, the view, and what is not saved yet."""
    st.title(escaped(_name(draft)))
    st.caption(escaped(shown(draft.path, Path.cwd())))
    problem = st.session_state.pop(PROBLEM, None)
    with st.container(horizontal=True, vertical_alignment="center", key="experiment-head"):
        _back()
        st.segmented_control(
            say("view"),
            VIEWS,
            format_func=say,
            required=True,
            label_visibility="collapsed",
            **tied("experiment-view", view, _show_view),
        )
        changed = draft.changed
        st.button(
            say("save"), key="save", on_click=_save, args=(draft,), disabled=not changed, shortcut="Ctrl+S"
        )
        st.button(say("discard"), key="discard", on_click=draft.discard, disabled=not changed)
        st.caption(say("changed") if changed else say("saved"))
    if problem is not None:
        failed(problem)


def _show_view(view: str) -> None:
    st.query_params["view"] = view


def _name(draft: Draft) -> str:
    try:
        return draft.loaded().spec.name
    except ExperimentError:
        return draft.path.stem


def _back() -> None:
    if st.button(say("all"), key="back", type="tertiary", icon=":material/arrow_back:"):
        st.query_params.clear()
        st.rerun()


def _save(draft: Draft) -> None:
    try:
        draft.save()
    except PromptlabError as error:
        st.session_state[PROBLEM] = error
