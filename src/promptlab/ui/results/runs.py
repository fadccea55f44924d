"""Runs over time: all runs, several side by side, and one experiment's trend."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from promptlab.analysis import AcrossRuns, words
from promptlab.analysis.trend import TrendPoint
from promptlab.analysis.verdict import Speaker
from promptlab.basics.errors import UsageError
from promptlab.export import trend_figure
from promptlab.runs.reading import has_results
from promptlab.ui.language import Texts, in_chosen, language, placeholders
from promptlab.ui.results.comparison import verdicts
from promptlab.ui.results.grid import Lines, grid, named, part, section, text_cell
from promptlab.ui.results.loaded import StoredRun, across, counts_of, stored_runs, trend_of
from promptlab.ui.results.plots import draw
from promptlab.ui.results.where import asked, asked_all, bound, follow, move
from promptlab.ui.shown import escaped, failed, visible

say = Texts(
    all_runs=("All runs", "全部运行"),
    run=("Run", "运行"),
    experiment=("Experiment", "实验"),
    started=("Started", "开始时间"),
    took=("Duration", "用时"),
    status=("Status", "状态"),
    trials=("Trials", "试验"),
    failures=("No answer", "无答案"),
    errors=("Errors", "出错"),
    compare=("Runs side by side", "并列比较的运行"),
    compare_how=(
        "Choose two or more. Every cell is paired with the one of its name in the first run.",
        "请选择两个或以上的运行。每个单元与第一个运行中的同名单元配对。",
    ),
    changed=("Compare on the samples that did not change", "仅在未变动的样本上比较"),
    mean=("Mean", "均值"),
    cell=("Cell", "单元"),
    changes=("What differs", "不同之处"),
    no_changes=("The experiment files say the same.", "实验文件内容相同。"),
    place=("Where", "位置"),
    before=("First run", "第一个运行"),
    after=("Other run", "另一个运行"),
    differences=("Paired differences: other − first", "配对差异：另一个 − 第一个"),
    difference=("Difference", "差异"),
    verdict=("Verdict", "结论"),
    trend=("Trend of {experiment}", "{experiment} 的变化趋势"),
    trend_how=(
        "Change: against the run before, paired by sample, with its 95 % interval; no verdict.",
        "变化：与前一次运行按样本配对之差及其 95% 置信区间，不作显著性结论。",
    ),
    change=("Change", "变化"),
    what=("What changed", "改动"),
    draw_trend=("Work it out from {n:,} trials", "由 {n:,} 次试验计算"),
    more=("Show {n} more", "再显示 {n} 个"),
)
_PAGE = 50
_MOST_TREND = 12
_QUICK_TRIALS = 60_000  # worked out without being asked


def show(run: StoredRun) -> None:
    """The view."""
    runs = stored_runs()
    _list(list(runs.values()))
    picked = [each for each in dict.fromkeys(asked_all("runs")) if each in runs]
    section(say("compare"))
    names = {
        each: visible(f"{found.experiment} · {found.started} · {each[-4:]}") for each, found in runs.items()
    }
    st.multiselect(
        say("compare"),
        list(runs),
        format_func=names.__getitem__,
        label_visibility="collapsed",
        placeholder=placeholders("several"),
        **bound("runs", picked),
    )
    if len(picked) > 1:
        _side_by_side([runs[each] for each in picked])
    else:
        st.caption(say("compare_how"))
    same = [
        each for each in runs.values() if each.experiment == run.experiment and has_results(each.directory)
    ]
    if same:
        section(say("trend", experiment=run.experiment))
        drawn = [each.directory for each in same[:_MOST_TREND]][::-1]
        trials = sum(sum(counts_of(each).values()) for each in drawn)
        if trials <= _QUICK_TRIALS or st.button(say("draw_trend", n=trials), key="results-draw-trend"):
            _trend(trend_of(drawn))


def _list(runs: list[StoredRun]) -> None:
    from promptlab.ui.results.page import status_words

    shown = int(asked("shown", str(_PAGE))) if asked("shown", str(_PAGE)).isdecimal() else _PAGE
    columns = [named(say("run")), *(named(say(each)) for each in ("started", "status"))]
    columns += [named(say(each), number=True) for each in ("took", "trials", "failures", "errors")]
    rows = []
    for each in runs[:shown]:
        counts = counts_of(each.directory)
        silent = sum(n for status, n in counts.items() if status not in ("ok", "error"))
        rows.append(
            [
                [
                    [part(each.experiment, "name", act=f"open:{each.directory.id}")],
                    [part(each.directory.id, "small")],
                ],
                text_cell(each.started),
                text_cell(status_words(each.manifest.get("status"))),
                text_cell(words.seconds(each.duration_s)),
                text_cell(words.count(sum(counts.values()))),
                text_cell(words.count(silent)),
                text_cell(words.count(counts.get("error", 0))),
            ]
        )
    told = grid("results-runs-list", say("all_runs"), columns, rows, height="22rem")
    if len(runs) > shown and st.button(say("more", n=min(_PAGE, len(runs) - shown)), key="results-more-runs"):
        move(shown=str(shown + _PAGE))
        st.rerun()
    follow(told, ("open", lambda name: move(run=name, view="comparison")))


def _side_by_side(runs: Sequence[StoredRun]) -> None:
    labelled = [(chr(ord("A") + number), each.directory) for number, each in enumerate(runs[:26])]
    st.text(visible("   ".join(f"{label} = {each.id}" for label, each in labelled)))
    allowed = st.toggle(say("changed"), **bound("changed", asked("changed") == "True"))
    try:
        found = across(labelled, changed_data=allowed)
    except UsageError as error:
        failed(error)
        return
    for sentence in found.told(language()):
        st.text(visible(sentence))
    _means(found, [label for label, _ in labelled])
    _differences(found)
    st.caption(say("changes"))
    if found.changes:
        columns = [named(say(each)) for each in ("run", "place", "before", "after")]
        rows = [
            [text_cell(each.label), text_cell(each.place), text_cell(each.before), text_cell(each.after)]
            for each in found.changes
        ]
        grid("results-changes", say("changes"), columns, rows, height="20rem")
    else:
        st.caption(say("no_changes"))
    for note in (*found.notes, *found.exposure):
        st.text(visible(in_chosen(note)))


def _means(found: AcrossRuns, labels: list[str]) -> None:
    """A cell a row, a run a column."""
    speaker = Speaker(found)
    cells: dict[tuple[str, str, str], dict[str, Lines]] = {}
    for cell in found.cells:
        variant, _, label = cell.result.variant.rpartition("@")
        score = cell.scores[found.primary].interval if found.primary in cell.scores else None
        told = [part(words.number(score.mean if score else None, speaker.digits), "strong")]
        told += [part(words.bounds(score.low, score.high, speaker.digits))] if score else []
        cells.setdefault((variant, cell.result.model, cell.result.dataset), {})[label] = [told]
    rows = [
        [
            [[part(variant)], [part(f"{model} × {dataset}", "small")]],
            *(found_here.get(label, text_cell("-")) for label in labels),
        ]
        for (variant, model, dataset), found_here in cells.items()
    ]
    st.caption(escaped(f"{say('mean')}: {found.primary}"))
    grid("results-means", say("mean"), [named(say("cell")), *map(named, labels)], rows, height="24rem")


def _differences(found: AcrossRuns) -> None:
    speaker = Speaker(found)
    pairs = [pair for pair in found.pairs if pair.in_family and pair.scorer == found.primary]
    columns = [named(say("cell")), named(say("difference")), named("p", number=True), named("n", number=True)]
    rows = [
        [
            [[part(f"{pair.a.variant} − {pair.b.variant}")], [part(pair.a.model, "small")]],
            [[part(speaker.signed(pair), "strong"), part(speaker.bounds(pair))]],
            text_cell(words.p_value(pair.p_adjusted)),
            text_cell(words.count(pair.found.n if pair.found else 0)),
            text_cell(verdicts(pair.verdict.name)),
        ]
        for pair in pairs
    ]
    st.caption(say("differences"))
    grid("results-across-pairs", say("differences"), [*columns, named(say("verdict"))], rows, height="24rem")


def _trend(points: list[TrendPoint]) -> None:
    figure = trend_figure(points)
    if figure is not None and len({each.run for each in points}) > 1:
        draw("trend", figure)
    digits = words.decimals(max((each.score.n for each in points if each.score), default=0))
    columns = [named(say(each)) for each in ("cell", "run", "mean", "change", "what")]
    rows = []
    for each in points:
        score, change = each.score, each.change
        mean = [part(words.number(score.mean if score else None, digits), "strong")]
        mean += [part(words.bounds(score.low, score.high, digits))] if score else []
        told = (
            f"{words.signed(change.diff, digits)} {words.bounds(change.low, change.high, digits)}"
            if change
            else "-"
        )
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(each.created))
        rows.append(
            [
                [[part(each.variant)], [part(f"{each.model} × {each.dataset}", "small")]],
                [[part(at, "link", act=f"open:{each.run}")], [part(each.run[-4:], "small")]],
                [mean],
                text_cell(told),
                text_cell(words.listed([in_chosen(what) for what in each.what]) if each.what else ""),
            ]
        )
    st.caption(say("trend_how"))
    told_act = grid("results-trend", say("change"), columns, rows, height="30rem")
    follow(told_act, ("open", lambda name: move(run=name, view="comparison")))
