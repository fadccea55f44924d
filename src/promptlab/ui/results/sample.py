"""One sample across all cells: replies side by side with the answer marked, word by word against another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from promptlab.analysis.word_diff import answer_place, word_diff
from promptlab.runs import RunReader
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.results import trial
from promptlab.ui.results.answer_columns import took, verdict_part
from promptlab.ui.results.grid import Lines, Part, column, grid, named, part, pieces, section
from promptlab.ui.results.loaded import StoredRun
from promptlab.ui.results.where import asked, bound, chosen, follow, move
from promptlab.ui.shown import escaped, model_text, noted, visible

if TYPE_CHECKING:
    from promptlab.ui.results.answers import Cell

say = Texts(
    back=("All samples", "返回样本列表"),
    unknown=("This run has no sample {sample}.", "该运行没有样本 {sample}。"),
    sample=("Sample {sample}", "样本 {sample}"),
    target=("Target", "标准答案"),
    no_target=("This sample has no target.", "该样本没有标准答案。"),
    against=("Compare word by word with", "逐词对照"),
    nothing=("nothing", "不对照"),
    with_target=("the target", "标准答案"),
    side_by_side=("Replies side by side", "并列的回复"),
    field=("Field", "字段"),
    what=("Sample", "样本"),
    reply=("Reply", "回复"),
    diff=("Difference", "差异"),
    diff_key=(
        "Struck through: only in the text compared with. Underlined: only here.",
        "删除线：仅见于对照文本；下划线：仅见于此处。",
    ),
    answer=("Answer", "答案"),
    rule=("rule {rule}", "规则 {rule}"),
    repeat=("repeat {n}", "第 {n} 次重复"),
    details=("Calls and rating", "调用与评分"),
    none=("none", "无"),
)
_SHORT = 2_000  # characters of an input that stands in a table
_SHOWN = 8_000  # characters of a reply side by side; the trial below has it whole
_TARGET = "target"


def show(run: StoredRun, reader: RunReader, dataset: str, cells: Sequence[Cell]) -> None:
    """The sample that the address names, and below it the trial that it names."""
    name = asked("sample")
    if st.button(say("back"), key="results-back", icon=":material/arrow_back:"):
        move(sample=None)
        st.rerun()
    trials = [each for each in reader.trials(sample=name) if each["dataset"] == dataset]
    if not trials:
        noted(say("unknown", sample=name))
        return
    whole = reader.trial(trials[0]["trial"])
    section(say("sample", sample=name))
    _facts(whole)
    _side_by_side(trials, cells)
    wanted = asked("trial")
    numbers = [str(each["trial"]) for each in trials]
    if wanted in numbers:
        trial.show(run, reader, int(wanted))


def _facts(whole: dict[str, Any]) -> None:
    """What the sample says, and its target; what is long stands by itself, where it can be had whole."""
    target = whole["target"]
    facts = {**whole["inputs"], say("target"): say("no_target") if target is None else target}
    short = {field: str(value) for field, value in facts.items() if len(str(value)) <= _SHORT}
    rows: list[list[Lines]] = [
        [[[part(field, "small")]], [[part(value, "whole")]]] for field, value in short.items()
    ]
    grid("results-inputs", say("what"), [named(say("field"), width="8rem"), named(say("what"))], rows)
    for number, (field, value) in enumerate(facts.items()):
        if field not in short:
            st.caption(escaped(field))
            model_text(str(value), key=f"results-input-{number}", height=300)


def _side_by_side(trials: list[dict[str, Any]], cells: Sequence[Cell]) -> None:
    labels = {each["trial"]: _label(each, trials) for each in trials}
    options = ["", *([_TARGET] if trials[0]["target"] is not None else []), *map(str, labels)]
    against = chosen("against", options)
    titles = {"": say("nothing"), _TARGET: say("with_target")}
    titles |= {str(number): visible(label) for number, label in labels.items()}
    st.selectbox(
        say("against"), options, format_func=titles.__getitem__, width=360, **bound("against", against)
    )
    other = _other(against, trials)
    order = {(cell.variant, cell.model): at for at, cell in enumerate(cells)}
    trials.sort(key=lambda each: (order.get((each["variant"], each["model"]), 0), each["repeat"]))
    columns = [column([part(labels[each["trial"]])], width="17rem") for each in trials]
    rows: list[list[Lines]] = [
        [_verdict(each) for each in trials],
        [[[_marked(each)]] for each in trials],
    ]
    if other is not None:
        st.caption(say("diff_key"))
        rows.append([[[_diff(each, other)]] for each in trials])
    heads = [say("answer"), say("reply"), say("diff")]
    told = grid(
        "results-sample",
        say("side_by_side"),
        [named("", width="4.5rem"), *columns],
        [[[[part(head, "small")]], *row] for head, row in zip(heads, rows, strict=False)],
    )
    follow(told, ("trial", lambda number: move(trial=number)))


def _verdict(each: dict[str, Any]) -> Lines:
    facts = {**each, "score": _first_score(each)}
    answer = say("none") if each["answer"] is None else str(each["answer"])[:_SHOWN]
    lines: Lines = [[verdict_part(facts), part(answer, "strong")]]
    lines.append([part(say("rule", rule=in_chosen(each["rule"] or "-")), "small"), part(took(each), "small")])
    return [*lines, [part(say("details"), "link", act=f"trial:{each['trial']}")]]


def _first_score(each: dict[str, Any]) -> float | None:
    """Scores stand last in a row, under their scorers' names."""
    values = list(each)
    scores = values[values.index("target") + 1 :]
    return each[scores[0]] if scores else None


def _marked(each: dict[str, Any]) -> Part:
    text = (each["text"] if each["text"] is not None else in_chosen(each["error"] or ""))[:_SHOWN]
    place = answer_place(text, str(each["answer"])) if each["answer"] is not None else None
    if place is None:
        return part(text, "whole")
    start, end = place
    return pieces([("same", text[:start]), ("mark", text[start:end]), ("same", text[end:])])


def _diff(each: dict[str, Any], other: tuple[str, bool]) -> Part:
    before, by_answer = other
    after = str(each["answer"] or "") if by_answer and each["answer"] is not None else each["text"] or ""
    return pieces(word_diff(before, after))


def _other(against: str, trials: list[dict[str, Any]]) -> tuple[str, bool] | None:
    """The text to compare with, and whether it is one of answers: a target is no reply."""
    if not against:
        return None
    if against == _TARGET:
        return str(trials[0]["target"]), True
    found = next(each for each in trials if str(each["trial"]) == against)
    return found["text"] or "", False


def _label(each: dict[str, Any], trials: list[dict[str, Any]]) -> str:
    names = [each["variant"]]
    names += [each["model"]] if len({one["model"] for one in trials}) > 1 else []
    names += [say("repeat", n=each["repeat"] + 1)] if any(one["repeat"] for one in trials) else []
    return " × ".join(names)
