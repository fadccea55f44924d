"""One tiny request to a model, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.loop import run_sync
from promptlab.models.probe import probe
from promptlab.models.request import Model
from promptlab.ui.language import Texts
from promptlab.ui.shown import done, failed, model_text

TIMEOUT_S = 60.0
say = Texts(
    test=("Test", "测试"),
    asking=("Asking…", "正在请求…"),
    answered=(
        "It answered in {latency:.2f} s, {prompt} + {reply} tokens.",
        "已应答：用时 {latency:.2f} 秒，{prompt} + {reply} 个 token。",
    ),
    unknown=("unknown", "未知"),
)


def try_button(key: str, model: Callable[[], Model], *, disabled: bool = False) -> None:
    """A button that asks; `model` is resolved when it is pressed."""
    if not st.button(say("test"), key=f"test-{key}", disabled=disabled):
        return
    try:
        with st.spinner(say("asking")):
            (found,) = run_sync(probe([model()], TIMEOUT_S, lambda message: None))
    except PromptlabError as error:
        failed(error)
        return
    if not found.ok:
        failed(found.error)
        return

    def count(tokens: int | None) -> str:
        return say("unknown") if tokens is None else f"{tokens:,}"

    done(
        say(
            "answered",
            latency=found.latency_s or 0.0,
            prompt=count(found.prompt_tokens),
            reply=count(found.completion_tokens),
        )
    )
    model_text(found.reply, key=f"test-{key}-reply")
