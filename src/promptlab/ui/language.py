"""The two languages of the workbench: every text stands in both, beside the page that shows it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.chinese import in_chinese
from promptlab.ui.streamlit_words import WORDS

LANGUAGES = {"en": "English", "zh": "中文"}
KEY = "language"
# What a screen reader reads the page in, and what the browser chooses Chinese or Japanese forms by.
_TAGS = {"en": "en", "zh": "zh-CN"}
_SCRIPT = Path(__file__).with_name("page_language.js")


class Texts:
    """A page's texts by name: `say("rows", n=3)` gives the one of the chosen language.

    Each is a pair (English, Chinese) with the same `{fields}` in both; tests/ui/test_language.py holds that.
    A format such as `{n:,}` is allowed. A KeyError names a text that does not exist.
    """

    def __init__(self, **texts: tuple[str, str]) -> None:
        self.texts = texts

    def __call__(self, name: str, **values: object) -> str:
        english, chinese = self.texts[name]
        text = chinese if language() == "zh" else english
        return text.format(**values) if values else text


placeholders = Texts(
    one=("Choose", "请选择"),
    several=("Choose", "请选择（可多选）"),
    or_type=("Choose or type", "选择或直接输入"),
)
"""What stands in a list from which nothing is chosen yet; Streamlit's own is English."""


def language() -> str:
    """`en` or `zh`: what was chosen, else what the browser asks for."""
    chosen = st.session_state.get(KEY)
    return chosen if chosen in LANGUAGES else _of_the_browser()


def in_chosen(text: object) -> str:
    """What the core says (a note, an error, also a stored one), in the chosen language where it is known."""
    return in_chinese(str(text)) if language() == "zh" else str(text)


def choose_language() -> None:
    """The switch. What was typed and chosen on the page stays: widgets are known by their keys."""
    st.session_state.setdefault(KEY, _of_the_browser())
    st.segmented_control(
        "Language / 语言",
        list(LANGUAGES),
        format_func=lambda code: LANGUAGES[code],
        key=KEY,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        on_change=_tell_choices,
    )
    _teller()(key="page-language", data=_TAGS[language()])


@cache
def _teller() -> Any:
    """Tells the browser the page's language, which Streamlit's own words are then in."""
    script = f"const WORDS = {json.dumps(WORDS)};\n{_SCRIPT.read_text('utf-8')}"
    return st.components.v2.component("promptlab_language", js=script)


def _tell_choices() -> None:
    """The browser knows what was chosen by its words, which are others now: it is told all choices anew."""
    for key, value in list(st.session_state.items()):
        if key != KEY and _may_be_chosen(value):
            st.session_state[key] = value


def _may_be_chosen(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_may_be_chosen, value))
    if isinstance(value, bool):  # a button's
        return False
    return isinstance(value, str | int | Path)


def _of_the_browser() -> str:
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
