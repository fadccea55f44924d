"""A part that folds away under a line that says what stands in it."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st


def folding(title: str, key: str, *, at_first: bool = False) -> Any:
    """An expander that stays as it was when its title changes. Look at `.open` before filling it.

    `title` is Markdown. Streamlit takes an expander with another title for another one, and folds it.
    """
    kept = f"open-{key}"
    st.session_state[key] = st.session_state.setdefault(kept, at_first)
    return st.expander(title, key=key, on_change=_toggled, args=(key, kept))


def exchange_open(one: str, other: str) -> None:
    """What stands open goes along where two entries of a list change places; each is named as in the keys."""
    places = {one: other, other: one}
    named = re.compile(rf"(open-.*-)({re.escape(one)}|{re.escape(other)})(-.*)?")
    found = [match for key in list(st.session_state) if (match := named.fullmatch(str(key)))]
    kept = [(match, st.session_state.pop(match[0])) for match in found]
    for match, is_open in kept:
        st.session_state[f"{match[1]}{places[match[2]]}{match[3] or ''}"] = is_open


def _toggled(key: str, kept: str) -> None:
    st.session_state[kept] = st.session_state[key]
