"""A part that folds away under a line that says what stands in it."""

from __future__ import annotations

from typing import Any

import streamlit as st


def folding(title: str, key: str, *, at_first: bool = False) -> Any:
    """An expander that stays as it was when its title changes. Look at `.open` before filling it.

    `title` is Markdown. Streamlit takes an expander with another title for another one, and folds it.
    """
    kept = f"open-{key}"
    st.session_state[key] = st.session_state.setdefault(kept, at_first)
    return st.expander(title, key=key, on_change=_toggled, args=(key, kept))


def _toggled(key: str, kept: str) -> None:
    st.session_state[kept] = st.session_state[key]
