"""Conversations that last: the list, the one that is open, and what the editor held when it was left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.playground import Chats, Listed
from promptlab.ui.language import Texts
from promptlab.ui.place import allows_code, home
from promptlab.ui.playground.choosing import escaped_label
from promptlab.ui.playground.data_rows import sources_in
from promptlab.ui.playground.session import Session, session, working_folder
from promptlab.ui.shown import escaped, failed, noted

say = Texts(
    list=("Conversations", "历史对话"),
    none=("What is asked here is kept, and stands in this list.", "在此提问的对话会自动保存，并显示在这里。"),
    search=("Search", "搜索"),
    nothing_found=("No conversation holds these words.", "没有包含这些词的对话。"),
    untitled=("(no title)", "（无标题）"),
    facts=("{at} · {models} · {turns:,} answers", "{at} · {models} · {turns:,} 个回答"),
    one=("{at} · {models} · 1 answer", "{at} · {models} · 1 个回答"),
    rename=("Rename", "重命名"),
    delete=("Delete", "删除"),
    name=("New title", "新标题"),
    save=("Save", "保存"),
    sure=("Delete this conversation for good?", "确定永久删除该对话？"),
    yes=("Delete it", "删除"),
    no=("Keep it", "保留"),
    more=("{n} more", "再显示 {n} 个"),
    damaged=(
        "{n:,} lines of this conversation could not be read and are left out.",
        "该对话有 {n:,} 行无法读取，已略过。",
    ),
)
PARAMETER = "conversation"
WIDE_PX = 560
_PAGE = 12
_ASKING = "conversation-asking"  # (what, id) of the row that asks something
_ERROR = "conversation-error"
# What of the editor belongs to a conversation: widgets by name, and by how their names begin.
_NAMES = ("models", "techniques", "answer-type", "answer-labels", "row-source", "row-test", "as-markdown")
_BEGINNINGS = ("prompt-", "value-", "sampling-", "settings-")


def follow_address() -> None:
    """Opens the conversation that the address names, where another one or none is open."""
    here, wanted = session(), st.query_params.get(PARAMETER)
    if (error := st.session_state.pop(_ERROR, None)) is not None:
        failed(error)
    try:
        if here.chat is None or wanted not in (None, here.chat.id):
            if not wanted:
                return
            here.chat = Chats(home()).open(wanted)
            here.chat.allow_code = here.chat.allow_code or allows_code()
            _restore(here, here.chat.editor)
        here.chat.refresh()
    except PromptlabError as error:
        failed(error)
        here.chat = None
        st.query_params.pop(PARAMETER, None)
        return
    if wanted != here.chat.id:
        st.query_params[PARAMETER] = here.chat.id
    if here.chat.damaged:
        noted(say("damaged", n=here.chat.damaged))


def begin_anew() -> None:
    """A new conversation; what goes on in the old one goes on. In a callback."""
    session().chat = None
    st.query_params.pop(PARAMETER, None)


def editor_now() -> dict[str, Any]:
    """What stands in the fields, as values that a file can hold."""
    found: dict[str, Any] = {}
    for name, value in st.session_state.items():
        key = str(name)
        if (key in _NAMES and value) or (key.startswith(_BEGINNINGS) and _is_typed(value)):
            found[key] = value
    cursor = session().cursor
    if cursor is not None:
        found["row"] = {"split": cursor.split, "position": cursor.position}
    plain: dict[str, Any] = orjson.loads(orjson.dumps(found))
    return plain


def _is_typed(value: object) -> bool:
    """Not the state of a button."""
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def keep_editor() -> None:
    """What was changed in the editor since the last question is kept too."""
    chat = session().chat
    if chat is not None:
        try:
            chat.edited(editor_now())
        except PromptlabError as error:
            failed(error)


def _restore(here: Session, editor: Mapping[str, Any]) -> None:
    """Puts the fields back as they were. Before they are drawn."""
    state = st.session_state
    for name in [str(each) for each in state]:
        if name in _NAMES or (name.startswith(_BEGINNINGS) and not isinstance(state[name], bool)):
            del state[name]
    row, wanted = editor.get("row"), editor.get("row-source")
    source = next((each for each in sources_in(working_folder()) if each.label == wanted), None)
    here.take(source)
    for name, value in editor.items():
        if name != "row" and (name != "row-source" or source is not None):
            state[name] = value
    if row and here.cursor is not None:
        here.cursor.split, here.cursor.position = row["split"], row["position"]
        sample = here.sample
        values = {} if sample is None else sample.inputs
        here.filled = {name: str(each) for name, each in values.items() if f"value-{name}" in editor}
        state.pop("row-split", None)


def show_list() -> None:
    """The conversations of this home: open, search, rename, delete."""
    with st.popover(say("list"), key="conversations"), st.container(width=WIDE_PX):
        search = st.text_input(
            say("search"),
            key="conversation-search",
            placeholder=say("search"),
            label_visibility="collapsed",
        )
        found = Chats(home()).all(search or "")
        if not found:
            st.caption(say("nothing_found") if search else say("none"))
            return
        shown = st.session_state.get("conversations-shown", _PAGE)
        for each in found[:shown]:
            _row(each)
        rest = len(found) - shown
        if rest > 0:
            st.button(
                say("more", n=min(rest, _PAGE)), key="conversations-more", on_click=_more, args=(shown,)
            )


def _row(each: Listed) -> None:
    if each.damaged:
        failed(each.damaged)
        return
    here = session().chat
    is_open = here is not None and here.id == each.id
    title = escaped(each.title) or say("untitled")
    with st.container(key=f"conversation-{each.id}", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"**{title}**" if is_open else title,
                key=f"conversation-open-{each.id}",
                type="tertiary",
                on_click=_open,
                args=(each.id,),
            )
            st.space("stretch")
            for what in ("rename", "delete"):
                st.button(
                    say(what),
                    key=f"conversation-{what}-{each.id}",
                    type="tertiary",
                    on_click=_ask,
                    args=(what, each.id),
                )
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.at))
        models = escaped_label(", ".join(each.models))
        st.caption(
            escaped(say("one" if each.turns == 1 else "facts", at=at, models=models, turns=each.turns))
        )
        what, id = st.session_state.get(_ASKING, ("", ""))
        if id == each.id and what == "delete":
            st.text(say("sure"))
            with st.container(horizontal=True):
                st.button(say("yes"), key="conversation-yes", type="primary", on_click=_delete, args=(id,))
                st.button(say("no"), key="conversation-no", on_click=_ask, args=("", ""))
        elif id == each.id and what == "rename":
            with st.container(horizontal=True, vertical_alignment="bottom"):
                st.text_input(say("name"), each.title, key=f"conversation-title-{id}", max_chars=80)
                st.button(say("save"), key="conversation-save", on_click=_rename, args=(id,))


def _more(shown: int) -> None:
    st.session_state["conversations-shown"] = shown + _PAGE


def _open(id: str) -> None:
    st.query_params[PARAMETER] = id


def _ask(what: str, id: str) -> None:
    st.session_state[_ASKING] = (what, id)


def _rename(id: str) -> None:
    _tried(lambda: Chats(home()).rename(id, st.session_state[f"conversation-title-{id}"]))


def _delete(id: str) -> None:
    chat = session().chat
    if _tried(lambda: Chats(home()).delete(id)) and chat is not None and chat.id == id:
        begin_anew()


def _tried(work: Callable[[], None]) -> bool:
    """In a callback: an error is told when the page is drawn."""
    _ask("", "")
    try:
        work()
    except PromptlabError as error:
        st.session_state[_ERROR] = str(error)
        return False
    return True
