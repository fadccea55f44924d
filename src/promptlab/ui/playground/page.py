"""The page."""

from __future__ import annotations

import streamlit as st


def page() -> None:
    """Shows the page."""
    st.title("playground")
