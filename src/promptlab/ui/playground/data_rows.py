"""Where the variables' values come from: a row of a data set, one on, one back, or any."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.datasets import SplitName
from promptlab.playground import RowSource, read_looks, row_sources
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.playground.choosing import escaped_label
from promptlab.ui.playground.editor import fill_from_row
from promptlab.ui.playground.session import Session, session, working_folder
from promptlab.ui.shown import escaped, failed

say = Texts(
    source=("Rows from", "数据来源"),
    by_hand=("typed by hand", "手动填写"),
    split=("Split", "划分"),
    test_too=("Show test rows", "允许查看测试集"),
    test_why=(
        "Reported numbers come from the test split. Each look at one of its samples is counted, and later "
        "comparisons on these samples say so.",
        "最终报告的数字来自测试集。每次查看测试样本都会被记录，之后在这些样本上的比较会注明这一点。",
    ),
    back=("Previous", "上一行"),
    next=("Next", "下一行"),
    random=("Random", "随机"),
    place=("Row {at:,} of {size:,} · {id}", "第 {at:,} 行，共 {size:,} 行 · {id}"),
    empty=("This split has no rows.", "该划分没有数据。"),
    target=("Target: {text}", "标准答案：{text}"),
    looked=("Looks at test samples so far: {n:,}", "已查看测试样本的次数：{n:,}"),
    columns=("Columns for the prompt: {names}", "可用于提示词的列：{names}"),
)
SHOWN_CHARS = 300
_SPLITS: tuple[SplitName, ...] = ("dev", "train")


@st.cache_data(ttl=20, show_spinner=False)
def sources_in(folder: Path) -> list[RowSource]:
    """The data sets of the project. `clear()` it when a file was written."""
    return row_sources(folder)


def choose_row(variables: list[str]) -> None:
    """The data set, the split, and the place in it."""
    here = session()
    sources = {each.label: each for each in sources_in(working_folder())}
    st.selectbox(
        say("source"),
        ["", *sources],
        format_func=lambda label: escaped_label(label) if label else say("by_hand"),
        key="row-source",
        on_change=_take,
        args=(sources, variables),
        persist_state="session",
    )
    if error := st.session_state.pop("row-error", None):
        failed(error)
    cursor = here.cursor
    if cursor is None:
        return
    test = st.checkbox(say("test_too"), key="row-test", help=say("test_why"), persist_state="session")
    if not test and cursor.split == "test":
        cursor.split, cursor.position = "dev", 0
        st.session_state.pop("row-split", None)
    st.segmented_control(
        say("split"),
        [*_SPLITS, "test"] if test else _SPLITS,
        default=cursor.split,
        required=True,
        key="row-split",
        label_visibility="collapsed",
        on_change=_split,
        args=(variables,),
    )
    with st.container(horizontal=True, key="row-moves"):
        st.button(say("back"), key="row-back", on_click=_move, args=(-1, variables))
        st.button(say("next"), key="row-next", on_click=_move, args=(1, variables))
        st.button(say("random"), key="row-random", on_click=_move, args=(None, variables))
    _tell(here)


def _tell(here: Session) -> None:
    cursor, sample = here.cursor, here.sample
    if cursor is None or sample is None:
        st.caption(say("empty"))
        return
    at = cursor.position % cursor.size + 1
    told = [say("place", at=at, size=cursor.size, id=escaped(sample.id))]
    if sample.targets:
        target = " | ".join(sample.targets)
        told.append(say("target", text=escaped(_cut(target))))
    told.append(say("columns", names=escaped(_cut(", ".join(cursor.dataset.columns)))))
    if cursor.split == "test":
        told.append(say("looked", n=read_looks(home(), "test").total))
    st.caption("  \n".join(told))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def _take(sources: dict[str, RowSource], variables: list[str]) -> None:
    label = st.session_state["row-source"]
    source = sources.get(label)
    try:
        session().take(source)
    except PromptlabError as error:
        st.session_state["row-error"] = str(error)
        return
    st.session_state.pop("row-split", None)
    if source is not None:
        _begin(source)
        fill_from_row(session(), _variables_now() or variables)


def _begin(source: RowSource) -> None:
    """An experiment's own prompt comes along, where the editor holds none of its columns."""
    st.session_state["answer-type"] = source.answer.value
    st.session_state["answer-labels"] = source.labels
    here = session()
    loaded = source.experiment
    if loaded is None or here.cursor is None:
        return
    task = loaded.spec.task
    if task.prompt is not None and not set(_variables_now()) & set(here.cursor.dataset.columns):
        st.session_state["prompt-text"] = task.prompt
        st.session_state["prompt-system"] = task.system or ""
        st.session_state["prompt-instruction"] = task.answer_instruction


def _variables_now() -> list[str]:
    """Those of the prompt as it stands in the fields."""
    from promptlab.playground import Prompt

    state = st.session_state
    prompt = Prompt(
        state.get("prompt-text") or "",
        state.get("prompt-system") or "",
        state.get("prompt-instruction") or "",
    )
    try:
        return prompt.variables()
    except PromptlabError:
        return []


def _split(variables: list[str]) -> None:
    cursor = session().cursor
    if cursor is not None:
        cursor.split, cursor.position = st.session_state["row-split"], 0
        fill_from_row(session(), variables)


def _move(steps: int | None, variables: list[str]) -> None:
    cursor = session().cursor
    if cursor is None:
        return
    if steps is None:
        cursor.jump()
    else:
        cursor.move(steps)
    fill_from_row(session(), variables)
