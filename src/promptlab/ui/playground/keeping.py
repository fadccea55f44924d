"""What is kept of the editor: versions with their differences, bots, the exact messages."""

from __future__ import annotations

import time

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.templates import TemplateError
from promptlab.playground import Bot, Bots, PromptVersion, Versions, differences
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.playground.answers import show_messages
from promptlab.ui.playground.choosing import escaped_label
from promptlab.ui.playground.editor import Edited
from promptlab.ui.playground.session import session
from promptlab.ui.shown import done, escaped, failed, model_text

say = Texts(
    versions=("Versions", "历史版本"),
    no_versions=("Each prompt that is asked is kept here.", "每次提问所用的提示词都会保存在这里。"),
    version=("{number}: {at}, {start}", "{number}：{at}，{start}"),
    which=("Version", "版本"),
    against=("Compare with", "对比"),
    editor=("the editor", "当前编辑内容"),
    same=("No difference.", "没有差异。"),
    restore=("Put it into the editor", "恢复到编辑器"),
    system=("System prompt", "系统提示词"),
    prompt=("Prompt", "提示词"),
    instruction=("Answer instruction", "作答要求"),
    bots=("Bots", "助手"),
    bots_what=(
        "A bot is the system prompt with a model and its sampling. It is chosen like a model.",
        "助手由系统提示词、模型及其采样参数组成，可像模型一样选用。",
    ),
    bot_name=("Name", "名称"),
    bot_model=("Model", "模型"),
    bot_save=("Save as a bot", "保存为助手"),
    bot_saved=("Saved. Choose it under Models and bots.", "已保存，可在“模型与助手”中选用。"),
    bot_remove=("Delete {label}", "删除 {label}"),
    exact=("Exact messages", "实际消息"),
    exact_none=("Choose a model and write a prompt.", "请选择模型并填写提示词。"),
    exact_first=(
        "This is sent to every model that is asked plainly; the calls of a technique stand with its answer.",
        "以下内容将发送给每个直接提问的模型；技术所发起的调用会显示在其回答下方。",
    ),
)
WIDE_PX = 560
_SHOWN_START = 40


def show_versions(edited: Edited) -> None:
    """Earlier prompts: one of them beside the editor or another one, word by word."""
    with st.popover(say("versions"), key="versions"), st.container(width=WIDE_PX):
        versions = Versions(home()).all()[::-1]
        if not versions:
            st.caption(say("no_versions"))
            return
        by_number = {each.number: each for each in versions}
        labels = {number: _label(each) for number, each in by_number.items()}
        chosen = by_number[
            st.selectbox(say("which"), list(by_number), format_func=labels.__getitem__, key="version")
        ]
        other = st.selectbox(
            say("against"),
            [0, *by_number],
            format_func=lambda number: labels[number] if number else say("editor"),
            key="version-against",
        )
        prompt = edited.prompt
        now = (prompt.system, prompt.prompt, prompt.instruction)
        if other:
            now = _texts(by_number[other])
        for name, old, new in zip(("system", "prompt", "instruction"), _texts(chosen), now, strict=True):
            if old or new:
                st.caption(say(name))
                show_difference(old, new)
        st.button(say("restore"), key="version-restore", on_click=_restore, args=(chosen,))


def _texts(version: PromptVersion) -> tuple[str, str, str]:
    return version.system, version.prompt, version.instruction


def _label(version: PromptVersion) -> str:
    at = time.strftime("%m-%d %H:%M", time.localtime(version.at))
    start = escaped_label(" ".join(version.prompt.split()))[:_SHOWN_START]
    return say("version", number=version.number, at=at, start=start)


def show_difference(old: str, new: str) -> None:
    """What was taken out stands struck through, what came in is marked; colour is not all that tells."""
    if old == new:
        st.caption(say("same"))
        return
    marked = {
        "same": "{}",
        "removed": ":red-background[~~{}~~]",
        "added": ":green-background[**{}**]",
    }
    parts = []
    for piece in differences(old, new):
        for number, line in enumerate(piece.text.split("\n")):
            if number:
                parts.append("  \n")
            lead = line[: len(line) - len(line.lstrip())]
            tail = line[len(line.rstrip()) :] if line.strip() else ""
            inner = line.strip()
            parts.append(lead + (marked[piece.kind].format(escaped(inner)) if inner else "") + tail)
    st.markdown("".join(parts))


def _restore(version: PromptVersion) -> None:
    st.session_state["prompt-system"] = version.system
    st.session_state["prompt-text"] = version.prompt
    st.session_state["prompt-instruction"] = version.instruction


def show_bots(edited: Edited) -> None:
    """The bots that are kept, and the form to keep one."""
    with st.popover(say("bots"), key="bots"), st.container(width=WIDE_PX):
        st.caption(say("bots_what"))
        models = [label for label, (_, _, system) in edited.choices.items() if system is None]
        name = st.text_input(say("bot_name"), key="bot-name", max_chars=60)
        label = st.selectbox(say("bot_model"), models, format_func=escaped_label, key="bot-model")
        if st.button(say("bot_save"), key="bot-save", disabled=label is None or not (name or "").strip()):
            choice, sampling, _ = edited.choices[label]
            try:
                Bots(home()).keep(
                    Bot(name.strip(), edited.prompt.system, choice.label, dict(choice.entry), dict(sampling))
                )
                done(say("bot_saved"))
            except PromptlabError as error:
                failed(error)
        try:
            kept = Bots(home()).all()
        except PromptlabError as error:
            failed(error)
            return
        for number, bot in enumerate(kept):
            st.divider()
            st.markdown(f"**{escaped(bot.name)}** · {escaped(bot.label)}")
            if bot.system:
                model_text(bot.system, key=f"bot-system-{number}")
            st.button(
                say("bot_remove", label=escaped(bot.name)),
                key=f"bot-remove-{number}",
                on_click=Bots(home()).remove,
                args=(bot.name,),
            )


def show_exact(edited: Edited, values: dict[str, str]) -> None:
    """The messages as they will be sent."""
    with st.popover(say("exact"), key="exact"), st.container(width=WIDE_PX):
        if not edited.prompt.prompt.strip() or not edited.choices:
            st.caption(say("exact_none"))
            return
        st.caption(say("exact_first"))
        question, _ = session().question(values)
        try:
            rendered = edited.prompt.messages(question)
        except TemplateError as error:
            failed(error)
            return
        show_messages(rendered, "exact")
