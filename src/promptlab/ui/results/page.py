"""Results: stored runs, from the verdict down to every call."""

from __future__ import annotations

import importlib

import streamlit as st

from promptlab.analysis import words
from promptlab.basics.errors import PromptlabError
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.results.loaded import StoredRun, counts_of, stored_runs
from promptlab.ui.results.where import bound, chosen, remembered
from promptlab.ui.shown import escaped, failed, noted, visible

say = Texts(
    no_runs=(
        "There are no runs in {home} yet. Start one under Experiments, or in a terminal: promptlab demo",
        "{home} 中还没有运行记录。请在“实验”页面启动一次，或在终端执行：promptlab demo",
    ),
    run=("Run", "运行"),
    view=("View", "视图"),
    comparison=("Comparison", "比较"),
    answers=("Answers", "回答"),
    plots=("Plots", "图表"),
    runs=("Runs over time", "历次运行"),
    files=("Files", "导出"),
    empty=(
        "This run has no results yet. They appear here as its trials finish.",
        "该运行尚无结果，试验完成后会显示在这里。",
    ),
    refresh=("Refresh", "刷新"),
    unknown=("There is no run {run} here; this is the newest.", "这里没有运行 {run}，以下为最新一次。"),
    trials=("{n:,} trials", "{n:,} 次试验"),
    errors=("{n:,} errors", "{n:,} 次出错"),
    failures=("{n:,} without an answer", "{n:,} 次无答案"),
    took=("took {time}", "用时 {time}"),
)
statuses = Texts(
    complete=("complete", "已完成"),
    running=("running", "运行中"),
    interrupted=("interrupted", "已中断"),
    failed=("finished with errors", "已结束，但有错误"),
    stopped=("stopped by the budget", "因预算停止"),
)
VIEWS = ("comparison", "answers", "plots", "runs", "files")
_STATUS = {"stopped: budget": "stopped"}


def page() -> None:
    """The chosen run in the chosen view; both stand in the address."""
    remembered()
    try:
        runs = stored_runs()
    except PromptlabError as error:
        failed(error)
        return
    if not runs:
        noted(say("no_runs", home=home()))
        return
    wanted = st.query_params.get("run")
    if wanted is not None and wanted not in runs:
        noted(say("unknown", run=wanted))
    newest = next(iter(runs))
    names = {run.directory.id: _name(run) for run in runs.values()}
    run = runs[chosen("run", list(runs), newest)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            say("run"), list(runs), format_func=names.__getitem__, **bound("run", run.directory.id), width=520
        )
        st.segmented_control(
            say("view"),
            VIEWS,
            format_func=say,
            required=True,
            label_visibility="collapsed",
            **bound("view", chosen("view", VIEWS, VIEWS[0])),
        )
    if wanted != run.directory.id:
        st.query_params["run"] = run.directory.id
    try:
        _show(run, chosen("view", VIEWS, VIEWS[0]))
    except PromptlabError as error:
        failed(error)


def status_words(status: object) -> str:
    """A run's status in the chosen language."""
    name = _STATUS.get(str(status), str(status))
    return statuses(name) if name in statuses.texts else str(status)


def _show(run: StoredRun, view: str) -> None:
    st.caption(" · ".join(_facts(run)))
    if view != "runs" and not counts_of(run.directory):
        noted(say("empty"))
        st.button(say("refresh"), key="results-refresh")
        return
    if run.manifest.get("status") == "running":
        st.button(say("refresh"), key="results-refresh")
    importlib.import_module(f"promptlab.ui.results.{view}").show(run)


def _name(run: StoredRun) -> str:
    return visible(f"{run.experiment} · {run.started} · {run.directory.id[-4:]}")


def _facts(run: StoredRun) -> list[str]:
    counts = counts_of(run.directory)
    silent = sum(n for status, n in counts.items() if status not in ("ok", "error"))
    facts = [escaped(run.directory.id), run.started, escaped(status_words(run.manifest.get("status")))]
    if run.duration_s is not None:
        facts.append(say("took", time=words.seconds(run.duration_s)))
    facts.append(say("trials", n=sum(counts.values())))
    facts += [say("failures", n=silent)] if silent else []
    facts += [say("errors", n=counts["error"])] if counts.get("error") else []
    return facts
