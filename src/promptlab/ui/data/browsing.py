"""The samples of a data set, a page at a time, searched on the server."""

from __future__ import annotations

from typing import Any

import streamlit as st

from promptlab.datasets import SPLITS, Dataset, Sample, SplitName
from promptlab.datasets.searching import find_positions
from promptlab.ui.data.mapping import Mapped
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.shown import model_text, noted

PAGE_ROWS = 25
_CELL_CHARS = 500
say = Texts(
    split=("Split", "划分"),
    search=("Search", "搜索"),
    found=("{n:,} samples", "{n:,} 个样本"),
    nothing=("Nothing is found.", "没有找到。"),
    id=("id", "编号"),
    target=("answer", "答案"),
    choose=("Choose a row to read the whole sample.", "点选一行可查看完整样本。"),
    hash=("Content hash {hash}", "内容哈希 {hash}"),
)


def browse(mapped: Mapped) -> None:
    """One split: all of it, or what a search finds."""
    with mapped.open() as dataset:
        splits = [split for split in reversed(SPLITS) if dataset.sizes[split]]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            split = st.segmented_control(
                say("split"),
                splits,
                format_func=lambda name: f"{name} {dataset.sizes[name]:,}",
                default=splits[0],
                required=True,
                key="browse-split",
            )
            text = st.text_input(
                say("search"), key="browse-search", type="search", placeholder=" ", persist_state="session"
            )
        split = split if split in splits else splits[0]
        positions = _positions(dataset, split, (text or "").strip())
        count = dataset.sizes[split] if positions is None else len(positions)
        if not count:
            noted(say("nothing"))
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(say("found", n=count))
            pages = -(-count // PAGE_ROWS)
            page = st.pagination(pages, key=f"browse-page-{split}-{text}") if pages > 1 else 1
        start = (page - 1) * PAGE_ROWS
        samples = _page(dataset, split, positions, start)
        _table(samples)
        for note in dataset.notes:
            st.text(in_chosen(note))
        st.caption(say("hash", hash=dataset.hash))


def _positions(dataset: Dataset, split: SplitName, text: str) -> list[int] | None:
    """What the search finds, remembered for as long as it is asked for; None: everything."""
    if not text:
        return None
    stamp = (dataset.hash, split, text)
    if st.session_state.get("browse-stamp") != stamp:
        st.session_state["browse-positions"] = find_positions(dataset, split, text)
        st.session_state["browse-stamp"] = stamp
    found: list[int] = st.session_state["browse-positions"]
    return found


def _page(dataset: Dataset, split: SplitName, positions: list[int] | None, start: int) -> list[Sample]:
    if positions is None:
        return list(dataset.samples(split, start, start + PAGE_ROWS))
    return [dataset.sample(split, each) for each in positions[start : start + PAGE_ROWS]]


def _table(samples: list[Sample]) -> None:
    chosen: Any = st.dataframe(
        [
            {
                say("id"): sample.id,
                **{name: str(value)[:_CELL_CHARS] for name, value in sample.inputs.items()},
                **({"choices": " | ".join(sample.choices)[:_CELL_CHARS]} if sample.choices else {}),
                say("target"): " | ".join(sample.targets)[:_CELL_CHARS],
            }
            for sample in samples
        ],
        key="browse-rows",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(38 + 35 * len(samples), 640),
    )
    rows = chosen["selection"]["rows"]
    if not rows or rows[0] >= len(samples):
        st.caption(say("choose"))
        return
    sample = samples[rows[0]]
    shown = {**sample.inputs, say("target"): " | ".join(sample.targets)}
    if sample.rationale:
        shown["rationale"] = sample.rationale
    text = "\n".join(f"{name}: {value}" for name, value in shown.items())
    model_text(text, key=f"browse-sample-{rows[0]}")
