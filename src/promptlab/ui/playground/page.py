"""The playground: an editor above, the answers side by side below; three doors where there is no model."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.playground import Versions, reachable
from promptlab.playground.candidates import ModelChoice
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.playground import (
    answers,
    choosing,
    conversations,
    data_rows,
    editor,
    keeping,
    sampling,
    saving,
)
from promptlab.ui.playground.doors import doors
from promptlab.ui.playground.session import session
from promptlab.ui.shown import failed

say = Texts(
    title=("Playground", "试验台"),
    ask=("Ask", "提问"),
    stop_all=("Stop all", "全部停止"),
    clear=("New conversation", "新对话"),
    add_model=("Add a model", "添加模型"),
    follow=("Go on with all of them", "继续对话（发送给所有列）"),
    no_model=("Choose a model first.", "请先选择模型。"),
    no_prompt=("Write a prompt first.", "请先填写提示词。"),
    too_many=(
        "{n} answers at once are too many to compare. Choose at most {most}.",
        "一次生成 {n} 个回答过多，不便比较。最多选择 {most} 个。",
    ),
)
MOST_COLUMNS = 12


def page() -> None:
    """Shows the page."""
    try:
        known = reachable(home())
    except PromptlabError as error:
        failed(error)
        known = []
    chosen = bool(st.session_state.get("models"))
    opened = st.session_state.get("doors-open")
    if opened or not (known or chosen) or (opened is None and not chosen and _is_first_visit(known)):
        doors(back=bool(opened and (known or chosen)))
        return
    saving.open_if_asked()
    conversations.follow_address()
    _playground()


def _is_first_visit(known: Sequence[ModelChoice]) -> bool:
    """Whether nobody has asked anything from here yet, and only local models are at hand."""
    only_local = all(each.label.startswith("local/") for each in known)
    return only_local and not Versions(home()).all() and not st.query_params


def _playground() -> None:
    editor.set_example()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        prompt, variables = editor.write_prompt()
        below = st.container()
    with right:
        choices = choosing.choose_models()
        techniques = choosing.choose_techniques()
        with st.expander(sampling.say("sampling"), key="sampling"):
            sampling.set_sampling()
        data_rows.choose_row(variables)
    with below:
        values = editor.fill_variables(variables)
    edited = editor.Edited(prompt, variables, choices, techniques, sampling.given_sampling())
    _toolbar(edited, values)
    saving.show_saving(edited)
    answers.show_answers()
    conversations.keep_editor()
    chat = session().chat
    if chat is not None and chat.columns and (said := st.chat_input(say("follow"), key="follow")):
        try:
            for column in chat.columns:
                chat.follow(column, said)
        except PromptlabError as error:
            failed(error)
            return
        st.rerun()


def _toolbar(edited: editor.Edited, values: dict[str, str]) -> None:
    here = session()
    with st.container(horizontal=True, key="toolbar", vertical_alignment="center"):
        ask = st.button(say("ask"), key="ask", type="primary", shortcut="Ctrl+Enter")
        if here.going:
            st.button(say("stop_all"), key="stop-all", on_click=here.stop)
        if here.columns:
            st.button(say("clear"), key="clear", on_click=conversations.begin_anew)
        conversations.show_list()
        keeping.show_exact(edited, values)
        keeping.show_versions(edited)
        keeping.show_bots(edited)
        st.button(say("add_model"), key="add-model", on_click=_open_doors)
        st.toggle(answers.say("markdown"), key="as-markdown", persist_state="session")
    if ask:
        _ask(edited, values)


def _open_doors() -> None:
    st.session_state["doors-open"] = True


def _ask(edited: editor.Edited, values: dict[str, str]) -> None:
    candidates, prompts = edited.candidates()
    if not edited.prompt.prompt.strip():
        failed(say("no_prompt"))
    elif not candidates:
        failed(say("no_model"))
    elif len(candidates) > MOST_COLUMNS:
        failed(say("too_many", n=len(candidates), most=MOST_COLUMNS))
    else:
        try:
            Versions(home()).keep(edited.prompt)
            session().ask(candidates, prompts, values, conversations.editor_now())
        except PromptlabError as error:
            failed(error)
            return
        st.rerun()
