"""All experiments that are known here, and the ways to a new one."""

from __future__ import annotations

import time
from pathlib import Path

import streamlit as st

from promptlab.runs.control import state_of
from promptlab.runs.known import KnownExperiment, known_experiments
from promptlab.ui.experiments.states import state_words
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import go
from promptlab.ui.shown import escaped, noted

SHOWN = 50

say = Texts(
    title=("Experiments", "实验"),
    new=("New experiment", "新建实验"),
    none=(
        "There is no experiment in {folder} yet. Make one from a data file or from the starter.",
        "{folder} 中还没有实验。可以从数据文件或入门模板新建一个。",
    ),
    name=("Experiment", "实验"),
    file=("File", "文件"),
    state=("Latest run", "最近运行"),
    started=("Started", "开始时间"),
    open=("Open", "打开"),
    results=("Results", "结果"),
    find=("Find by name or file", "按名称或文件查找"),
    no_file=("its file is not here", "文件不在此处"),
    never=("not run yet", "尚未运行"),
    damaged=("cannot be read: {error}", "无法读取：{error}"),
    rest=("{n:,} more: find them by name.", "另有 {n:,} 个，请按名称查找。"),
)


def listing(home: Path, folder: Path) -> None:
    """The list, newest runs' states beside the names."""
    with st.container(horizontal=True, vertical_alignment="center", key="list-head"):
        st.title(say("title"))
        if st.button(say("new"), key="new-experiment", type="primary"):
            st.query_params["new"] = "starter"
            st.rerun()
    known = known_experiments(home, folder)
    if not known:
        noted(say("none", folder=folder))
        return
    wanted = st.text_input(
        say("find"), key="find", type="search", persist_state="session", label_visibility="collapsed",
        placeholder=say("find"),
    ).lower()  # fmt: skip
    found = [each for each in known if wanted in f"{each.name} {each.file}".lower()]
    found.sort(key=_last_run, reverse=True)
    for number, each in enumerate(found[:SHOWN]):
        _row(number, each, folder)
    if len(found) > SHOWN:
        st.caption(say("rest", n=len(found) - SHOWN))


def _row(number: int, each: KnownExperiment, folder: Path) -> None:
    with st.container(border=True, key=f"experiment-{number}"):
        name, state, actions = st.columns([5, 3, 2], vertical_alignment="center")
        with name:
            where = escaped(shown(each.file, folder)) if each.file else say("no_file")
            st.markdown(f"**{escaped(each.name)}** &ensp; :gray[{where}]")
            if each.error:
                st.caption(escaped(say("damaged", error=in_chosen(each.error))))
        with state:
            if each.run is None:
                st.caption(say("never"))
            else:
                when = time.strftime("%Y-%m-%d %H:%M", time.localtime(_last_run(each)))
                st.caption(escaped(f"{state_words(state_of(each.run))} · {when}"))
        with actions, st.container(horizontal=True, key=f"actions-{number}"):
            if each.file is not None and st.button(say("open"), key=f"open-{number}"):
                st.query_params["file"] = str(each.file)
                st.rerun()
            if each.run is not None and st.button(say("results"), key=f"results-{number}", type="tertiary"):
                go("results", run=each.run.id)


def _last_run(each: KnownExperiment) -> float:
    """When its latest run began, in Unix seconds; 0: it was never run."""
    return 0.0 if each.run is None else float(each.run.manifest().get("created", 0.0))


def shown(path: Path, folder: Path) -> str:
    """As a person in `folder` would name it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
