"""Models and keys: what can be used here and why not, endpoints, local models, and a test of each."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.ui.language import Texts
from promptlab.ui.models.endpoints import show_endpoints
from promptlab.ui.models.local import show_local
from promptlab.ui.models.providers import show_providers
from promptlab.ui.shown import failed

say = Texts(
    title=("Models and keys", "模型与密钥"),
    view=("View", "视图"),
    providers=("Providers", "服务商"),
    endpoints=("Endpoints", "自定义接口"),
    local=("Local models", "本地模型"),
)
_ASKED = "models-asked"  # the address's view that was chosen last: another one is a link that was followed
_VIEWS = {"providers": show_providers, "endpoints": show_endpoints, "local": show_local}


def page() -> None:
    """One of the three views."""
    st.title(say("title"), anchor=False)
    asked = st.query_params.get("view")
    if asked in _VIEWS and asked != st.session_state.get(_ASKED):
        st.session_state["view"] = asked
    st.session_state.setdefault("view", "providers")
    view = st.segmented_control(
        say("view"),
        list(_VIEWS),
        format_func=say,
        required=True,
        key="view",
        label_visibility="collapsed",
        persist_state="session",
    )
    st.query_params["view"] = st.session_state[_ASKED] = view or "providers"
    try:
        _VIEWS[view or "providers"]()
    except PromptlabError as error:
        failed(error)
