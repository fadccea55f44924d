"""The workbench: its pages, its language, who may enter. Each page has a folder of its own."""

from __future__ import annotations

import importlib
from pathlib import Path

import streamlit as st

from promptlab.ui.entering import may_enter, show_person
from promptlab.ui.language import Texts, choose_language
from promptlab.ui.place import go, guard_code, set_pages

say = Texts(
    playground=("Playground", "试验台"),
    experiments=("Experiments", "实验"),
    results=("Results", "结果"),
    rating=("Rating", "评分"),
    data=("Data sets", "数据集"),
    models=("Models and keys", "模型与密钥"),
)
LOOKS = Path(__file__).with_name("looks.html")
PAGES = ("playground", "experiments", "results", "rating", "data", "models")


def show(name: str) -> None:
    """That page; its module is imported when it is opened."""
    importlib.import_module(f"promptlab.ui.{name}.page").page()


def workbench() -> None:
    """One run of the script: the chosen page."""
    st.set_page_config(page_title="promptlab", layout="wide", initial_sidebar_state="auto")
    st.html(LOOKS)
    if not may_enter():
        with st.container(horizontal=True, horizontal_alignment="right", key="languages"):
            choose_language()
        return
    pages = {name: st.Page(_opener(name), title=say(name), url_path=name) for name in PAGES}
    set_pages(pages)
    # The default page has no address of its own, and each of ours is to be linked to.
    first = st.Page(lambda: go(PAGES[0]), title="promptlab", default=True, visibility="hidden")
    guard_code()
    chosen = st.navigation([first, *pages.values()], position="top")
    with st.container(horizontal=True, horizontal_alignment="right", key="languages"):
        show_person()
        choose_language()
    chosen.run()


def _opener(name: str):  # type: ignore[no-untyped-def]
    def open_page() -> None:
        show(name)

    open_page.__name__ = name
    return open_page


if __name__ == "__main__":  # Streamlit runs it so
    workbench()
