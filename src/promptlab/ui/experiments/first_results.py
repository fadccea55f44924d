"""The comparison so far: means with intervals, and no verdict before the planned trials are there."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from promptlab.analysis import Comparison, best, compare_run
from promptlab.analysis.comparison import CellSummary
from promptlab.basics.errors import PromptlabError
from promptlab.export import plain
from promptlab.runs import RunDirectory
from promptlab.ui.language import Texts
from promptlab.ui.shown import escaped, failed

# A comparison is made again after so many times as long as it took: watching must not slow the run down.
REST = 10
LEAST_S = 3.0

say = Texts(
    so_far=("So far", "目前结果"),
    result=("Result", "结果"),
    variant=("variant", "变体"),
    model=("model", "模型"),
    dataset=("data set", "数据集"),
    n=("trials", "试验"),
    mean=("mean", "均值"),
    interval=("95 % interval", "95 % 置信区间"),
    errors=("errors", "错误"),
    no_verdict=(
        "No verdict before the planned trials are finished: an interval that is looked at again and again "
        "misleads.",
        "计划的试验完成之前不下结论：反复查看中途的置信区间会产生误导。",
    ),
    scorer=("Score: {scorer}", "评分：{scorer}"),
)


def first_results(run: RunDirectory, *, alive: bool) -> None:
    """The cells' headline scores."""
    try:
        comparison = _comparison(run, alive)
    except PromptlabError as error:
        failed(error)
        return
    if not any(cell.result.n for cell in comparison.cells):
        return
    st.markdown(f"**{say('so_far' if alive else 'result')}**")
    st.caption(escaped(say("scorer", scorer=comparison.primary)))
    st.dataframe([_row(cell, comparison.primary) for cell in comparison.cells], key="so-far", hide_index=True)
    found = None if alive else best(comparison)
    if found is None or found.verdict == "no verdict yet":
        st.caption(say("no_verdict"))
    else:
        for sentence in comparison.headline:
            st.text(plain(sentence))


def _row(cell: CellSummary, primary: str) -> dict[str, Any]:
    score = cell.scores.get(primary)
    interval = score.interval if score else None
    shown = None if interval is None else f"{interval.low:.2f} – {interval.high:.2f}"
    return {
        say("variant"): plain(cell.name.variant),
        say("model"): plain(cell.name.model),
        say("dataset"): plain(cell.name.dataset or ""),
        say("n"): f"{cell.result.n:,} / {cell.result.planned:,}",
        say("mean"): None if interval is None else round(interval.mean, 3),
        say("interval"): shown,
        say("errors"): cell.result.errors,
    }


def _comparison(run: RunDirectory, alive: bool) -> Comparison:
    """Of a run that goes on: not made anew each second."""
    known = st.session_state.get("so-far-made")
    now = time.monotonic()
    if alive and known is not None and known[0] == run.id and now < known[1]:
        found: Comparison = known[2]
        return found
    made = compare_run(run)
    ended = time.monotonic()
    st.session_state["so-far-made"] = (run.id, ended + max(LEAST_S, REST * (ended - now)), made)
    return made
