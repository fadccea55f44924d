"""The editor: what is said, what its variables hold, and all of it together as what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.templates import TemplateError
from promptlab.datasets import AnswerType
from promptlab.playground import (
    Candidate,
    ModelChoice,
    Prompt,
    build_technique,
    reachable,
)
from promptlab.playground.reach import LONGEST_LOCAL_REPLY
from promptlab.ui.language import Texts, language
from promptlab.ui.place import allows_code, home
from promptlab.ui.playground.session import Session, kept, session
from promptlab.ui.shown import escaped, failed

say = Texts(
    system=("System prompt", "系统提示词"),
    system_hint=("How the model should behave (optional)", "规定模型的行为（可选）"),
    prompt=("Prompt", "提示词"),
    prompt_help=(
        "{{ name }} is a variable: filled in beside it, or from a data set's row.",
        "{{ 名称 }} 表示变量：可在旁边填写，或从数据集的一行中取值。",
    ),
    instruction=("Answer instruction", "作答要求"),
    instruction_help=(
        "Stands once, after the prompt, in the call that states the answer.",
        "仅在给出答案的那次调用中，附在提示词之后出现一次。",
    ),
)
EXAMPLE = {
    "en": (
        "What is the capital of {{ country }}?",
        "Reply with the name of the city only.",
        {"country": "France"},
    ),
    "zh": ("{{ 国家 }}的首都是哪里？", "只回答城市名。", {"国家": "法国"}),
}


@dataclass(frozen=True)
class Edited:
    """What stands in the editor. `candidates` are ready to ask, or the name and why they cannot be."""

    prompt: Prompt
    variables: list[str]
    choices: dict[str, tuple[ModelChoice, Mapping[str, Any], str | None]]
    techniques: dict[str, Mapping[str, Any]]
    sampling: Mapping[str, Any]

    def candidates(self) -> tuple[list[Candidate | tuple[str, PromptlabError]], list[Prompt]]:
        """Each model by each technique, with the prompt that it is asked."""
        found: list[Candidate | tuple[str, PromptlabError]] = []
        prompts = []
        for label, (choice, sampling, system) in self.choices.items():
            for name, settings in self.techniques.items():
                named = ModelChoice(label, choice.entry)
                try:
                    technique = build_technique(name, settings, allow_code=allows_code())
                    found.append(Candidate(named.model(sampling), technique, named, settings))
                except PromptlabError as error:
                    found.append((f"{label} × {name}", error))
                own = self.prompt
                if system is not None:
                    own = Prompt(own.prompt, system, own.instruction, own.answer, own.labels)
                prompts.append(own)
        return found, prompts


def set_example() -> None:
    """What stands there at first: an example that answers at once."""
    if "prompt-text" in st.session_state:
        return
    choices = reachable(home())
    only_english = all(each.label.startswith("local/smollm2") for each in choices)
    prompt, instruction, values = EXAMPLE["en" if only_english else language()]
    st.session_state["prompt-text"], st.session_state["prompt-instruction"] = prompt, instruction
    if only_english:
        st.session_state["sampling-max_tokens"] = LONGEST_LOCAL_REPLY
    for name, value in values.items():
        st.session_state[f"value-{name}"] = value


def write_prompt() -> tuple[Prompt, list[str]]:
    """The texts, and the variables in them. A template that cannot be parsed is told beside it."""
    system = st.text_area(
        say("system"),
        key="prompt-system",
        height=80,
        placeholder=say("system_hint"),
        persist_state="session",
    )
    text = st.text_area(
        say("prompt"),
        key="prompt-text",
        height=170,
        help=say("prompt_help"),
        persist_state="session",
    )
    instruction = st.text_input(
        say("instruction"),
        key="prompt-instruction",
        help=say("instruction_help"),
        persist_state="session",
    )
    answer = AnswerType(kept("answer-type") or "text")
    labels = tuple(kept("answer-labels") or ())
    prompt = Prompt(text or "", system or "", instruction or "", answer, labels)
    try:
        return prompt, prompt.variables()
    except TemplateError as error:
        failed(error)
        return prompt, []


def fill_variables(variables: list[str]) -> dict[str, str]:
    """A field for each variable; a column that the prompt has just begun to use is filled from the row."""
    for name, value in session().fill_further(variables).items():
        st.session_state[f"value-{name}"] = value
    values = {}
    for name in variables:
        values[name] = st.text_area(
            escaped(name),
            key=f"value-{name}",
            height=68,
            persist_state="session",
        )
    return {name: value or "" for name, value in values.items()}


def fill_from_row(session: Session, variables: list[str]) -> None:
    """Puts the row's values into the fields. In a callback, or before the fields are drawn."""
    for name, value in session.show_row(variables).items():
        st.session_state[f"value-{name}"] = value
