"""One trial whole: what was noted, every call with its prompt and reply, what judges and people said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from promptlab.analysis import words
from promptlab.runs import RunReader
from promptlab.runs.labels import judged_as, label_answer
from promptlab.ui.data.adding import offer_adding
from promptlab.ui.language import Texts, in_chosen, placeholders
from promptlab.ui.results.loaded import StoredRun
from promptlab.ui.results.where import move
from promptlab.ui.shown import escaped, model_markdown, model_text, visible

say = Texts(
    trial=("Trial {trial}: {names}", "试验 {trial}：{names}"),
    close=("Close", "关闭"),
    status=(
        "status {status}, repeat {repeat}, rule {rule}",
        "状态 {status}，第 {repeat} 次重复，规则 {rule}",
    ),
    scores=("Scores", "得分"),
    notes=("What the technique noted", "技术过程记录"),
    call=("Call {n} ({what})", "调用 {n}（{what}）"),
    cached=("from the cache", "来自缓存"),
    sent=("sent, {n} attempt(s)", "已发送，尝试 {n} 次"),
    failed=("failed after {n} attempt(s)", "尝试 {n} 次后失败"),
    tokens=("{prompt} + {reply} tokens", "{prompt} + {reply} token"),
    cost=("{cost} {currency}", "{cost} {currency}"),
    no_cost=("cost unknown", "费用未知"),
    ended=("ended by {finish}", "结束原因 {finish}"),
    no_sampling=("no sampling parameters", "未设采样参数"),
    reply=("reply", "回复"),
    reasoning=("reasoning", "推理过程"),
    error=("error", "错误"),
    markdown=("Read the reply as Markdown", "以 Markdown 显示回复"),
    judge=("Judge {judge}: {score}, {method}", "评审 {judge}：{score}，{method}"),
    no_score=("no score", "无评分"),
    rate=("Your rating", "人工评分"),
    verdict=("Verdict", "判定"),
    score=("Score from 0 to 1", "评分（0 到 1）"),
    comment=("Comment", "评语"),
    save=("Save", "保存"),
    saved=("Saved.", "已保存。"),
    rate_why=(
        "Kept as people's labels beside the run, as `promptlab score --human` does.",
        "作为人工标注保存在运行旁，与 `promptlab score --human` 相同。",
    ),
    unknown=("unknown", "未知"),
)
_OPEN_CALLS = 4


def show(run: StoredRun, reader: RunReader, number: int) -> None:
    """What `promptlab show RUN TRIAL` prints, and a form for a person's rating."""
    found = reader.trial(number)
    names = " × ".join(found[each] for each in ("variant", "model", "dataset"))
    with st.container(border=True, key="results-trial"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.markdown(f"**{say('trial', trial=number, names=escaped(names))}**")
            offer_adding(run.directory, [number], key="results-keep")
            if st.button(say("close"), key="results-close"):
                move(trial=None)
                st.rerun()
        status, rule = in_chosen(found["status"]), in_chosen(found["rule"] or "-")
        facts = say("status", status=status, repeat=found["repeat"] + 1, rule=rule)
        st.caption(escaped(facts))
        scores = {name: found[name] for name in reader.scorers()}
        if scores:
            told = " · ".join(f"{name} {words.number(score, 3)}" for name, score in scores.items())
            st.text(visible(f"{say('scores')}: {told}"))
        if found["error"]:
            model_text(in_chosen(found["error"]), key="results-trial-error")
        if found["status"] != "error":
            _rating(run, number, found["label"], found["comment"])
        if found["notes"]:
            with st.expander(say("notes"), expanded=True):
                _notes(found["notes"])
        calls = list(reader.calls(number))
        for call in calls:
            _call(call, f"results-call-{call['ordinal']}", opened=len(calls) <= _OPEN_CALLS)
        for at, judgement in enumerate(reader.judgements(number)):
            score = say("no_score") if judgement["value"] is None else words.number(judgement["value"])
            st.text(visible(say("judge", judge=judgement["scorer"], score=score, method=judgement["method"])))
            for call in judgement["call_list"]:
                _call(call, f"results-judge-{at}-{call['ordinal']}", opened=False)


def _rating(run: StoredRun, trial: int, label: str | None, comment: str | None) -> None:
    verdicts = [name for name, _ in judged_as(run.directory)]
    with st.form(f"results-rate-{trial}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if verdicts == ["1", "0"]:
                given = _score(label, trial)
            else:
                known = [*verdicts, *([label] if label and label not in verdicts else [])]
                given = st.selectbox(
                    say("verdict"),
                    known,
                    index=known.index(label) if label else None,
                    format_func=visible,
                    key=f"results-label-{trial}",
                    placeholder=placeholders("one"),
                    width=180,
                )
            said = st.text_input(
                say("comment"), comment or "", key=f"results-comment-{trial}", max_chars=2_000, width=460
            )
            saved = st.form_submit_button(say("save"), key=f"results-save-{trial}")
        st.caption(say("rate_why"))
    if saved:
        label_answer(run.directory, trial, given, said.strip(), "workbench")
        st.toast(say("saved"))


def _score(label: str | None, trial: int) -> str | None:
    try:
        value = None if label is None else float(label)
    except ValueError:
        value = None  # a label from a file, of another scale
    given = st.number_input(
        say("score"), 0.0, 1.0, value, 0.1, key=f"results-label-{trial}", width=180, format="%g"
    )
    return label if given is None and value is None else None if given is None else f"{given:g}"


def _notes(notes: Mapping[str, Any], above: str = "") -> None:
    """Retrieved facts, votes, plans: whatever the technique noted, inner ones further in."""
    for key, value in notes.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            _notes(value, f"{name} › ")
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            st.caption(escaped(name))
            lines = []
            for each in value:
                whole = each.items() if isinstance(each, Mapping) else [("", each)]
                lines.append(
                    "; ".join(f"{field}: {_told(said)}" if field else _told(said) for field, said in whole)
                )
            model_text("\n".join(lines), key=f"results-note-{name}")
        elif value not in ({}, [], None):
            st.caption(escaped(name))
            model_text(_told(value), key=f"results-note-{name}")


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _call(call: Mapping[str, Any], key: str, *, opened: bool) -> None:
    facts = [say("call", n=call["ordinal"] + 1, what=escaped(call["name"]))]
    if call["error"]:
        facts.append(say("failed", n=call["attempts"]))
    else:
        facts.append(say("cached") if call["cached"] else say("sent", n=call["attempts"]))
    counts = [_count(call[each]) for each in ("prompt_tokens", "completion_tokens")]
    facts.append(say("tokens", prompt=counts[0], reply=counts[1]))
    if call["latency_s"] is not None:
        facts.append(words.seconds(call["latency_s"]))
    with st.expander(" · ".join(facts), expanded=opened):
        cost = call["cost"]
        told = say("no_cost") if cost is None else say("cost", cost=f"{cost:.6f}", currency=call["currency"])
        sampling = ", ".join(f"{name} {value}" for name, value in call["sampling"].items())
        finish = say("ended", finish=call["finish"] or say("error"))
        st.caption(escaped(f"{sampling or say('no_sampling')} · {told} · {finish}"))
        for number, message in enumerate(call["messages"]):
            st.caption(escaped(message["role"]))
            model_text(_content(message["content"]), key=f"{key}-message-{number}")
        if call["reasoning"]:
            st.caption(say("reasoning"))
            model_text(call["reasoning"], key=f"{key}-reasoning")
        st.caption(say("error") if call["error"] else say("reply"))
        model_text(in_chosen(call["error"]) if call["error"] else call["reply"] or "", key=f"{key}-reply")
        if call["reply"] and st.toggle(say("markdown"), key=f"{key}-markdown"):
            with st.container(border=True):
                model_markdown(call["reply"])


def _content(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(map(str, content))


def _count(value: int | None) -> str:
    return say("unknown") if value is None else words.count(value)
