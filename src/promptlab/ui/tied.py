"""A widget tied to a value that is kept elsewhere: in the address, in a file's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st


def tied(key: str, value: Any, chosen: Callable[[Any], None]) -> dict[str, Any]:
    """Arguments for a widget that shows `value` and tells `chosen` what a person chose instead.

    Somebody quick is ahead of the page, and must lose nothing by it:
    - What is typed while an earlier choice is being drawn stays: the widget is set only where it shows
      something else than `value`.
    - A drawing that is overtaken never arrives, and a widget that was not set would pass for an emptied one:
      it is set until the browser has confirmed it (`persist_state`).
    - A callback that is overtaken breaks off: what it did not tell is told at the next drawing, known by what
      the widget showed last. What it showed already is nobody's choice, though Streamlit reports a widget
      that has just left the page as changed.
    """
    shown = f"{key}-shown"

    def told() -> None:
        found = st.session_state[key]
        if found != st.session_state.get(shown):
            chosen(found)
            st.session_state[shown] = found

    known = key in st.session_state
    if known and shown in st.session_state and st.session_state[key] != st.session_state[shown]:
        told()
        st.rerun()
    if not known or st.session_state[key] != value:
        st.session_state[key] = value
    st.session_state[shown] = value
    return {"key": key, "on_change": told, "persist_state": "session"}
