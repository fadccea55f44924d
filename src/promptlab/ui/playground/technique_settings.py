"""The settings of a technique that is tried by hand: the same form as in an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.experiment.checking import mistakes_of_settings
from promptlab.experiment.form import own_settings, settings_of
from promptlab.experiment.own_code import own_code
from promptlab.experiment.yaml_lines import Path_, parse_document
from promptlab.ui.form.folding import folding
from promptlab.ui.form.groups import MOST_OWN, show_fields
from promptlab.ui.form.labels import in_short
from promptlab.ui.form.sheet import PROBLEM, Sheet
from promptlab.ui.language import Texts
from promptlab.ui.place import allows_code
from promptlab.ui.shown import escaped, failed

COLUMNS = 2
_ENTRY: Path_ = ("variants", 0)

say = Texts(
    settings=("**{label}**: {told}", "**{label}**：{told}"),
    usual=("default settings", "默认设置"),
    own_code=(
        "A technique from a Python file is not run from here. Start the workbench with --allow-code.",
        "此处不运行来自 Python 文件的技术。请用 --allow-code 启动工作台。",
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one technique in this tab, as the text of a variant that would be written of them."""

    name: str

    @property
    def text(self) -> str:
        found: str = st.session_state.get(self._key, f"variants:\n  - technique: {self.name}\n")
        return found

    def write(self, text: str) -> None:
        st.session_state[self._key] = text

    @property
    def _key(self) -> str:
        return f"settings-text-{self.name}"


def show_settings(name: str) -> Mapping[str, Any]:
    """The form, folded with what is set in one line; what is set as a mapping."""
    source = Settings(name)
    document = parse_document(source.text, name)
    entry = document.value["variants"][0]
    settings = {key: value for key, value in entry.items() if key != "technique"}
    mistakes: list[PromptlabError] = [UsageError(say("own_code"))]
    if allows_code() or not any(own_code(settings)):
        mistakes = [*mistakes_of_settings(name, settings, document, _ENTRY, Path.cwd())]
    told = in_short(settings) if settings else say("usual")
    title = say("settings", label=escaped(name), told=escaped(told))
    part = folding(title, f"settings-{name}")
    sheet = Sheet(source, document.value, mistakes, columns=COLUMNS, prefix=f"set-{name}", with_lines=False)
    if part.open:
        with part:
            first = (*own_settings("technique", name)[:MOST_OWN], "demos")
            show_fields(sheet, _ENTRY, settings_of("technique", name), first)
    if (problem := st.session_state.pop(PROBLEM, None)) is not None:
        failed(problem)
    for each in mistakes:
        if each not in sheet.told:
            failed(each)
    return settings
