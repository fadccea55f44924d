"""What is looked at stands in the address alone: a link to any view shows the same to who opens it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from promptlab.ui.tied import tied

_LAST = "results-last"
# Which parts of an address mean nothing any more once another one changes.
_OF_A_RUN = ("dataset", "variant", "model", "columns", "sample", "trial", "a", "b", "q", "page", "filter")
_DEPENDENT = {
    "run": (*_OF_A_RUN, "scorer", "against"),
    "dataset": ("sample", "trial", "page", "variant", "model", "columns"),
    "variant": ("page", "sample", "trial", "columns"),
    "model": ("page", "sample", "trial", "columns"),
    "columns": ("page",),
    "filter": ("page",),
    "q": ("page",),
    "sort": ("page",),
    "scorer": ("page",),
    "a": ("page",),
    "b": ("page",),
    "view": ("sample", "trial"),
    "sample": ("trial",),
}


def asked(name: str, default: str = "") -> str:
    """What the address says."""
    return str(st.query_params.get(name, default))


def asked_all(name: str) -> list[str]:
    """All that the address says under a name that may be there several times."""
    return list(st.query_params.get_all(name))


def chosen(name: str, options: Sequence[str], default: str = "") -> str:
    """The same, if it is one of these; a link may be old."""
    found = asked(name)
    return found if found in options else default


def move(**values: str | Sequence[str] | None) -> None:
    """Writes these into the address; None and "" take one out, and what depended on it."""
    place = {name: st.query_params.get_all(name) for name in st.query_params}
    for name, value in values.items():
        for other in _DEPENDENT.get(name, ()):
            if other not in values:
                place.pop(other, None)
        if value:
            place[name] = [value] if isinstance(value, str) else list(value)
        else:
            place.pop(name, None)
    st.query_params.from_dict(place)  # at once: one step back in the browser takes all of it back


def bound(name: str, value: Any, *, key: str | None = None, leave_out: str = "") -> dict[str, Any]:
    """Arguments for a widget that shows `value` and writes what is chosen into the address.

    `leave_out` is the value that needs no mention there.
    """

    def keep(found: Any) -> None:
        move(**{name: None if found == leave_out else str(found) if isinstance(found, int) else found})

    return tied(key or f"results-{name}", value, keep)


def remembered() -> None:
    """Back on this page from another one, one stands where one was."""
    if not st.query_params and st.session_state.get(_LAST):
        st.query_params.from_dict(st.session_state[_LAST])
    else:
        st.session_state[_LAST] = {name: st.query_params.get_all(name) for name in st.query_params}


def follow(told: str | None, *ways: tuple[str, Callable[[str], None]]) -> None:
    """Does what a pressed button of a grid told, `WAY:REST`, and shows the page anew."""
    if told is None:
        return
    name, _, rest = told.partition(":")
    dict(ways)[name](rest)
    st.rerun()
