"""From the mapped file to a commented experiment, as `promptlab init DATA` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.files import write_atomically
from promptlab.experiment.starter.drafting import DEFAULT_MODEL, checked, drafted
from promptlab.ui.data.mapping import Mapped
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import go, home
from promptlab.ui.shown import failed, noted

say = Texts(
    why=(
        "A commented experiment about this file: two ways to ask, one model. Change it as you like.",
        "为该文件生成带注释的实验：一个模型、两种提问方式，可随意修改。",
    ),
    name=("Name of the experiment", "实验名称"),
    model=("Model", "模型"),
    write=("Write the experiment", "写入实验文件"),
    wrote=("Written to {file}.", "已写入 {file}。"),
    open=("Open it", "打开实验"),
    there=("{file} is there already: give another name.", "{file} 已存在，请换一个名称。"),
    no_name=("Give the experiment a name.", "请填写实验名称。"),
    snippet=("Only the part about the data", "仅数据部分"),
    whole=("The whole file", "完整文件"),
)
_WRITTEN = "draft-written"


def draft_experiment(mapped: Mapped) -> None:
    """Shows the draft and writes it, beside the working folder's other files, never over one."""
    st.caption(say("why"))
    left, right = st.columns(2)
    with left:
        name = st.text_input(
            say("name"), mapped.path.stem, key=f"draft-name-{mapped.path.name}", max_chars=80
        )
    with right:
        model = st.text_input(say("model"), DEFAULT_MODEL, key="draft-model", persist_state="session")
    name, model = (name or "").strip(), (model or "").strip() or DEFAULT_MODEL
    if not name:
        noted(say("no_name"))
        return
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "experiment"
    path = Path.cwd() / f"{stem}.yaml"
    reading = mapped.reading if mapped.whole else {**mapped.reading, "limit": mapped.rows}
    try:
        draft, splits = drafted(
            mapped.path, path, mapped.columns, mapped.guess, reading=reading, model=model, name=name
        )
        notes = [splits, *checked(draft, path, home())]
    except PromptlabError as error:
        failed(error)
        return
    text = draft.text()
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(say("write"), key="draft-write", type="primary"):
            _write(path, text)
        if st.session_state.get(_WRITTEN) == str(path) and path.exists():
            st.text(say("wrote", file=path.name))
            if st.button(say("open"), key="draft-open"):
                go("experiments", file=str(path))
    for note in notes:
        st.text(in_chosen(note))
    st.caption(say("whole"))
    st.code(text, language="yaml", wrap_lines=True)
    with st.expander(say("snippet"), key="draft-snippet"):
        st.code("\n".join(draft.dataset_lines()).rstrip(), language="yaml", wrap_lines=True)


def _write(path: Path, text: str) -> None:
    if path.exists():
        failed(say("there", file=path.name))
        return
    try:
        write_atomically(path, text.encode())
    except PromptlabError as error:
        failed(error)
        return
    st.session_state[_WRITTEN] = str(path)
