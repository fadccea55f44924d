"""One question with its answers, and what can be said of them: by button or by key."""

from __future__ import annotations

import streamlit as st

from promptlab.basics.errors import PromptlabError
from promptlab.basics.hashing import short_digest
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.rating_queue import RatingQueue, Shown
from promptlab.runs.ratings import (
    GOOD_OR_BAD,
    ONE_TO_FIVE,
    SKIP,
    TIE,
    Kind,
    keep_first,
    ratings,
    scales_of,
    undo,
)
from promptlab.ui.language import Texts
from promptlab.ui.shown import done, escaped, failed, model_text, noted

say = Texts(
    name_first=(
        "Type your name above to begin. Your ratings are kept beside the run.",
        "请先在上方填写名字。评分会保存在这次运行的目录里。",
    ),
    few_cells=(
        "This run has one variant and one model: there is nothing to compare. Rate one at a time.",
        "这次运行只有一个变体和一个模型，无法两两比较。请改为逐条打分。",
    ),
    scale=("Scale", "量表"),
    good_or_bad=("bad, good", "差、好"),
    one_to_five=("1 to 5", "1 到 5 分"),
    as_judge=("as the judge {judge}: {labels}", "与评审模型 {judge} 相同：{labels}"),
    reference=("Show the reference answer", "显示标准答案"),
    no_reference=("There is no reference answer.", "该样本没有标准答案。"),
    question=("Question", "问题"),
    answer=("Answer", "回答"),
    left=("Left", "左"),
    right=("Right", "右"),
    left_better=("Left is better", "左边更好"),
    right_better=("Right is better", "右边更好"),
    tie=("No difference", "不分上下"),
    skip=("Skip", "跳过"),
    undo=("Undo", "撤销"),
    keys_pairs=(
        "Keys: 1 left, 2 right, 0 no difference, S skip, U undo.",
        "快捷键：1 左边，2 右边，0 不分上下，S 跳过，U 撤销。",
    ),
    keys_single=(
        "Keys: 1 to {n} from worst to best, S skip, U undo.",
        "快捷键：1 到 {n} 依次从差到好，S 跳过，U 撤销。",
    ),
    counted=("{n:,} rated of at most {total:,}", "已评 {n:,} 条，最多 {total:,} 条"),
    all_done=(
        "You have rated everything there is. See the results, or undo the last one.",
        "已全部评完。可查看结果，也可撤销上一条。",
    ),
    taken_back=("Taken back: rate it again.", "已撤销，请重新评分。"),
    not_counted=(
        "Not counted: press one key, once the next one is shown.",
        "未计入：请等下一条显示后再按，每次只按一个键。",
    ),
    nothing_to_undo=("There is nothing of yours to take back.", "没有可撤销的评分。"),
)
_MESSAGE = "rating-message"


def ask(run: RunDirectory, kind: Kind, rater: str) -> None:
    """Shows what this person has not rated yet and keeps what they say."""
    if not rater:
        noted(say("name_first"))
        return
    with RunReader(run) as reader:
        scale = () if kind == "pairs" else _scale(reader)
        queue = RatingQueue(reader, kind)
        total = len(queue)
        if kind == "pairs" and not total:
            noted(say("few_cells"))
            return
        given = ratings(run, rater=rater, kind=kind)
        shown = queue.next(rater, given)
    st.caption(say("counted", n=sum(not each.skipped for each in given), total=total))
    if shown is None:
        done(say("all_done"))
        _undo_button(run, rater, kind, "end")
    else:
        _question(shown)
        _answers(shown, kind)
        _buttons(run, shown, kind, rater, scale)
    _told()


def _scale(reader: RunReader) -> tuple[str, ...]:
    judges = scales_of(reader)
    scales: dict[str, tuple[str, ...]] = {"good_or_bad": GOOD_OR_BAD, "one_to_five": ONE_TO_FIVE, **judges}

    def told(name: str) -> str:
        return say("as_judge", judge=name, labels=", ".join(scales[name])) if name in judges else say(name)

    chosen = st.selectbox(
        say("scale"), list(scales), format_func=told, key="rating-scale", persist_state="session"
    )
    return scales[chosen]


def _question(shown: Shown) -> None:
    st.caption(say("question"))
    model_text(shown.question, key="rating-question")
    if st.toggle(say("reference"), key="rating-reference", persist_state="session"):
        if shown.reference:
            model_text(shown.reference, key="rating-reference-text")
        else:
            st.caption(say("no_reference"))


def _answers(shown: Shown, kind: Kind) -> None:
    names = ("left", "right") if kind == "pairs" else ("answer",)
    for column, name, text in zip(st.columns(len(names)), names, shown.answers, strict=True):
        with column, st.container(key=f"rating-{name}"):
            st.caption(say(name))
            model_text(text, key=f"rating-{name}-text")


def _buttons(run: RunDirectory, shown: Shown, kind: Kind, rater: str, scale: tuple[str, ...]) -> None:
    # The buttons belong to what is shown: a key that comes before the next is shown is not for the next.
    mark = short_digest([each.hex() for each in shown.identities])
    if kind == "pairs":
        offered = [
            ("left", say("left_better"), "1"),
            (TIE, say("tie"), "0"),
            ("right", say("right_better"), "2"),
        ]
    else:
        offered = [(label, escaped(label), str(place)) for place, label in enumerate(scale, 1)]
    with st.container(horizontal=True, key="rating-buttons"):
        for said, label, key in offered:
            st.button(
                label,
                key=f"rate-{said}-{mark}",
                shortcut=key if len(key) == 1 else None,
                type="primary",
                on_click=_give,
                args=(run, shown, rater, said, scale, mark),
            )
        st.button(
            say("skip"),
            key=f"rate-skip-{mark}",
            shortcut="s",
            on_click=_give,
            args=(run, shown, rater, SKIP, scale, mark),
        )
        _undo_button(run, rater, kind, mark)
    st.caption(say("keys_pairs") if kind == "pairs" else say("keys_single", n=min(9, len(scale))))


def _undo_button(run: RunDirectory, rater: str, kind: Kind, mark: str) -> None:
    st.button(
        say("undo"), key=f"rate-undo-{mark}", shortcut="u", on_click=_take_back, args=(run, rater, kind, mark)
    )


def _give(run: RunDirectory, shown: Shown, rater: str, said: str, scale: tuple[str, ...], mark: str) -> None:
    """Keeps the first thing that is said of what was shown: only undo takes it back."""
    try:
        if _several(mark) or not keep_first(run, shown.rated(rater, said, scale)):
            st.session_state[_MESSAGE] = "not_counted"
    except PromptlabError as error:
        st.session_state[_MESSAGE] = error


def _take_back(run: RunDirectory, rater: str, kind: Kind, mark: str) -> None:
    try:
        if _several(mark):
            st.session_state[_MESSAGE] = "not_counted"
        else:
            st.session_state[_MESSAGE] = "taken_back" if undo(run, rater, kind) else "nothing_to_undo"
    except PromptlabError as error:
        st.session_state[_MESSAGE] = error


def _several(mark: str) -> bool:
    """Whether several buttons of what is shown were pressed before the server looked: keys that waited for a
    busy page come together, in no order."""
    buttons = [key for key in map(str, st.session_state) if key.startswith("rate-") and key.endswith(mark)]
    return sum(st.session_state[key] is True for key in buttons) > 1


def _told() -> None:
    """What the last button had to say. Last of all: where another key ends this run of the script before, the
    next one still has it to tell."""
    message = st.session_state.pop(_MESSAGE, None)
    if isinstance(message, PromptlabError):
        failed(message)
    elif message is not None:
        st.toast(say(message))
