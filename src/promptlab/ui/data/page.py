"""Data sets: a file to choose or to send, what its columns are, its samples, what repeats, an experiment."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.datasets.uploading import data_files
from promptlab.ui.data.browsing import browse
from promptlab.ui.data.checking import check_repeats
from promptlab.ui.data.drafting import draft_experiment
from promptlab.ui.data.mapping import map_columns
from promptlab.ui.data.upload import upload
from promptlab.ui.language import Texts
from promptlab.ui.shown import failed, noted

say = Texts(
    title=("Data sets", "数据集"),
    file=("File", "文件"),
    none=(
        "There is no data file in {folder} yet. Send one below: csv, tsv, jsonl, json, xlsx or parquet.",
        "{folder} 中还没有数据文件。可在下方上传：csv、tsv、jsonl、json、xlsx 或 parquet。",
    ),
    gone=("There is no data file {path}.", "找不到数据文件 {path}。"),
    view=("View", "视图"),
    columns=("Columns", "列"),
    browse=("Samples", "样本"),
    check=("Repeats", "重复检查"),
    draft=("Experiment", "建立实验"),
)
_ASKED = "data-asked"  # the address's file that was chosen last: another one is a link that was followed
_VIEWS = ("columns", "browse", "check", "draft")


def page() -> None:
    """The chosen file in one of four views."""
    st.title(say("title"), anchor=False)
    folder = Path.cwd()
    files = data_files(folder)
    if not files:
        noted(say("none", folder=folder))
    sent = upload(folder, expanded=not files)
    if sent is not None:
        st.query_params["path"] = _named(sent, folder)
        st.rerun()
    if not files:
        return
    path = _chosen(files, folder)
    if path is None:
        return
    try:
        _show(path)
    except PromptlabError as error:
        failed(error)


def _chosen(files: list[Path], folder: Path) -> Path | None:
    names = {_named(path, folder): path for path in files}
    asked = st.query_params.get("path", "")
    if asked and asked != st.session_state.get(_ASKED):
        if asked in names:
            st.session_state["data-file"] = asked
        else:
            failed(say("gone", path=asked))
    chosen = st.selectbox(say("file"), list(names), key="data-file", persist_state="session")
    st.query_params["path"] = st.session_state[_ASKED] = chosen
    return names.get(chosen)


def _show(path: Path) -> None:
    view = st.segmented_control(
        say("view"),
        _VIEWS,
        format_func=say,
        default="columns",
        required=True,
        key="data-view",
        label_visibility="collapsed",
        persist_state="session",
    )
    mapped = map_columns(path, visible=view == "columns")
    if mapped is None or view == "columns":
        return
    _OPENED[view or ""](mapped)


def _named(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


_OPENED = {"browse": browse, "check": check_repeats, "draft": draft_experiment}
