"""The answers, side by side, as they come: text, tokens, cost, time, calls; go on, edit, branch, stop."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.models import Message
from promptlab.playground import Answering, Chat, Column, Exchange, asker
from promptlab.playground.answering import Facts
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.place import home
from promptlab.ui.playground.session import session
from promptlab.ui.shown import LONGEST_SHOWN, escaped, failed, model_markdown, model_text, noted

say = Texts(
    waiting=("waiting", "等待中"),
    answering=("answering", "正在回答"),
    doing=("answering: {doing}", "正在回答：{doing}"),
    done=("done", "完成"),
    stopped=("stopped", "已停止"),
    failed=("failed", "失败"),
    interrupted=(
        "interrupted: the workbench ended before the answer did",
        "已中断：工作台在回答完成前退出",
    ),
    tokens=("{asked:,} in, {replied:,} out", "输入 {asked:,}，输出 {replied:,} token"),
    no_tokens=("tokens unknown", "token 数未知"),
    free=("no cost", "免费"),
    cost=("{cost} {currency}", "{cost} {currency}"),
    no_cost=("price unknown", "价格未知"),
    seconds=("{seconds:.1f} s", "{seconds:.1f} 秒"),
    cached=("from the cache", "来自缓存"),
    some_cached=("{cached} of {calls} calls from the cache", "{calls} 次调用中 {cached} 次来自缓存"),
    calls=("Calls ({n})", "调用过程（{n} 次）"),
    sent=("Messages sent", "实际发送的消息"),
    read=("Answer read", "提取的答案"),
    you=("You", "用户"),
    stop=("Stop", "停止"),
    again=("Ask again", "重新生成"),
    edit=("Edit", "编辑"),
    edit_label=("Say instead", "改为"),
    edit_send=("Send as a branch", "发送为新分支"),
    branch=("{at} of {n}", "第 {at} / {n} 个分支"),
    earlier=("‹", "‹"),
    later=("›", "›"),
    markdown=("Read replies as Markdown", "按 Markdown 显示回复"),
    starting=("A local model takes a moment to start.", "本地模型启动需要片刻。"),
    nothing=("Ask, and the answers stand here side by side.", "点击“提问”后，各个回答将在此并排显示。"),
)
# How often the page looks at what has come.
LOOK_S = 0.4
IN_A_ROW = 3
_ERROR = "answers-error"


def show_answers() -> None:
    """All columns; while anything is on its way they are drawn again and again, and nothing else is."""
    here = session()
    if not here.columns:
        st.caption(say("nothing"))
        return
    every = LOOK_S if here.going else None
    st.fragment(_columns, run_every=every)(every is not None)


def _columns(watching: bool) -> None:
    here = session()
    if here.chat is None:
        return
    try:
        here.chat.refresh()
    except PromptlabError as error:
        failed(error)
        return
    chat = here.chat
    if (told := st.session_state.pop(_ERROR, None)) is not None:
        failed(told)
    for first in range(0, len(here.columns), IN_A_ROW):
        row = here.columns[first : first + IN_A_ROW]
        for place, (number, column) in zip(
            st.columns(len(row), border=True), enumerate(row, first), strict=True
        ):
            with place, st.container(key=f"answer-{number}"):
                _column(chat, column, number)
    if bool(here.going) != watching:
        st.rerun()  # begins or ends the watching


def _column(chat: Chat, column: Column, number: int) -> None:
    st.markdown(f"**{escaped(column.name)}**")
    for turn, exchange in enumerate(column.talk.path()):
        _exchange(chat, column, exchange, f"{number}-{turn}")
    if any(each.can_stop for each in column.talk.going):
        st.button(say("stop"), key=f"stop-{number}", on_click=column.talk.stop)


def _exchange(chat: Chat, column: Column, exchange: Exchange, key: str) -> None:
    answer = exchange.answer
    if exchange.said:
        with st.container(key=f"said-{key}"):
            st.caption(say("you"))
            model_text(exchange.said, key=f"said-text-{key}")
    if answer.state == "failed":
        failed(answer.error)
    elif not answer.text and not answer.ended and _is_local(column):
        st.caption(escaped(in_chosen(asker(home()).told)) or say("starting"))
    if answer.text or answer.state in ("done", "stopped", "interrupted"):
        if st.session_state.get("as-markdown") and len(answer.text) <= LONGEST_SHOWN:
            model_markdown(answer.text)
        else:
            model_text(answer.text, key=f"text-{key}")
    with st.container(key=f"facts-{key}"):
        st.caption(_line(answer))
    if answer.state == "done" and answer.error:
        noted(answer.error)
    if not answer.ended:
        return
    if answer.asked:
        _details(answer, key)
    _actions(chat, column, exchange, key)


def _is_local(column: Column) -> bool:
    return column.asked is not None and column.asked.is_local


def _line(answer: Answering) -> str:
    """State, time, tokens, cost, cache: one line."""
    facts = answer.facts()
    state = say(answer.state)
    if answer.state == "answering" and answer.doing != "answer":
        state = say("doing", doing=escaped(answer.doing))
    if not facts.calls or (facts.prompt_tokens is None and answer.state != "done"):
        return state
    parts = [state, say("seconds", seconds=facts.seconds), _tokens(facts), _cost(facts)]
    if facts.cached_calls:
        all_of_them = facts.cached_calls == facts.calls
        parts.append(
            say("cached") if all_of_them else say("some_cached", cached=facts.cached_calls, calls=facts.calls)
        )
    return escaped(" · ".join(parts)) if answer.state != "failed" else state


def _tokens(facts: Facts) -> str:
    if facts.prompt_tokens is None or facts.completion_tokens is None:
        return say("no_tokens")
    return say("tokens", asked=facts.prompt_tokens, replied=facts.completion_tokens)


def _cost(facts: Facts) -> str:
    if facts.cost is None:
        return say("no_cost")
    if not facts.cost:
        return say("free")
    return say("cost", cost=f"{facts.cost:.2g}", currency=facts.currency)


def _details(answer: Answering, key: str) -> None:
    calls = answer.calls
    if len(calls) == 1:
        with st.expander(say("sent")):
            show_messages(answer.asked, f"sent-{key}")
        return
    if answer.value is not None:
        st.caption(say("read"))
        model_text(answer.value, key=f"value-{key}")
    with st.expander(say("calls", n=len(calls))):
        for number, call in enumerate(calls, 1):
            st.markdown(f"**{number}. {escaped(call.name)}**")
            show_messages(call.messages, f"call-{key}-{number}")
            if call.completion is not None:
                st.caption("assistant")
                model_text(call.completion.text, key=f"reply-{key}-{number}")
            elif call.error:
                failed(call.error)


def show_messages(messages: tuple[Message, ...], key: str) -> None:
    """Exactly what goes over the wire, message by message."""
    for number, message in enumerate(messages):
        st.caption(message.role)
        content = message.content
        text = content if isinstance(content, str) else "\n".join(map(str, content))
        model_text(text, key=f"{key}-{number}")


def _actions(chat: Chat, column: Column, exchange: Exchange, key: str) -> None:
    talk = column.talk
    with st.container(horizontal=True, vertical_alignment="center", key=f"actions-{key}"):
        branches = talk.branches(exchange)
        if len(branches) > 1:
            at = branches.index(exchange)
            st.button(
                say("earlier"),
                key=f"earlier-{key}",
                disabled=at == 0,
                on_click=_tried,
                args=(chat.turn_to, column, branches[at - 1]),
            )
            st.caption(say("branch", at=at + 1, n=len(branches)), width="content")
            last = at == len(branches) - 1
            st.button(
                say("later"),
                key=f"later-{key}",
                disabled=last,
                on_click=_tried,
                args=(chat.turn_to, column, branches[0 if last else at + 1]),
            )
        if column.asked is None or not column.asked.can_go_on:
            return
        st.button(
            say("again"),
            key=f"again-{key}",
            type="tertiary",
            on_click=_tried,
            args=(chat.again, column, exchange),
        )
        if answer_can_be_edited(exchange):
            with st.popover(say("edit"), key=f"edit-{key}", type="tertiary"):
                said = str(exchange.answer.asked[-1].content)
                st.text_area(say("edit_label"), said, key=f"edited-{key}-{exchange.number}", height=120)
                st.button(
                    say("edit_send"),
                    key=f"edit-send-{key}",
                    on_click=_edit,
                    args=(chat, column, exchange, f"edited-{key}-{exchange.number}"),
                )


def answer_can_be_edited(exchange: Exchange) -> bool:
    """A turn of one call: what a technique says in several is not said anew by hand."""
    return len(exchange.answer.calls) == 1


def _tried(work: Callable[..., None], *args: object) -> None:
    """In a callback: an error is told when the answers are drawn."""
    try:
        work(*args)
    except PromptlabError as error:
        st.session_state[_ERROR] = str(error)


def _edit(chat: Chat, column: Column, exchange: Exchange, field: str) -> None:
    said = st.session_state[field]
    if said.strip():
        _tried(chat.edit, column, exchange, said)
