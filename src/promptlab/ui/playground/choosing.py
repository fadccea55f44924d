"""Who is asked, and how: models and bots with their sampling, techniques with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.playground import Bot, Bots, ModelChoice, reachable, technique_names
from promptlab.playground.candidates import PLAIN
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.place import home
from promptlab.ui.playground.sampling import given_sampling
from promptlab.ui.playground.session import kept
from promptlab.ui.playground.technique_settings import show_settings
from promptlab.ui.shown import failed

say = Texts(
    models=("Models and bots", "模型与助手"),
    models_hint=("Choose, or type an id: openai/gpt-4o-mini", "选择，或输入模型 ID，如 openai/gpt-4o-mini"),
    bot=("{label} (bot)", "{label}（助手）"),
    techniques=("Techniques", "技术"),
    techniques_help=(
        "How the prompt is asked. zero_shot asks it as it stands; the others make calls of their own.",
        "提问方式。zero_shot 按原样提问；其余技术会自行发起一次或多次调用。",
    ),
)


def choose_models() -> dict[str, tuple[ModelChoice, Mapping[str, Any], str | None]]:
    """The chosen models and bots by label: the model, its sampling, and the bot's system prompt."""
    known: dict[str, ModelChoice | Bot] = {each.label: each for each in reachable(home())}
    try:
        known |= {say("bot", label=each.name): each for each in Bots(home()).all()}
    except PromptlabError as error:
        failed(error)
    wanted = st.session_state.pop("models-wanted", None)
    before = kept("models")
    if wanted is not None and wanted not in (before or []):
        st.session_state["models"] = [*(before or []), wanted]
    elif before is None and known:
        st.session_state["models"] = [next(iter(known))]
    chosen = st.multiselect(
        say("models"),
        [*known, *(each for each in kept("models") or [] if each not in known)],
        key="models",
        accept_new_options=True,
        placeholder=say("models_hint"),
        format_func=escaped_label,
        persist_state="session",
    )
    sampling = given_sampling()
    found: dict[str, tuple[ModelChoice, Mapping[str, Any], str | None]] = {}
    for label in chosen:
        each = known.get(label)
        if isinstance(each, Bot):
            found[label] = (ModelChoice(each.label, each.model), each.sampling, each.system)
        else:
            found[label] = (each or ModelChoice(label, {"id": label.strip()}), sampling, None)
    return found


def escaped_label(label: str) -> str:
    """Options are text, not Markdown: only what would reorder them is spelled out."""
    from promptlab.export import plain

    return plain(label)


def choose_techniques() -> dict[str, Mapping[str, Any]]:
    """The chosen techniques with their settings, each with a form of its own."""
    st.session_state.setdefault("techniques", [PLAIN])
    chosen = st.multiselect(
        say("techniques"),
        technique_names(),
        key="techniques",
        placeholder=placeholders("several"),
        help=say("techniques_help"),
        persist_state="session",
    )
    found: dict[str, Mapping[str, Any]] = {}
    for name in chosen or [PLAIN]:
        found[name] = show_settings(name)
    return found
