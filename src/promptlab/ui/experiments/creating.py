"""A new experiment: from the starter, from a shipped example, or from a data file."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.experiment.editing import set_value
from promptlab.experiment.starter import STARTER, draft_text, starter_text, write_starter_data
from promptlab.runs.known import FOLDER
from promptlab.ui.language import Texts
from promptlab.ui.shown import escaped, failed

DATA_ENDINGS = (".jsonl", ".csv", ".tsv", ".json", ".parquet", ".xlsx")
MOST_FILES = 500

say = Texts(
    title=("New experiment", "新建实验"),
    back=("All experiments", "全部实验"),
    source=("Start from", "起点"),
    starter=("the starter: capitals of countries, on the embedded model", "入门模板：各国首都，使用内置模型"),
    name=("Name of the experiment", "实验名称"),
    create=("Create", "新建"),
    where=("Its file will be {path}.", "文件将保存为 {path}。"),
    there=("{path} is there already.", "{path} 已存在。"),
    there_remedy=("Choose another name.", "请换一个名称。"),
    nameless=("an experiment needs a name.", "实验需要名称。"),
)


def create(new: str) -> None:
    """`new`: `starter`, or the path of a data file, which is chosen at first."""
    if st.button(say("back"), key="back", type="tertiary", icon=":material/arrow_back:"):
        st.query_params.clear()
        st.rerun()
    st.title(say("title"))
    folder = Path.cwd()
    options = [STARTER, *data_files(folder)]
    if new not in options and Path(new).suffix in DATA_ENDINGS and Path(new).is_file():
        options.append(new)
    source = st.selectbox(
        say("source"),
        options,
        index=options.index(new) if new in options else 0,
        format_func=lambda each: say("starter") if each == STARTER else each,
        key="source",
        width=640,
    )
    name = st.text_input(say("name"), key="new-name", width=640, placeholder=Path(source).stem)
    name = name.strip() or Path(source).stem
    path = folder / FOLDER / f"{_file_name(name)}.yaml"
    st.caption(escaped(say("where", path=path.relative_to(folder).as_posix())))
    if st.button(say("create"), key="create", type="primary"):
        try:
            _write(source, name, path)
        except PromptlabError as error:
            failed(error)
            return
        st.query_params.clear()
        st.query_params["file"] = str(path)
        st.rerun()


def _write(source: str, name: str, path: Path) -> None:
    if path.exists():
        raise UsageError(say("there", path=path.name), remedy=say("there_remedy"))
    text = starter_text() if source == STARTER else draft_text(Path(source), path)
    text = set_value(text, ("name",), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    if source == STARTER:
        write_starter_data(path.parent)


def data_files(folder: Path) -> list[str]:
    """What could be data in the working folder and the folders in it, hidden ones left out."""
    found: list[str] = []
    for place in (
        folder,
        *(each for each in sorted(folder.iterdir()) if each.is_dir() and each.name[0] != "."),
    ):
        found += [
            str(each.relative_to(folder))
            for each in sorted(place.iterdir())
            if each.suffix in DATA_ENDINGS and each.is_file()
        ]
    return found[:MOST_FILES]


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "experiment"
