"""A file from the browser: bounded, its name cleaned, written to `datasets/`, never over another unasked."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.datasets.uploading import ENDINGS, FOLDER, MAX_UPLOAD_BYTES, clean_name, store_upload
from promptlab.ui.language import Texts
from promptlab.ui.shown import failed, noted

say = Texts(
    title=("Send a file", "上传文件"),
    where=(
        "It is written to {folder}; nothing in it is run. At most {most} MiB.",
        "文件将写入 {folder}，其中的内容不会被执行。最大 {most} MiB。",
    ),
    file=("Data file", "数据文件"),
    there=(
        "{file} is there already. Replace it, or give the file another name.",
        "{file} 已存在。可以替换，或改名后再上传。",
    ),
    replace=("Replace {file}", "替换 {file}"),
    keep=("Keep as {file}", "保存为 {file}"),
)


def upload(folder: Path, *, expanded: bool) -> Path | None:
    """The uploader. Returns the file that was written in this run of the page."""
    target = folder / FOLDER
    with st.expander(say("title"), expanded=expanded, key="data-upload"):
        st.caption(say("where", folder=f"{FOLDER}/", most=MAX_UPLOAD_BYTES // 2**20))
        sent = st.file_uploader(
            say("file"),
            [ending.removeprefix(".") for ending in ENDINGS],
            key=f"data-sent-{st.session_state.get('data-sent-number', 0)}",
            label_visibility="collapsed",
            max_upload_size=MAX_UPLOAD_BYTES // 2**20,
        )
        if sent is None:
            return None
        try:
            name = clean_name(sent.name)
        except UsageError as error:
            failed(error)
            return None
        there = (target / name).exists()
        if there:
            noted(say("there", file=f"{FOLDER}/{name}"))
        if not st.button(
            say("replace" if there else "keep", file=_plain(name)), key="data-keep", type="primary"
        ):
            return None
        try:
            path = store_upload(target, sent.name, sent.getvalue(), replace=there)
        except PromptlabError as error:
            failed(error)
            return None
    st.session_state["data-sent-number"] = st.session_state.get("data-sent-number", 0) + 1
    return path


def _plain(name: str) -> str:
    return name.replace("_", "\\_")
