"""A trial's sample into a data set of one's own: for any page that shows trials."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.datasets.uploading import FOLDER, clean_name
from promptlab.export.kept_samples import keep_samples
from promptlab.runs import RunDirectory
from promptlab.ui.language import Texts
from promptlab.ui.place import go
from promptlab.ui.shown import done, failed, noted

DEFAULT_FILE = "failures.jsonl"
say = Texts(
    title=("Add to a data set", "加入数据集"),
    file=("File in {folder}", "{folder} 中的文件"),
    add=("Add", "加入"),
    added=("{n:,} added to {file}.", "已将 {n:,} 个样本加入 {file}。"),
    known=("{file} has it already.", "{file} 中已有该样本。"),
    look=("Look at the data set", "查看数据集"),
)


def offer_adding(run: RunDirectory, trials: list[int], *, key: str) -> None:
    """A small menu that adds the samples of these trials (by number). `key`: unique on the page."""
    with st.popover(say("title"), disabled=not trials, key=f"{key}-menu"):
        name = st.text_input(
            say("file", folder=f"{FOLDER}/"), DEFAULT_FILE, key=f"{key}-file", persist_state="session"
        )
        if st.button(say("add"), key=f"{key}-add", type="primary"):
            _add(run, trials, name or DEFAULT_FILE)
        if st.button(say("look"), key=f"{key}-look", type="tertiary"):
            go("data", path=f"{FOLDER}/{clean_name(name or DEFAULT_FILE)}")


def _add(run: RunDirectory, trials: list[int], name: str) -> None:
    try:
        kept = keep_samples(run, trials, Path.cwd() / FOLDER / clean_name(name))
    except PromptlabError as error:
        failed(error)
        return
    if kept.added:
        done(say("added", n=kept.added, file=kept.path.name))
    else:
        noted(say("known", file=kept.path.name))
