"""The providers: which have a key, where it was found, what else runs on this machine."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.loop import run_sync
from promptlab.models import resolve, usable
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.models.keys import key_form
from promptlab.ui.models.testing import try_button
from promptlab.ui.shown import escaped

say = Texts(
    ready=("Ready: {names}", "可用：{names}"),
    none_ready=(
        "No provider has a key yet. Type one below, or use a local model, which needs none.",
        "还没有服务商的密钥。可在下方填写，也可使用无需密钥的本地模型。",
    ),
    provider=("Provider", "服务商"),
    usable=("Usable", "可用"),
    key=("Key", "密钥"),
    address=("Address", "地址"),
    none=("not set ({variable})", "未设置 ({variable})"),
    own=("credentials of its own", "使用该平台自带的凭据"),
    servers=("On this machine", "本机服务"),
    server=("Server", "服务"),
    models=("Models", "模型"),
    trouble=("State", "状态"),
    running=("running", "运行中"),
    down=("not running", "未运行"),
    look_again=("Look again", "重新检测"),
    all=("All providers", "全部服务商"),
    test=("Test a connection", "测试连接"),
    test_help=(
        "One tiny request (“Say hello.”), past the cache. It costs a few tokens.",
        "发送一次极短的请求（“Say hello.”），不经过缓存，只花费少量 token。",
    ),
    model=("Model", "模型"),
    which=("PROVIDER/MODEL, as in openai/gpt-4o-mini", "服务商/模型，例如 openai/gpt-4o-mini"),
)
_SERVERS = "models-servers"


def show_providers() -> None:
    """What is usable, a key to add, a model to try."""
    accounts = usable.accounts()
    ready = [each.provider for each in accounts if each.key_source]
    st.text(say("ready", names=", ".join(ready)) if ready else say("none_ready"))
    left, right = st.columns(2)
    with left:
        key_form({each.variables[0]: each.provider for each in accounts if each.variables})
    with right, st.container(border=True):
        st.markdown(f"**{say('test')}**")
        st.caption(say("test_help"))
        id = st.text_input(say("model"), key="test-model", placeholder=say("which"), persist_state="session")
        try_button("provider", lambda: resolve(id.strip()), disabled=not id.strip())
    _servers()
    st.caption(say("all"))
    st.dataframe(
        [
            {
                say("provider"): f"{each.provider}/…",
                say("usable"): bool(each.key_source),
                say("key"): _key(each),
                say("address"): each.address,
            }
            for each in accounts
        ],
        key="providers",
        hide_index=True,
        height=420,
    )


def _key(account: usable.Account) -> str:
    if account.key_source:
        return account.key_source
    return say("none", variable=account.variables[0]) if account.variables else say("own")


def _servers() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say("servers"))
        if (
            st.button(say("look_again"), key="servers-again", type="tertiary")
            or _SERVERS not in st.session_state
        ):
            st.session_state[_SERVERS] = run_sync(usable.servers())
    st.dataframe(
        [
            {
                say("server"): f"{each.provider}/…",
                say("trouble"): _state(each),
                say("models"): ", ".join(each.models),
                say("address"): each.address,
            }
            for each in st.session_state[_SERVERS]
        ],
        key="servers",
        hide_index=True,
    )


def _state(server: usable.Server) -> str:
    if not server.trouble:
        return say("running")
    return say("down") if server.trouble == "not running" else escaped(in_chosen(server.trouble))
