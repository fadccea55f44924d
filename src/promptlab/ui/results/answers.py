"""A run's answers: a sample a row, a cell a column, filtered, searched, sorted and paged on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zlib import crc32

import streamlit as st

from promptlab.analysis import Comparison
from promptlab.analysis.stored import family_of
from promptlab.runs import RunReader
from promptlab.runs.browsing import (
    KEEPS,
    ORDERS,
    PAGE_SAMPLES,
    AnswerBrowser,
    AnsweredSample,
    Keep,
    Selection,
)
from promptlab.runs.labels import judged_as, label_answer
from promptlab.ui.language import Texts, placeholders
from promptlab.ui.results import answer_columns, sample
from promptlab.ui.results.grid import grid
from promptlab.ui.results.loaded import StoredRun, compared_and_surveyed
from promptlab.ui.results.where import asked, asked_all, bound, chosen, follow, move
from promptlab.ui.shown import noted, visible
from promptlab.ui.tied import tied

say = Texts(
    filter=("Show", "显示"),
    all=("All", "全部"),
    wrong=("Wrong", "答错"),
    right=("Right", "答对"),
    errors=("Errors", "出错"),
    no_answer=("No answer", "无答案"),
    unparsed=("Unparsed", "未能解析"),
    different=("Different", "回答不同"),
    flipped=("Flipped A/B", "A/B 翻转"),
    rated=("Rated", "已评"),
    search=("Search replies and samples", "搜索回复与样本"),
    sort=("Order", "排序"),
    file=("as in the data set", "按数据集顺序"),
    worst=("lowest score first", "得分从低到高"),
    best=("highest score first", "得分从高到低"),
    disputed=("most disagreement first", "分歧从大到小"),
    tokens=("most tokens first", "token 从多到少"),
    slowest=("slowest first", "用时从长到短"),
    columns=("Columns", "列"),
    dataset=("Data set", "数据集"),
    scorer=("Scorer", "评分器"),
    a=("A", "A"),
    b=("B", "B"),
    label=("Answers by sample", "按样本列出的回答"),
    nothing=(
        "No sample fits. Take the filter or the search away.",
        "没有符合条件的样本，请取消筛选或清空搜索。",
    ),
    found=("{n:,} samples", "{n:,} 个样本"),
)
_DEFAULT_COLUMNS = 4


@dataclass(frozen=True)
class Cell:
    """A column: a cell's row in the store, with its names."""

    row: int
    variant: str
    model: str

    @property
    def label(self) -> str:
        return f"{self.variant} × {self.model}"


def show(run: StoredRun) -> None:
    """The view: one sample where the address names one, else the pages of all."""
    with RunReader(run.directory) as reader:
        rows = reader.cells()
        datasets = list(dict.fromkeys(row["dataset"] for row in rows))
        dataset = chosen("dataset", datasets, datasets[0])
        cells = [Cell(row["id"], row["variant"], row["model"]) for row in rows if row["dataset"] == dataset]
        if asked("sample"):
            sample.show(run, reader, dataset, cells)
            return
        _pages(run, reader, datasets, dataset, cells)


def _pages(run: StoredRun, reader: RunReader, datasets: list[str], dataset: str, cells: list[Cell]) -> None:
    scorers = reader.scorers()
    headline = family_of(run.manifest, scorers).headline
    with st.container(horizontal=True, vertical_alignment="bottom", key="results-tools"):
        if len(datasets) > 1:
            st.selectbox(
                say("dataset"), datasets, format_func=visible, width=220, **bound("dataset", dataset)
            )
        st.text_input(say("search"), type="search", width=280, placeholder=" ", **bound("q", asked("q")))
        order = chosen("sort", ORDERS, "file")
        st.selectbox(
            say("sort"), ORDERS, format_func=say, width=230, **bound("sort", order, leave_out="file")
        )
        scorer = chosen("scorer", list(scorers), headline)
        if len(scorers) > 1:
            st.selectbox(
                say("scorer"),
                list(scorers),
                format_func=visible,
                width=180,
                **bound("scorer", scorer, leave_out=headline),
            )
        shown = _columns(cells)
    keep: Any = chosen("filter", KEEPS, "all")
    if keep == "flipped" and len(cells) > 1:
        shown = list(_sides(cells))
    a, b = _sides(shown) if len(shown) > 1 else (None, None)
    selection = Selection(
        cells=tuple(cell.row for cell in shown),
        scorer=scorers.get(scorer),
        text=asked("q"),
        a=a.row if a else None,
        b=b.row if b else None,
    )
    compared, survey = compared_and_surveyed(run.directory, selection)
    browser = AnswerBrowser(reader, survey)
    counts = browser.counts()
    _chips(keep, counts, len(cells), len(shown))
    if keep == "flipped" and a and b:
        _choose_sides(cells, a, b)
    pages = max(1, -(-counts[keep] // PAGE_SAMPLES))
    at = min(max(1, int(asked("page", "1")) if asked("page", "1").isdecimal() else 1), pages)
    found = browser.page(keep, order, PAGE_SAMPLES, (at - 1) * PAGE_SAMPLES)  # type: ignore[arg-type]
    if not found:
        noted(say("nothing"))
        return
    _table(run, compared, dataset, shown, found, scorer, same=f"{keep} {order} {at} {asked('q')}")
    with st.container(horizontal=True, vertical_alignment="center", key="results-pages"):
        st.caption(say("found", n=counts[keep]))
        if pages > 1:
            _turn(pages, at, f"{keep} {order} {asked('q')} {selection.cells}")


def _turn(pages: int, at: int, of: str) -> None:
    """The page numbers. Another selection is another widget: a number of the last one means nothing in it."""

    def turn(page: int) -> None:
        move(page=None if page == 1 else str(page))

    st.pagination(pages, **tied(f"results-page-{crc32(of.encode())}", at, turn))


def _table(
    run: StoredRun,
    compared: Comparison,
    dataset: str,
    shown: list[Cell],
    found: list[AnsweredSample],
    scorer: str,
    *,
    same: str,
) -> None:
    columns = answer_columns.heads(compared, dataset, shown, scorer)
    verdicts = judged_as(run.directory)
    rows = [answer_columns.row(each, shown, verdicts) for each in found]
    told = grid("results-answers", say("label"), columns, rows, height="72vh", same=same)

    def rate(rest: str) -> None:
        trial, _, label = rest.partition(":")
        answers = (one for each in found for many in each.answers.values() for one in many)
        before = next(one for one in answers if one["trial"] == int(trial))
        taken_back = before["label"] == label
        label_answer(run.directory, int(trial), None if taken_back else label, before["comment"], "workbench")

    def open_trial(rest: str) -> None:
        trial, _, name = rest.partition(":")
        move(sample=name, trial=trial)

    follow(told, ("sample", lambda name: move(sample=name)), ("trial", open_trial), ("rate", rate))


def _columns(cells: list[Cell]) -> list[Cell]:
    """The cells to show: what a link names, what was chosen, else the first few."""
    labels = {cell.label: cell for cell in cells}
    variant, model = asked("variant"), asked("model")
    named = [each.label for each in cells if variant in ("", each.variant) and model in ("", each.model)]
    picked = [label for label in asked_all("columns") if label in labels]
    narrowed = named if variant or model else []
    current = picked or narrowed or list(labels)[:_DEFAULT_COLUMNS]
    if len(labels) > 1:
        st.multiselect(
            say("columns"),
            list(labels),
            format_func=visible,
            width=460,
            placeholder=placeholders("several"),
            **tied("results-columns", current, lambda found: move(variant=None, model=None, columns=found)),
        )
    return [labels[label] for label in current]


def _chips(keep: Keep, counts: dict[Keep, int], cells: int, shown: int) -> None:
    offered = [each for each in KEEPS if cells > 1 or each not in ("different", "flipped") or each == keep]

    def told(each: Keep) -> str:
        # Two cells are compared there, which may not be shown yet.
        return say(each) if each == "flipped" and shown < 2 else f"{say(each)} {counts[each]:,}"

    st.pills(
        say("filter"),
        offered,
        format_func=told,
        required=True,
        label_visibility="collapsed",
        **bound("filter", keep, leave_out="all"),
    )


def _sides(cells: list[Cell]) -> tuple[Cell, Cell]:
    """A and B of two or more: as the address names them, by their whole name or the variant's."""
    a = _named(cells, asked("a")) or cells[0]
    b = _named(cells, asked("b"))
    return a, b if b and b != a else next(cell for cell in cells if cell != a)


def _named(cells: list[Cell], name: str) -> Cell | None:
    return next((cell for cell in cells if name in (cell.label, cell.variant)), None)


def _choose_sides(cells: list[Cell], a: Cell, b: Cell) -> None:
    labels = [cell.label for cell in cells]
    with st.container(horizontal=True):
        for name, cell in (("a", a), ("b", b)):
            st.selectbox(say(name), labels, format_func=visible, width=320, **bound(name, cell.label))
