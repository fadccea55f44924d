"""The sampling settings of all that is asked."""

from __future__ import annotations

from typing import Any

import streamlit as st

from promptlab.ui.language import Texts
from promptlab.ui.playground.session import kept

say = Texts(
    sampling=("Sampling", "采样参数"),
    temperature=("Temperature", "温度"),
    max_tokens=("Most tokens of a reply", "回复的最大 token 数"),
    top_p=("top_p", "top_p"),
    seed=("Seed", "随机种子"),
    stop=("Stop text", "停止词"),
    default=("default", "默认"),
)
_SAMPLING: tuple[tuple[str, float, float, float], ...] = (
    ("temperature", 0.0, 5.0, 0.1),
    ("top_p", 0.01, 1.0, 0.05),
)


def set_sampling() -> None:
    """The sampling fields; what is left empty is not sent."""
    for name, low, high, step in _SAMPLING:
        st.number_input(
            say(name),
            low,
            high,
            None,
            step,
            key=f"sampling-{name}",
            placeholder=say("default"),
            persist_state="session",
        )
    st.number_input(
        say("max_tokens"),
        1,
        1_000_000,
        None,
        1,
        key="sampling-max_tokens",
        placeholder=say("default"),
        persist_state="session",
    )
    st.number_input(
        say("seed"),
        value=None,
        step=1,
        key="sampling-seed",
        placeholder=say("default"),
        persist_state="session",
    )
    st.text_input(say("stop"), key="sampling-stop", persist_state="session")


def given_sampling() -> dict[str, Any]:
    """What the sampling fields say; absent is not zero."""
    names = ("temperature", "top_p", "max_tokens", "seed", "stop")
    return {name: value for name in names if (value := kept(f"sampling-{name}")) not in (None, "")}
