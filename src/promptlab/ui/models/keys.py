"""A key is typed once and never shown again: it stays in the server's memory, or goes into the keyring."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.models.endpoints import VARIABLE
from promptlab.models.keys import held, hold, keep_in_keyring
from promptlab.ui.language import Texts
from promptlab.ui.shown import done, escaped, failed

say = Texts(
    title=("Add a key", "添加密钥"),
    why=(
        "Kept in this server's memory until it ends; never written to a file or shown again.",
        "仅保存在本服务的内存中，服务结束即消失；不写入文件，也不会再次显示。",
    ),
    variable=("Name of its variable", "密钥的变量名"),
    variable_help=(
        "Experiments name it under `api_key_env`; providers have one of their own.",
        "实验文件用 `api_key_env` 引用该名称；各服务商有自己的变量名。",
    ),
    choose=("Choose, or type a name", "选择，或直接输入变量名"),
    value=("Key", "密钥"),
    keyring=("Keep it in the system keyring too", "同时存入系统密钥环"),
    keep=("Keep", "保存"),
    kept=("The key of {variable} is held in memory.", "已在内存中保存 {variable} 的密钥。"),
    kept_ring=("The key of {variable} is in the system keyring.", "已将 {variable} 的密钥存入系统密钥环。"),
    empty=("Type the key.", "请填写密钥。"),
    no_variable=(
        "Choose or type the name of a variable, as in RELAY_KEY.",
        "请选择或填写变量名，例如 RELAY_KEY。",
    ),
    in_memory=("Held in memory: {names}", "内存中的密钥：{names}"),
    forget=("Forget", "清除"),
)
_VALUE = "key-value"
_MESSAGE = "key-message"


def key_form(variables: Mapping[str, str]) -> None:
    """The form. `variables`: the providers' names by their variables."""
    with st.form("key-form", clear_on_submit=True):
        st.markdown(f"**{say('title')}**")
        st.caption(say("why"))
        st.selectbox(
            say("variable"),
            list(variables),
            index=None,
            format_func=lambda name: f"{name} ({variables[name]})" if name in variables else name,
            accept_new_options=True,
            placeholder=say("choose"),
            key="key-variable",
            help=say("variable_help"),
        )
        st.text_input(say("value"), type="password", key=_VALUE, autocomplete="new-password")
        st.checkbox(say("keyring"), key="key-keyring")
        st.form_submit_button(say("keep"), key="key-keep", type="primary", on_click=_submitted)
    tell()
    if names := sorted(held()):
        with st.container(horizontal=True, vertical_alignment="center", key="keys-held"):
            st.caption(say("in_memory", names=escaped(", ".join(names))))
            st.button(say("forget"), key="keys-forget", type="tertiary", on_click=_forget)


def taken(variable: str, value_key: str, *, keyring: bool) -> None:
    """Moves a typed key out of the session state: into memory, or also into the keyring. UsageError."""
    value = str(st.session_state.get(value_key) or "")
    st.session_state[value_key] = ""
    if not VARIABLE.fullmatch(variable):
        raise UsageError(say("no_variable"))
    if not value.strip():
        raise UsageError(say("empty"))
    hold(variable, value)
    if keyring:
        keep_in_keyring(variable, value)


def tell() -> None:
    """What the last form had to say."""
    message = st.session_state.pop(_MESSAGE, None)
    if isinstance(message, PromptlabError):
        failed(message)
    elif message:
        done(message)


def note(message: str | PromptlabError) -> None:
    """Is told when the page is drawn next."""
    st.session_state[_MESSAGE] = message


def _submitted() -> None:
    variable = str(st.session_state.get("key-variable") or "").strip()
    keyring = bool(st.session_state.get("key-keyring"))
    try:
        taken(variable, _VALUE, keyring=keyring)
    except PromptlabError as error:
        note(error)
    else:
        note(say("kept_ring" if keyring else "kept", variable=variable))


def _forget() -> None:
    for name in held():
        hold(name, "")
