"""The editor: who is asked, what is said, and what its variables hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from promptlab.basics.errors import PromptlabError, UsageError
from promptlab.basics.templates import TemplateError
from promptlab.datasets import AnswerType
from promptlab.playground import (
    Bot,
    Bots,
    Candidate,
    ModelChoice,
    Prompt,
    build_technique,
    reachable,
    technique_names,
)
from promptlab.playground.candidates import PLAIN
from promptlab.playground.reach import LONGEST_LOCAL_REPLY
from promptlab.techniques import techniques
from promptlab.ui.language import Texts, language, placeholders
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
    models=("Models and bots", "模型与助手"),
    models_hint=("Choose, or type an id: openai/gpt-4o-mini", "选择，或输入模型 ID，如 openai/gpt-4o-mini"),
    bot=("{label} (bot)", "{label}（助手）"),
    techniques=("Techniques", "技术"),
    techniques_help=(
        "How the prompt is asked. zero_shot asks it as it stands; the others make calls of their own.",
        "提问方式。zero_shot 按原样提问；其余技术会自行发起一次或多次调用。",
    ),
    settings=("Settings of {label}", "{label} 的设置"),
    settings_help=(
        "As in the experiment file, for example: {example}",
        "写法与实验文件相同，例如：{example}",
    ),
    sampling=("Sampling", "采样参数"),
    temperature=("Temperature", "温度"),
    max_tokens=("Most tokens of a reply", "回复的最大 token 数"),
    top_p=("top_p", "top_p"),
    seed=("Seed", "随机种子"),
    stop=("Stop text", "停止词"),
    default=("default", "默认"),
    not_settings=(
        "The settings of {label} are no mapping of names to values.",
        "{label} 的设置应为“名称: 值”的形式。",
    ),
    no_model=("Choose a model first.", "请先选择模型。"),
    answer=("Kind of answer", "答案类型"),
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
    """The chosen techniques with their settings. What is wrong with a setting is told beside it."""
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
        found[name] = {} if name == PLAIN else _settings(name)
    return found


def _settings(name: str) -> Mapping[str, Any]:
    cls = techniques.get(name)
    example = cls.example.removeprefix("{").removesuffix("}").partition(",")[2].strip()
    text = st.text_input(
        say("settings", label=name),
        key=f"settings-{name}",
        placeholder=example,
        help=say("settings_help", example=escaped(example)) if example else None,
        persist_state="session",
    )
    if not (text or "").strip():
        return {}
    try:
        return parsed_settings(name, text or "")
    except PromptlabError as error:
        failed(error)
        return {}


def parsed_settings(name: str, text: str) -> Mapping[str, Any]:
    """`demos: {count: 2}` as a mapping. ExperimentError, UsageError."""
    from promptlab.experiment.yaml_lines import parse_document

    value = parse_document(text if text.lstrip().startswith("{") else f"{{{text}}}", name).value
    if not isinstance(value, dict):
        raise UsageError(say("not_settings", label=name))
    return value


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


def fill_from_row(session: Session, variables: list[str]) -> None:
    """Puts the row's values into the fields. In a callback, or before the fields are drawn."""
    for name, value in session.show_row(variables).items():
        st.session_state[f"value-{name}"] = value
