"""Rating: answers side by side without names, and what people's ratings say."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.runs import RunDirectory, all_runs
from promptlab.runs.reading import has_results
from promptlab.ui.language import Texts
from promptlab.ui.place import go, home
from promptlab.ui.rating.asking import ask
from promptlab.ui.rating.table import show_table
from promptlab.ui.shown import escaped, failed, noted

say = Texts(
    title=("Rating", "评分"),
    why=(
        "Answers of a run without the names of who gave them. Several people may rate the same run; "
        "each types a name.",
        "对一次运行的回答做盲评：不显示模型和变体的名称。可多人评同一次运行，各自填写名字即可。",
    ),
    no_runs=(
        "There is no run with answers yet. Run an experiment first; its answers can then be rated here.",
        "还没有带回答的运行。请先运行一个实验，再回到这里评分。",
    ),
    to_experiments=("Open the experiments", "打开实验页"),
    run=("Run", "运行"),
    rater=("Your name", "你的名字"),
    begin=("Begin", "开始"),
    rates=("{who} is rating", "评分人：{who}"),
    other=("Somebody else", "换人"),
    rater_help=("Written beside your ratings, nowhere else.", "仅记录在你的评分旁，不作他用。"),
    kind=("What is rated", "评分方式"),
    pairs=("Two side by side", "两两比较"),
    single=("One at a time", "逐条打分"),
    view=("View", "视图"),
    rate=("Rate", "评分"),
    table=("Results", "结果"),
)
_ASKED = "rating-asked"  # the address's run that was chosen last: another one is a link that was followed


def page() -> None:
    """One run: rate its answers, or look at what was said."""
    st.title(say("title"), anchor=False)
    runs = {run.id: run for run in all_runs(home()) if has_results(run)}
    if not runs:
        noted(say("no_runs"))
        if st.button(say("to_experiments"), key="rating-to-experiments"):
            go("experiments")
        return
    st.caption(say("why"))
    run = runs[_chosen(list(runs))]
    kind, view = _how()
    try:
        if view == "rate":
            _rate(run, kind)
        else:
            show_table(run, kind)
    except PromptlabError as error:
        failed(error)


def _chosen(ids: list[str]) -> str:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    asked = st.query_params.get("run")
    if asked in ids and asked != st.session_state.get(_ASKED):
        st.session_state["rating-run"] = asked
    with left:
        chosen = st.selectbox(say("run"), ids, key="rating-run", persist_state="session")
    with right:
        _rater()
    st.query_params["run"] = st.session_state[_ASKED] = chosen
    return chosen


def _rater() -> None:
    """Asks who rates. Once that is known the field goes, or the keys that rate would be typed into it."""
    name = _name()
    with st.container(horizontal=True, vertical_alignment="center" if name else "bottom"):
        if name:
            st.caption(say("rates", who=escaped(name)), width="content")
            st.button(say("other"), key="rater-other", on_click=lambda: st.session_state.update(rater=""))
            return
        st.text_input(
            say("rater"), key="rater", max_chars=60, help=say("rater_help"), persist_state="session"
        )
        # With it the browser knows buttons already, so those that rate hear a key as soon as they are seen.
        st.button(say("begin"), key="rater-begin", type="primary")


def _name() -> str:
    """Who rates, as typed."""
    return str(st.session_state.get("rater") or "").strip()


def _how() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            say("kind"),
            ["pairs", "single"],
            format_func=say,
            default="pairs",
            required=True,
            key="rating-kind",
            persist_state="session",
        )
        view = st.segmented_control(
            say("view"),
            ["rate", "table"],
            format_func=say,
            default="rate",
            required=True,
            key="rating-view",
            persist_state="session",
        )
    return kind or "pairs", view or "rate"


def _rate(run: RunDirectory, kind: str) -> None:
    ask(run, "single" if kind == "single" else "pairs", _name())
