"""The way in, where one is asked for: sign in, be refused, sign out. Nothing else is drawn before that."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from promptlab.basics.errors import UsageError
from promptlab.basics.sign_in import SignIn, sign_in
from promptlab.ui.guard import let_in, shut_out
from promptlab.ui.language import Texts
from promptlab.ui.shown import failed, visible

say = Texts(
    login=("Sign in", "登录"),
    login_why=("This workbench asks you to sign in.", "请先登录本工作台。"),
    logout=("Sign out", "退出登录"),
    refused=(
        "{email} may not use this workbench. Ask whoever runs it to add the address to allowed_emails.",
        "{email} 无权使用本工作台。请联系管理员将该邮箱加入 allowed_emails。",
    ),
    nobody=("This account", "该账号"),
    unreachable=(
        "The provider does not answer at {url}. Check auth.server_metadata_url and the network.",
        "登录服务 {url} 没有响应。请检查 auth.server_metadata_url 和网络。",
    ),
)
WAIT_S = 5.0


def may_enter() -> bool:
    """Whether this session may see pages and send files. Else the page of signing in is drawn."""
    entered = _enters()
    running = get_script_run_ctx()
    if running is not None:
        (let_in if entered else shut_out)(running.session_id)
    return entered


def _enters() -> bool:
    try:
        needed = sign_in(st.get_option("secrets.files"))
    except UsageError as error:  # who is to be let in cannot be told: nobody
        failed(error)
        return False
    if needed is None:
        return True
    person = _person()
    if person is not None and needed.lets_in(person):
        return True
    st.title("promptlab")
    if person is not None:
        failed(say("refused", email=str(person.get("email") or say("nobody"))))
        st.button(say("logout"), key="logout", on_click=st.logout)
        return False
    st.write(say("login_why"))
    if st.button(say("login"), key="login", type="primary"):
        _go(needed)
    return False


def show_person() -> None:
    """Who is signed in, and the way out. Nothing where nobody has to."""
    person = _person()
    if person is not None:
        with st.container(width="content", key="person"):
            st.text(visible(str(person.get("email") or "")))
        st.button(say("logout"), key="logout", type="tertiary", on_click=st.logout)


def _person() -> dict[str, Any] | None:
    """The claims of who signed in."""
    try:
        found: dict[str, Any] = st.user.to_dict()
    except AttributeError:
        return None
    return found if found.get("is_logged_in") is True else None


def _go(needed: SignIn) -> None:
    """To the provider, once it answers: its absence is told here, not on a blank page."""
    try:
        with urllib.request.urlopen(needed.metadata_url, timeout=WAIT_S) as answer:
            answer.read(1)
    except (OSError, HTTPException, ValueError):
        failed(say("unreachable", url=needed.metadata_url))
        return
    st.login()
