"""The workbench's page: the stored runs and their comparisons. Holds no logic of its own."""

from __future__ import annotations

import streamlit as st

from promptlab.analysis import compare_run
from promptlab.basics.errors import PromptlabError
from promptlab.basics.home import find_home
from promptlab.export import cell_rows, pair_rows, plain
from promptlab.runs import all_runs


def page() -> None:
    """One run's comparison: its verdict, its cells, its paired differences."""
    st.set_page_config(page_title="promptlab", layout="wide")
    st.title("promptlab")
    home = find_home()
    runs = {run.id: run for run in all_runs(home)}
    if not runs:
        st.info(f"There are no runs in {home} yet. In a terminal: promptlab demo")
        return
    chosen = st.selectbox("Run", list(runs), key="run")
    try:
        comparison = compare_run(runs[chosen])
    except PromptlabError as error:
        st.error(str(error))
        return
    st.text(plain(comparison.experiment))
    for sentence in comparison.headline:
        # Names come from files: shown as text, never as Markdown or HTML.
        st.text(plain(sentence))
    st.caption("Cells")
    st.dataframe(list(cell_rows(comparison)), key="cells", hide_index=True)
    st.caption("Paired differences")
    st.dataframe(list(pair_rows(comparison)), key="pairs", hide_index=True)


page()
