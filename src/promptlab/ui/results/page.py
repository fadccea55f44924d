"""Results: a stored run's comparison, down to every call."""

from __future__ import annotations

import streamlit as st

from promptlab.analysis import compare_run
from promptlab.basics.errors import PromptlabError
from promptlab.export import cell_rows, pair_rows, plain
from promptlab.runs import all_runs
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.shown import failed, noted

say = Texts(
    no_runs=(
        "There are no runs in {home} yet. In a terminal: promptlab demo",
        "{home} 中还没有运行记录。请在终端执行：promptlab demo",
    ),
    run=("Run", "运行"),
    cells=("Cells", "单元"),
    pairs=("Paired differences", "配对差异"),
)


def page() -> None:
    """One run's comparison: its verdict, its cells, its paired differences."""
    runs = {run.id: run for run in all_runs(home())}
    if not runs:
        noted(say("no_runs", home=home()))
        return
    chosen = st.selectbox(say("run"), list(runs), key="run")
    try:
        comparison = compare_run(runs[chosen])
    except PromptlabError as error:
        failed(error)
        return
    st.text(plain(comparison.experiment))
    for sentence in comparison.headline:
        st.text(plain(sentence))
    st.caption(say("cells"))
    st.dataframe(list(cell_rows(comparison)), key="cells", hide_index=True)
    st.caption(say("pairs"))
    st.dataframe(list(pair_rows(comparison)), key="pairs", hide_index=True)
