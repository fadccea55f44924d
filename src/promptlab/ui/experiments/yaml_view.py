"""The experiment as the text that it is."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.errors import ExperimentError
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.experiments.form import mistakes
from promptlab.ui.language import Texts
from promptlab.ui.shown import done, failed
from promptlab.ui.tied import tied

_LINE_PX = 22

say = Texts(
    text=("Experiment file", "实验文件"),
    leave=(
        "Changes are taken over when you leave the field or press Ctrl+Enter.",
        "离开输入框或按 Ctrl+Enter 后修改生效。",
    ),
    sound=("The file is sound in itself.", "文件本身没有错误。"),
)


def yaml_view(draft: Draft) -> None:
    """The same text that the form edits, comments and all."""
    text = draft.text
    lines = text.count("\n") + 3
    st.text_area(
        say("text"),
        height=min(max(lines, 12), 45) * _LINE_PX,
        help=say("leave"),
        **tied("yaml", text, draft.write),
    )
    try:
        found = mistakes(draft)
    except ExperimentError as error:
        found = [error]
    for each in found:
        failed(each)
    if not found:
        done(say("sound"))
