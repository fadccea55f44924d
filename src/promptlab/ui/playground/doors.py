"""Three ways to a first model: the embedded one, a provider's key, a relay."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.basics.loop import submit
from promptlab.models import endpoints, weights
from promptlab.models.endpoints import Endpoint
from promptlab.models.keys import find_key, hold, keep_in_keyring
from promptlab.playground import KEY_OFFERS, KeyOffer, can_run_local
from promptlab.playground.reach import EMBEDDED
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.shown import failed, noted

say = Texts(
    welcome=("Choose a model to begin", "先选择一个模型"),
    why=(
        "One of three ways is enough. More can be added later, here or under Models and keys.",
        "三种方式任选其一；以后可在此处或“模型与密钥”页继续添加。",
    ),
    back=("Back to the playground", "返回试验台"),
    local=("Without a key", "无需密钥"),
    local_what=(
        "A small model on this machine: SmolLM2-135M, {size} MB, English only. Weak, but enough to see how "
        "everything works, and it costs nothing.",
        "在本机运行的小模型 SmolLM2-135M（{size} MB，仅支持英语）。能力有限，"
        "但足以熟悉各项功能，且完全免费。",
    ),
    local_use=("Use it", "使用该模型"),
    local_fetch=("Fetch it ({size} MB)", "下载（{size} MB）"),
    local_install=(
        "It needs one more package. In the terminal: pip install 'promptlab-workbench[local]', then start "
        "the workbench again.",
        "还缺一个软件包。请在终端运行 pip install 'promptlab-workbench[local]'，然后重新启动工作台。",
    ),
    fetching=("Fetching the model", "正在下载模型"),
    percent=("{done:.0f} of {size:.0f} MB", "已下载 {done:.0f} / {size:.0f} MB"),
    key=("With a provider's key", "使用服务商密钥"),
    key_what=(
        "Groq, Google Gemini, Zhipu (GLM-4-Flash) and OpenRouter (models that end in :free) have a free "
        "tier with limits of their own.",
        "Groq、Google Gemini、智谱（GLM-4-Flash）和 OpenRouter（名称以 :free 结尾的模型）"
        "提供有限额的免费使用。",
    ),
    provider=("Provider", "服务商"),
    free=("{label} (free tier)", "{label}（有免费额度）"),
    get_key=("Get a key: {page}", "获取密钥：{page}"),
    key_field=("Key", "密钥"),
    remember=("Also keep it in the system keyring", "同时保存到系统密钥环"),
    key_use=("Use this key", "使用此密钥"),
    key_kept=(
        "A key stays in this server's memory. It is never shown again and never written to a file.",
        "密钥只保存在服务器内存中，不会再次显示，也不会写入文件。",
    ),
    relay=("With a relay or a server", "使用中转站或自建服务"),
    relay_what=(
        "Anything that speaks the OpenAI protocol: a relay, vLLM, Ollama, llama.cpp.",
        "任何兼容 OpenAI 协议的服务：中转站、vLLM、Ollama、llama.cpp 等。",
    ),
    base=("Base address", "接口地址（base URL）"),
    relay_key=("Key (empty if it needs none)", "密钥（不需要则留空）"),
    relay_name=("Name", "名称"),
    relay_use=("Connect", "连接"),
    no_key=("Paste the key first.", "请先粘贴密钥。"),
    no_models=(
        "{label} answered, but offers no models. Check the address: it usually ends in /v1.",
        "{label} 已响应，但没有列出任何模型。请检查地址：通常以 /v1 结尾。",
    ),
    too_slow=(
        "No answer within {seconds:.0f} s. Check the address and the network.",
        "{seconds:.0f} 秒内没有响应。请检查地址和网络。",
    ),
    connecting=("Asking for its models", "正在获取模型列表"),
)
RELAY_VARIABLE = "RELAY_API_KEY"
ASK_S = 40.0
_MB = 1e6
_worker = ThreadPoolExecutor(1, thread_name_prefix="weights")


class Fetch:
    """Weights on their way: outside any tab, so that a reload does not begin anew."""

    going: Future[object] | None = None


def doors(*, back: bool) -> None:
    """The three doors. `back`: there is a playground to go back to."""
    st.title(say("welcome"))
    st.caption(say("why"))
    if back:
        st.button(say("back"), key="doors-back", on_click=_close)
    one, two, three = st.columns(3, border=True)
    with one:
        _embedded()
    with two:
        _key()
    with three:
        _relay()


def _close() -> None:
    st.session_state["doors-open"] = False


def _open_with(label: str) -> None:
    """Goes to the playground with that model chosen."""
    st.session_state["doors-open"] = False
    st.session_state["models-wanted"] = label
    st.rerun()


def _embedded() -> None:
    size = weights.BUILT_IN[EMBEDDED].size_bytes / _MB
    st.markdown(f"#### {say('local')}")
    st.write(say("local_what", size=f"{size:.0f}"))
    if not can_run_local():
        noted(say("local_install"))
        return
    if weights.locate(EMBEDDED) is not None:
        if st.button(say("local_use"), key="door-local", type="primary"):
            _open_with(f"local/{EMBEDDED}")
        return
    if Fetch.going is None or Fetch.going.done():
        if Fetch.going is not None and (error := Fetch.going.exception()) is not None:
            failed(str(error))
        if st.button(say("local_fetch", size=f"{size:.0f}"), key="door-local-fetch", type="primary"):
            Fetch.going = _worker.submit(weights.pull, EMBEDDED)
            st.rerun()
        return
    _progress()


@st.fragment(run_every=1)
def _progress() -> None:
    """How much of the weights is here."""
    if Fetch.going is None or Fetch.going.done():
        st.rerun()
    whole = weights.BUILT_IN[EMBEDDED]
    parts = weights.models_folder().glob(f".{whole.name}-*/*")
    done = max((each.stat().st_size for each in parts if each.is_file()), default=0)
    text = say("percent", done=done / _MB, size=whole.size_bytes / _MB)
    st.progress(min(1.0, done / whole.size_bytes), f"{say('fetching')}: {text}")


def _key() -> None:
    st.markdown(f"#### {say('key')}")
    st.write(say("key_what"))
    offer = st.selectbox(
        say("provider"),
        list(KEY_OFFERS),
        format_func=lambda each: say("free", label=each.name) if each.free else each.name,
        key="door-provider",
    )
    st.caption(say("get_key", page=offer.page))
    with st.form("door-key-form", clear_on_submit=True, border=False):
        typed = st.text_input(say("key_field"), type="password", key="door-key", autocomplete="off")
        remember = st.checkbox(say("remember"), key="door-keyring")
        if st.form_submit_button(say("key_use"), key="door-key-use", type="primary"):
            _try(lambda: _use_key(offer, typed, remember=remember))
    st.caption(say("key_kept"))


def _use_key(offer: KeyOffer, typed: str, *, remember: bool) -> str:
    if not typed.strip():
        raise UsageError(say("no_key"))
    hold(offer.variable, typed)
    if remember:
        keep_in_keyring(offer.variable, typed)
    if not offer.api_base:
        from promptlab.models.facts import known_models

        return offer.first_of(list(known_models(offer.provider)))
    return _connect(Endpoint(offer.provider, offer.api_base, offer.variable), offer)


def _relay() -> None:
    st.markdown(f"#### {say('relay')}")
    st.write(say("relay_what"))
    with st.form("door-relay-form", border=False):
        base = st.text_input(say("base"), placeholder="https://HOST/v1", key="door-base")
        st.text_input(say("relay_key"), type="password", key="door-relay-key", autocomplete="off")
        name = st.text_input(say("relay_name"), "relay", key="door-relay-name")
        sent = st.form_submit_button(
            say("relay_use"), key="door-relay-use", type="primary", on_click=_hold_relay_key
        )
    if sent:
        variable = _variable_of(name) if find_key(_variable_of(name)) else ""
        _try(lambda: _connect(Endpoint(name.strip(), base.strip(), variable)))
    st.caption(say("key_kept"))


def _hold_relay_key() -> None:
    """The key leaves the form before anything else is done with it."""
    typed = st.session_state["door-relay-key"]
    st.session_state["door-relay-key"] = ""
    if typed.strip():
        hold(_variable_of(st.session_state["door-relay-name"]), typed)


def _variable_of(name: str) -> str:
    """A variable of its own for each relay's key."""
    word = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name.strip()).strip("_")
    return f"{word.upper()}_API_KEY" if word and not word[0].isdigit() else RELAY_VARIABLE


def _connect(endpoint: Endpoint, offer: KeyOffer | None = None) -> str:
    """Asks the endpoint for its models, and remembers it. The name of the one to begin with."""
    with st.spinner(say("connecting")):
        offers = submit(endpoints.offered(endpoint)).result(ASK_S)
    if not offers:
        raise UsageError(say("no_models", label=endpoint.name))
    models = tuple(each.id for each in offers)
    endpoints.keep(home(), Endpoint(endpoint.name, endpoint.api_base, endpoint.key_env, models))
    first = models[0] if offer is None else offer.first_of(models)
    return f"{first} ({endpoint.name})"


def _try(work) -> None:  # type: ignore[no-untyped-def]
    try:
        label = work()
    except PromptlabError as error:
        failed(error)
    except TimeoutError:
        failed(say("too_slow", seconds=ASK_S))
    else:
        _open_with(label)
