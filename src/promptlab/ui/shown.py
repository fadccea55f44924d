"""Text from outside on a page: as text, never as HTML, and as Markdown only where somebody asked for it."""

from __future__ import annotations

import re

import streamlit as st

from promptlab.export import plain
from promptlab.ui.language import Texts, in_chosen

# What a browser lays out without strain; the whole text can be downloaded.
LONGEST_SHOWN = 20_000

# Within a word, `_` and `-` mark nothing: a label that is read out has no backslashes in its names.
_MARKS = re.compile(r"([\\`*{}\[\]()#+.!|<>$:~^=&@/]|(?<![^\W_])[_-]|[_-](?![^\W_]))")
_DIRECTIVE = re.compile(r":(?=[\w-]+\[|material/|streamlit:|[a-z0-9_+-]+:)")

say = Texts(
    cut=(
        "The first {shown:,} of {total:,} characters.",
        "仅显示前 {shown:,} 个字符，共 {total:,} 个。",
    ),
    whole=("Download the whole text", "下载全文"),
    empty=("(empty)", "（空）"),
)


def visible(text: str) -> str:
    r"""`text` line by line, with what would steer or reorder a line spelled out (`\u202e`)."""
    return "\n".join(plain(line.replace("\t", "    ")) for line in text.split("\n"))


def escaped(text: str) -> str:
    """`text` for where Streamlit reads Markdown (labels, captions, messages): shown as it is, on one line."""
    return _MARKS.sub(r"\\\1", plain(text))


def model_text(text: str, *, key: str, height: int | None = None) -> None:
    """What a model wrote (or a data file holds). `key`: unique on the page; `height`: pixels, else all."""
    shown = visible(text[:LONGEST_SHOWN])
    st.code(
        shown or say("empty"), language=None, wrap_lines=True, height="content" if height is None else height
    )
    if len(text) > LONGEST_SHOWN:
        st.caption(say("cut", shown=LONGEST_SHOWN, total=len(text)))
        st.download_button(
            say("whole"), text.encode(errors="replace"), "text.txt", "text/plain", key=f"{key}-whole"
        )


def model_markdown(text: str) -> None:
    """The same read as Markdown, for who asked: without images, HTML and Streamlit's own marks."""
    harmless = visible(text[:LONGEST_SHOWN]).replace("![", "!\\[").replace("<", "&lt;")
    st.markdown(_DIRECTIVE.sub(r"\\:", harmless))


def failed(error: Exception | str) -> None:
    """What went wrong and what to do, in red."""
    st.error(escaped(in_chosen(error)))


def noted(message: str) -> None:
    """Something to know."""
    st.info(escaped(in_chosen(message)))


def done(message: str) -> None:
    """Something that worked."""
    st.success(escaped(message))
