"""Endpoints: relays and servers by address, the variable of their key, their models, their prices."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.loop import run_sync
from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint
from promptlab.models.keys import find_key
from promptlab.models.price_list import ListedPrice
from promptlab.ui.language import Texts, in_chosen, placeholders
from promptlab.ui.models.keys import note, taken, tell
from promptlab.ui.models.prices import show_prices
from promptlab.ui.models.testing import try_button
from promptlab.ui.place import home
from promptlab.ui.shown import escaped, failed

say = Texts(
    why=(
        "A relay or a server of your own that speaks the OpenAI protocol. Of its key only the variable's "
        "name is stored, in {file}.",
        "兼容 OpenAI 协议的中转站或自建服务。{file} 中只保存密钥的变量名，不保存密钥。",
    ),
    endpoint=("Endpoint", "接口"),
    new=("Add an endpoint", "添加接口"),
    change=("Address and key", "地址与密钥"),
    name=("Name", "名称"),
    address=("Base address", "接口地址"),
    variable=("Name of the key's variable", "密钥的变量名"),
    variable_help=("As in RELAY_KEY. Empty: it wants no key.", "例如 RELAY_KEY。留空表示不需要密钥。"),
    key=("Key (stays in this server's memory)", "密钥（仅保存在本服务内存中）"),
    key_help=("Leave it empty to use the key that is set already.", "留空则使用已设置的密钥。"),
    keyring=("Keep it in the system keyring too", "同时存入系统密钥环"),
    save=("Save and fetch its models", "保存并获取模型列表"),
    saved=("{endpoint} is saved. Models: {n:,}.", "已保存 {endpoint}，共 {n:,} 个模型。"),
    saved_without=(
        "{endpoint} is saved, but its list of models could not be fetched: {why}",
        "已保存 {endpoint}，但未能获取模型列表：{why}",
    ),
    fetch=("Fetch the list again", "重新获取列表"),
    remove=("Remove", "移除"),
    key_from=("{address}; key: {source}", "{address}；密钥：{source}"),
    key_none=("{address}; no key found for {variable}", "{address}；未找到 {variable} 的密钥"),
    no_key=("{address}; without a key", "{address}；不使用密钥"),
    models=("Models ({n:,})", "模型（{n:,} 个）"),
    no_models=(
        "Its models are not known yet: fetch the list, or type a model's name.",
        "尚不清楚有哪些模型：请获取列表，或直接填写模型名。",
    ),
    model=("Model", "模型"),
    yaml=("For the experiment file", "写入实验文件"),
)
_NEW = ""


def show_endpoints() -> None:
    """The chosen endpoint, or the form for a new one."""
    st.caption(say("why", file=escaped(str(home() / endpoints.FILE))))
    known = {each.name: each for each in endpoints.load(home())}
    tell()
    chosen = _NEW
    if known:
        chosen = st.selectbox(
            say("endpoint"),
            [*known, _NEW],
            format_func=lambda name: name or say("new"),
            key="endpoint",
            persist_state="session",
        )
    if chosen not in known:
        _form(None)
        return
    endpoint = known[chosen]
    _facts(endpoint)
    _model(endpoint)
    with st.expander(say("change"), key="endpoint-change"):
        _form(endpoint)
    show_prices(endpoint)


def _form(old: Endpoint | None) -> None:
    mark = old.name if old else "new"
    with st.form("endpoint-form", border=old is None):
        if old is None:
            st.markdown(f"**{say('new')}**")
            st.text_input(say("name"), key="endpoint-name", max_chars=80)
        st.text_input(
            say("address"),
            old.api_base if old else "",
            key=f"endpoint-address-{mark}" if old else "endpoint-address",
            placeholder="https://HOST/v1",
        )
        st.text_input(
            say("variable"),
            old.key_env if old else "",
            key=f"endpoint-variable-{mark}" if old else "endpoint-variable",
            help=say("variable_help"),
        )
        st.text_input(
            say("key"), type="password", key="endpoint-key", autocomplete="new-password", help=say("key_help")
        )
        st.checkbox(say("keyring"), key="endpoint-keyring")
        st.form_submit_button(say("save"), key="endpoint-save", type="primary", on_click=_save, args=(old,))


def _save(old: Endpoint | None) -> None:
    state = st.session_state
    suffix = f"-{old.name}" if old else ""
    try:
        endpoint = Endpoint(
            old.name if old else str(state["endpoint-name"]).strip(),
            str(state[f"endpoint-address{suffix}"]).strip(),
            str(state[f"endpoint-variable{suffix}"]).strip(),
            old.models if old else (),
            old.prices if old else {},
        )
        if state["endpoint-key"]:
            taken(endpoint.key_env, "endpoint-key", keyring=bool(state["endpoint-keyring"]))
    except PromptlabError as error:
        note(error)
        return
    finally:
        state["endpoint-key"] = ""
    _fetch(endpoint)


def _fetch(endpoint: Endpoint) -> None:
    """Asks for its models and keeps it, with them or without. New prices of its own are taken along."""
    try:
        offers = run_sync(endpoints.offered(endpoint))
    except PromptlabError as error:
        endpoints.keep(home(), endpoint)
        note(say("saved_without", endpoint=endpoint.name, why=in_chosen(error)))
    else:
        listed = {
            each.id: ListedPrice.of(each.id, each.price)
            for each in offers
            if each.price is not None and not endpoint.has_list_prices
        }
        known = replace(
            endpoint, models=tuple(each.id for each in offers), prices={**listed, **endpoint.prices}
        )
        endpoints.keep(home(), known)
        note(say("saved", endpoint=endpoint.name, n=len(offers)))
    st.session_state["endpoint"] = endpoint.name


def _facts(endpoint: Endpoint) -> None:
    found = find_key(endpoint.key_env) if endpoint.key_env else None
    address = endpoint.api_base
    if not endpoint.key_env:
        told = say("no_key", address=address)
    elif found is None:
        told = say("key_none", address=address, variable=endpoint.key_env)
    else:
        told = say("key_from", address=address, source=in_chosen(found.source))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(told)
        st.button(say("fetch"), key="endpoint-fetch", type="tertiary", on_click=_fetch, args=(endpoint,))
        st.button(say("remove"), key="endpoint-remove", type="tertiary", on_click=_remove, args=(endpoint,))


def _remove(endpoint: Endpoint) -> None:
    try:
        endpoints.remove(home(), endpoint.name)
    except PromptlabError as error:
        note(error)
    st.session_state.pop("endpoint", None)


def _model(endpoint: Endpoint) -> None:
    if not endpoint.models:
        st.caption(say("no_models"))
    model = st.selectbox(
        say("models", n=len(endpoint.models)),
        list(endpoint.models),
        key=f"endpoint-model-{endpoint.name}",
        accept_new_options=True,
        placeholder=placeholders("or_type"),
    )
    if not model:
        return
    try_button("endpoint", lambda: endpoint.model(model))
    st.caption(say("yaml"))
    try:
        entry = json.dumps(endpoint.entry(model), ensure_ascii=False)
        st.code(f"models:\n  - {entry}", language="yaml", wrap_lines=True)
    except PromptlabError as error:
        failed(error)
