"""How a file is to be read, where a guess is not enough: encoding, delimiter, names of columns, records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.datasets.spec import TEXT_KINDS
from promptlab.ui.language import Texts

say = Texts(
    title=("How it is read", "读取方式"),
    encoding=("Encoding", "编码"),
    encoding_help=("As in gb18030; utf-8 needs no saying.", "例如 gb18030；utf-8 无需填写。"),
    delimiter=("Delimiter", "分隔符"),
    delimiter_help=("Between the cells, if no comma.", "单元格之间的分隔符，逗号无需填写。"),
    columns=("Names of the columns, if no header line says them", "列名（文件没有表头行时填写）"),
    columns_help=("Separated by commas.", "用逗号分隔。"),
    records=("Key of the records, or the sheet", "记录所在的键，或工作表名"),
)


def reading_widgets(path: Path, mark: str, guessed: dict[str, Any], *, visible: bool) -> dict[str, Any]:
    """The spec's keys that say how the file is read: as guessed, unless somebody changed them."""
    kind = TEXT_KINDS.get(path.suffix.lower(), path.suffix.lower().removeprefix("."))
    offered = {
        "csv": ("encoding", "delimiter", "columns"),
        "tsv": ("encoding", "columns"),
        "jsonl": ("encoding",),
        "json": ("encoding", "records"),
        "xlsx": ("records", "columns"),
        "xlsm": ("records", "columns"),
    }.get(kind, ())
    defaults = {**guessed, "columns": ", ".join(guessed.get("columns", ()))}
    for name in offered:
        st.session_state.setdefault(f"read-{name}-{mark}", defaults.get(name, ""))
    if visible and offered:
        with st.expander(say("title"), key="data-reading"):
            for name, column in zip(offered, st.columns(len(offered)), strict=True):
                with column:
                    st.text_input(
                        say(name),
                        key=f"read-{name}-{mark}",
                        help=say(f"{name}_help") if f"{name}_help" in say.texts else None,
                        persist_state="session",
                    )
    said = {name: str(st.session_state.get(f"read-{name}-{mark}") or "") for name in offered}
    keys: dict[str, Any] = {
        name: said[name].strip() or said[name]
        for name in ("encoding", "delimiter", "records")
        if said.get(name)
    }
    if names := [each.strip() for each in said.get("columns", "").split(",") if each.strip()]:
        keys |= {"header": False, "columns": names}
    return keys
