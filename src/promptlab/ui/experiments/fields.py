"""One field of the form: a widget for one place in the file, and what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any

import streamlit as st

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.short_forms import value_at
from promptlab.experiment.form import FormField
from promptlab.experiment.yaml_lines import Path_, dotted, parse_document
from promptlab.ui.experiments.draft import PROBLEM, Draft
from promptlab.ui.language import Texts
from promptlab.ui.shown import escaped, failed

_LONG_PX = 110

# What a field is called beside its key in the file; others show the key alone.
labels = Texts(
    name=("Name", "名称"),
    description=("Description", "说明"),
    path=("Data file", "数据文件"),
    target=("Right answer (column)", "标准答案（列）"),
    id=("Id", "标识"),
    split=("Splits", "划分"),
    limit=("Only the first rows", "仅取前若干行"),
    prompt=("Prompt", "提示词"),
    system=("System prompt", "系统提示词"),
    answer=("Kind of answer", "答案类型"),
    answer_instruction=("Answer instruction", "作答要求"),
    labels=("Labels", "标签"),
    technique=("Technique", "技术"),
    demos=("Demos (number or settings)", "示例（数量或设置）"),
    scorer=("Scorer", "评分器"),
    temperature=("Temperature", "温度"),
    max_tokens=("Longest reply (tokens)", "最长回复（token）"),
    api_base=("Base address", "接口地址"),
    api_key_env=("Variable that holds the key", "存放密钥的变量名"),
    price=("Price", "价格"),
    repeats=("Repeats", "重复次数"),
    seed=("Seed", "随机种子"),
    primary=("Headline scorer", "主要评分器"),
    baseline=("Baseline", "基线"),
    min_effect=("Smallest effect of interest", "最小关注效应"),
    concurrency=("Requests at once", "并发请求数"),
    budget_usd=("Budget (USD)", "预算（美元）"),
    budget_calls=("Budget (calls)", "预算（调用次数）"),
    budget_tokens=("Budget (tokens)", "预算（token）"),
    timeout_s=("Timeout (s)", "超时（秒）"),
    max_age=("Oldest cached answer", "缓存最长期限"),
)

say = Texts(
    default=("default: {value}", "默认：{value}"),
    not_set=("not set", "未设置"),
    as_yaml=(
        "A value as in YAML, such as [a, b] or {{count: 4}}.",
        "按 YAML 书写，例如 [a, b] 或 {{count: 4}}。",
    ),
    on=("yes", "是"),
    off=("no", "否"),
)


def show_field(draft: Draft, value: dict[str, Any], path: Path_, field: FormField, found: list[Any]) -> None:
    """The widget, with the text's own value in it, and beneath it the mistake that stands there."""
    key = "f-" + re.sub(r"[^\w-]", "_", "-".join(map(str, path)))
    try:
        current = value_at(value, path)
    except LookupError:
        current = None
    settings: dict[str, Any] = {
        "key": key,
        "on_change": _changed,
        "args": (draft, path, field, key),
        "help": escaped(field.description) if field.description else None,
    }
    _widget(_label(field), current, field, settings)
    where = dotted(path)
    for each in found:
        if isinstance(each, ExperimentError) and (each.field == where or each.field.startswith(f"{where}.")):
            failed(f"{each.message}. {each.remedy}".strip())


def _widget(label: str, current: Any, field: FormField, settings: dict[str, Any]) -> None:
    kind = _kind(field, current)
    key, unset = settings["key"], _unset(field)
    if kind == "boolean":
        st.session_state[key] = current
        st.selectbox(
            label, [True, False], index=None, format_func=lambda on: say("on" if on else "off"),
            placeholder=unset, **settings,
        )  # fmt: skip
    elif kind == "choice":
        options = list(field.choices)
        if current is not None and current not in options:
            options.append(str(current))
        st.session_state[key] = current
        st.selectbox(label, options, index=None, placeholder=unset, **settings)
    elif kind in ("integer", "number"):
        number = int if kind == "integer" else float
        st.session_state[key] = None if current is None else number(current)
        st.number_input(
            label,
            value=None,
            min_value=None if field.low is None else number(field.low),
            max_value=None if field.high is None else number(field.high),
            step=1 if kind == "integer" else 0.1,
            format=None if kind == "integer" else "%g",
            placeholder=unset,
            **settings,
        )
    elif kind == "long_text":
        st.session_state[key] = "" if current is None else str(current)
        st.text_area(label, height=_LONG_PX, placeholder=unset, **settings)
    else:
        text = "" if current is None else _yaml(current) if kind == "any" else str(current)
        st.session_state[key] = text
        if kind == "any":
            settings["help"] = settings["help"] or say("as_yaml")
        st.text_input(label, placeholder=unset, **settings)


_FITS: dict[str, Any] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "text": str,
    "long_text": str,
    "choice": str,
}


def _kind(field: FormField, current: Any) -> str:
    """What the file says may be of another type than the schema wants: then it is shown as it stands."""
    if current is None:
        return field.kind
    if not isinstance(current, _FITS.get(field.kind, object)):
        return "any"
    if field.kind in ("integer", "number"):
        low, high = field.low, field.high
        outside = (low is not None and current < low) or (high is not None and current > high)
        return "any" if outside or isinstance(current, bool) else field.kind
    return field.kind


def _label(field: FormField) -> str:
    if field.key not in labels.texts or labels(field.key).lower() == field.key:
        return escaped(field.key)
    return f"{labels(field.key)} · {escaped(field.key)}"


def _unset(field: FormField) -> str:
    if field.default in (None, "", [], {}):
        return say("not_set")
    return say("default", value=_yaml(field.default))[:80]


def _yaml(value: Any) -> str:
    """As it may be typed: a text without quotes where it is read as a text."""
    if isinstance(value, str):
        try:
            if value and parse_document(value, "value").value == value:
                return value
        except ExperimentError:
            pass
    return json.dumps(value, ensure_ascii=False)


def _changed(draft: Draft, path: Path_, field: FormField, key: str) -> None:
    """Carries the widget's value into the text."""
    given = st.session_state[key]
    if isinstance(given, str) and not given:
        given = None
    if isinstance(given, str) and _typed_as_yaml(field):
        try:
            given = parse_document(given, path[-1] if isinstance(path[-1], str) else "value").value
        except ExperimentError as error:
            st.session_state[PROBLEM] = error
            return
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    draft.set(path, given)


def _typed_as_yaml(field: FormField) -> bool:
    return field.kind not in ("text", "long_text", "choice")
