"""Splits, duplicates, near duplicates and overlaps, as `datasets check` finds them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from promptlab.datasets import Dataset, Examination, Where, examine
from promptlab.datasets.grams import text_of
from promptlab.ui.data.mapping import Mapped
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.shown import done, failed, noted

_SHOWN = 50
_CHARS = 200
say = Texts(
    why=(
        "All samples are read once; two samples are the same if the model is shown the same.",
        "会通读全部样本；给模型看的内容相同即视为同一样本。",
    ),
    look=("Look for repeats", "开始检查"),
    looking=("Reading the samples…", "正在读取样本…"),
    split=("Split", "划分"),
    rows=("Samples", "样本数"),
    labels=("Labels", "标签分布"),
    chars=("Median length", "长度中位数"),
    clean=("Nothing repeats.", "没有重复。"),
    overlaps=(
        "{n:,} inputs stand in more than one split: what is measured on test was seen before.",
        "{n:,} 个输入同时出现在多个划分中：测试集的内容已被看到过。",
    ),
    duplicates=("{n:,} samples repeat an earlier one.", "{n:,} 个样本与前面的重复。"),
    conflicts=(
        "{n:,} inputs have different answers.",
        "{n:,} 个输入对应不同的答案。",
    ),
    near=(
        "{n:,} pairs are nearly the same ({overlaps:,} of them over splits).",
        "{n:,} 对样本几乎相同（其中 {overlaps:,} 对跨划分）。",
    ),
    where=("Where", "位置"),
    kind=("Kind", "种类"),
    text=("Input", "输入"),
    is_overlap=("over splits", "跨划分"),
    is_conflict=("other answer", "答案不同"),
    is_same=("same", "相同"),
    similar=("{share:.0%} alike", "相似度 {share:.0%}"),
)


def check_repeats(mapped: Mapped) -> None:
    """A button, since it may take a while for large files; the finding stays until something changes."""
    st.caption(say("why"))
    spec = mapped.spec()
    with mapped.open() as dataset:
        stamp = (dataset.hash, *mapped.guess.inputs)
        if st.button(say("look"), key="check-look", type="primary"):
            with st.spinner(say("looking")):
                found = examine(dataset, spec, mapped.path.parent, mapped.guess.inputs)
            st.session_state["check-found"] = (stamp, found)
        kept = st.session_state.get("check-found")
        if kept is not None and kept[0] == stamp:
            _show(kept[1], dataset)


def _show(found: Examination, dataset: Dataset) -> None:
    repeats = found.repeats
    st.dataframe(
        [
            {
                say("split"): each.split,
                say("rows"): each.size,
                say("labels"): ", ".join(
                    f"{name} {count:,}" for name, count in list((each.labels or {}).items())[:8]
                )
                if each.labels and len(each.labels) * 2 <= each.size
                else "",
                say("chars"): each.chars.median if each.chars else None,
            }
            for each in found.splits
        ],
        key="check-splits",
        hide_index=True,
    )
    if repeats.clean:
        done(say("clean"))
        return
    if repeats.overlap_groups:
        failed(say("overlaps", n=repeats.overlap_groups))
    if repeats.duplicate_rows:
        noted(say("duplicates", n=repeats.duplicate_rows))
    if repeats.conflict_groups:
        noted(say("conflicts", n=repeats.conflict_groups))
    if repeats.near_count:
        noted(say("near", n=repeats.near_count, overlaps=repeats.near_overlaps))
    rows = [
        {
            say("kind"): ", ".join(
                [
                    say("is_same"),
                    *([say("is_overlap")] if each.overlap else []),
                    *([say("is_conflict")] if each.conflict else []),
                ]
            ),
            say("where"): _places(each.samples),
            say("text"): _text(dataset, each.samples[0]),
        }
        for each in repeats.duplicates[:_SHOWN]
    ]
    rows += [
        {
            say("kind"): ", ".join(
                [say("similar", share=pair.similarity), *([say("is_overlap")] if pair.overlap else [])]
            ),
            say("where"): _places([pair.first, pair.second]),
            say("text"): _text(dataset, pair.first),
        }
        for pair in repeats.near[:_SHOWN]
    ]
    st.dataframe(rows, key="check-repeats", hide_index=True)
    for note in repeats.notes:
        st.text(in_chosen(note))


def _places(samples: Sequence[Where]) -> str:
    return ", ".join(f"{each.split} {each.id}" for each in samples[:6]) + (", …" if len(samples) > 6 else "")


def _text(dataset: Dataset, where: Where) -> str:
    sample = dataset.find(where.id, where.split)
    return "" if sample is None else text_of(sample.inputs)[:_CHARS]
