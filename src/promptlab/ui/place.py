"""Where the workbench stands: its folder, what it may run, and its pages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import streamlit as st

from promptlab.basics.home import open_home
from promptlab.basics.registry import refuse_own_code

ALLOW_CODE = "--allow-code"
_PAGES = "pages"


def home() -> Path:
    """PROMPTLAB_HOME, as the command line finds it from the folder where the workbench was started."""
    return open_home()


def allows_code() -> bool:
    """Whether Python files that an experiment names may be run from here: only if it was started so."""
    return ALLOW_CODE in sys.argv[1:]


def guard_code() -> None:
    """Keeps this process from loading Python files that an experiment names, unless it was started so."""
    if not allows_code():
        refuse_own_code("Start the workbench with `promptlab ui --allow-code`, if you trust that file.")


def set_pages(pages: dict[str, st.Page]) -> None:
    """Remembers the pages of this session by name, for `go`."""
    st.session_state[_PAGES] = pages


def go(page: str, **params: str) -> NoReturn:
    """Opens another page with these query parameters: `go("results", run="quickstart-…")`."""
    st.switch_page(st.session_state[_PAGES][page], query_params=params)
    raise AssertionError("switch_page does not return")
