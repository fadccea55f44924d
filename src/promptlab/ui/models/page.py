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
    endpoints=("Endpoints", "自定义端点"),
    local=("Local models", "本地模型"),
)
_VIEWS = {"providers": show_providers, "endpoints": show_endpoints, "local": show_local}


def page() -> None:
    """One of the three views."""
    st.subheader(say("title"), anchor=False)
    view = st.segmented_control(
        say("view"),
        list(_VIEWS),
        format_func=say,
        default="providers",
        required=True,
        key="view",
        label_visibility="collapsed",
        bind="query-params",
    )
    try:
        _VIEWS[view or "providers"]()
    except PromptlabError as error:
        failed(error)
