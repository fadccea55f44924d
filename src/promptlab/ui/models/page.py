"""Models and keys: what can be used here and why not, endpoints, local models, and a test of each."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.ui.language import Texts
from promptlab.ui.models.endpoints import show_endpoints
from promptlab.ui.models.local import show_local
from promptlab.ui.models.providers import show_providers
from promptlab.ui.shown import failed
from promptlab.ui.tied import tied

say = Texts(
    title=("Models and keys", "模型与密钥"),
    view=("View", "视图"),
    providers=("Providers", "服务商"),
    endpoints=("Endpoints", "自定义接口"),
    local=("Local models", "本地模型"),
)
_LAST = "models-last"
_VIEWS = {"providers": show_providers, "endpoints": show_endpoints, "local": show_local}


def page() -> None:
    """One of the three views."""
    st.title(say("title"), anchor=False)
    asked = st.query_params.get("view", st.session_state.get(_LAST))
    view = asked if asked in _VIEWS else "providers"
    st.query_params["view"] = st.session_state[_LAST] = view
    st.segmented_control(
        say("view"),
        list(_VIEWS),
        format_func=say,
        required=True,
        label_visibility="collapsed",
        **tied("models-view", view, _show_view),
    )
    try:
        _VIEWS[view]()
    except PromptlabError as error:
        failed(error)


def _show_view(view: str) -> None:
    st.query_params["view"] = view
