"""What the ratings say: strengths or labels, agreement; to a file and back, and as labels for judges."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from promptlab.analysis.preferences import FEW, HALF_A_WIN, UNCONNECTED
from promptlab.analysis.rated import Concord, Graded, Preferred, graded, preferred
from promptlab.analysis.words import bounds, p_words, signed
from promptlab.basics.errors import PromptlabError
from promptlab.export import export_run
from promptlab.runs import RunDirectory
from promptlab.runs.rating_files import import_ratings
from promptlab.runs.ratings import Kind, keep_as_labels
from promptlab.ui.language import Texts
from promptlab.ui.shown import done, escaped, failed, noted

MAX_IMPORT_MB = 20
say = Texts(
    none_pairs=(
        "Nobody has compared two answers of this run yet. Choose Rate above.",
        "还没有人对这次运行做过两两比较。请在上方选择“评分”。",
    ),
    none_single=(
        "Nobody has rated single answers of this run yet. Choose Rate above.",
        "还没有人对这次运行逐条打分。请在上方选择“评分”。",
    ),
    counted=("{n:,} pairs of {samples:,} samples by {people}", "{n:,} 组比较，{samples:,} 个样本；{people}"),
    graded=("Scale {scale}; by {people}", "量表 {scale}；{people}"),
    skipped=("{n:,} skipped", "跳过 {n:,} 条"),
    variant=("Variant", "变体"),
    model=("Model", "模型"),
    pairs=("Pairs", "比较数"),
    won=("Won", "胜"),
    tied=("Tied", "平"),
    lost=("Lost", "负"),
    preferred=("Preferred", "被选率"),
    strength=("Strength", "强度"),
    interval=("95 % CI", "95% 置信区间"),
    answers=("Answers", "回答数"),
    mean=("Mean", "均值"),
    what_strength=(
        "Strength: Bradley and Terry's, in log-odds, 0 on average. Of two answers the one whose strength is "
        "higher by 1 is preferred in 73 % of cases.",
        "强度：Bradley–Terry 模型的对数几率，平均为 0；强度高 1 的一方约有 73% 的机会被选中。",
    ),
    what_mean=(
        "The worst label counts 0, the best 1; people and repeats of one sample are averaged first.",
        "最差的标签计 0，最好的计 1；同一样本的多人评分和重复先取平均。",
    ),
    is_preferred=(
        "{a} is preferred to {b} ({p}, Holm).",
        "{a} 优于 {b}（{p}，Holm 校正）。",
    ),
    no_difference=(
        "No difference is significant yet (Holm over all pairs).",
        "目前没有显著差异（对所有成对比较做 Holm 校正）。",
    ),
    few=("Mind: fewer than 100 samples: the intervals are rough.", "注意：样本不足 100 个，区间较粗略。"),
    half=(
        "Mind: somebody always won or always lost, so half a win was added to both sides of every pair.",
        "注意：有一方全胜或全败，因此给每组比较的双方各加了半胜，使强度有限。",
    ),
    unconnected=(
        "Mind: not all were compared with each other, not even through others: there are no strengths.",
        "注意：有些变体之间没有直接或间接的比较，无法估计强度。",
    ),
    concord=(
        "{n:,} rated by several people; Fleiss' kappa {kappa}",
        "{n:,} 条有多人评分；Fleiss kappa {kappa}",
    ),
    couple=(
        "{a} and {b}: {share:.0%} alike of {n:,}, Cohen's kappa {kappa}",
        "{a} 与 {b}：{n:,} 条中 {share:.0%} 一致，Cohen kappa {kappa}",
    ),
    alone=(
        "Agreement is shown once two people have rated the same answers.",
        "至少两人评过相同的回答后，才会显示一致性。",
    ),
    use=("Use as labels for judges", "作为评审模型的人工标注"),
    use_help=(
        "The majority of people becomes the label of an answer; `promptlab score RUN --ratings` does the "
        "same.",
        "按多数人的意见生成标签，与命令 `promptlab score RUN --ratings` 相同。",
    ),
    used=("{n:,} answers have a label now.", "已为 {n:,} 条回答生成标签。"),
    download=("Download all ratings (csv)", "下载全部评分 (csv)"),
    bring=("Add ratings from a file", "从文件导入评分"),
    bring_help=("csv, tsv or jsonl, as downloaded here.", "csv、tsv 或 jsonl，格式同此处下载的文件。"),
    brought=("{n:,} ratings kept.", "已导入 {n:,} 条评分。"),
)


_CAUTIONS = {FEW: "few", HALF_A_WIN: "half", UNCONNECTED: "unconnected"}


def show_table(run: RunDirectory, kind: str) -> None:
    """The ratings of one kind, of everybody."""
    if kind == "pairs":
        pairs = preferred(run)
        if pairs is None:
            noted(say("none_pairs"))
        else:
            _pairs(pairs)
            _use(run, "pairs")
    else:
        singles = graded(run)
        if not singles:
            noted(say("none_single"))
        for place, each in enumerate(singles):
            _single(each, place)
        if singles:
            _use(run, "single")
    _files(run)


def _pairs(found: Preferred) -> None:
    fit = found.fit
    st.caption(
        _with_skipped(say("counted", n=fit.n, samples=fit.clusters, people=_people(found)), found.skipped)
    )
    st.dataframe(
        [
            {
                say("variant"): row["variant"],
                say("model"): row["model"],
                say("pairs"): row["n"],
                say("won"): row["wins"],
                say("tied"): row["ties"],
                say("lost"): row["losses"],
                say("preferred"): None if row["preferred"] is None else 100 * row["preferred"],
                say("strength"): row["strength"],
                say("interval"): bounds(row["ci_low"], row["ci_high"]),
            }
            for row in found.rows()
        ],
        key="rating-strengths",
        hide_index=True,
        column_config={
            say("preferred"): st.column_config.NumberColumn(format="%.0f %%"),
            say("strength"): st.column_config.NumberColumn(format="%.2f"),
        },
    )
    st.caption(say("what_strength"))
    told = [each for each in fit.pairs if each.p_adjusted is not None and each.p_adjusted < 0.05]
    for each in told:
        a, b = (each.a, each.b) if each.diff > 0 else (each.b, each.a)
        st.text(say("is_preferred", a=_side(found, a), b=_side(found, b), p=p_words(each.p_adjusted)))
    if fit.pairs and not told:
        st.text(say("no_difference"))
    for caution in fit.cautions:
        st.caption(say(_CAUTIONS[caution]))
    _concord(found.concord)


def _single(found: Graded, place: int) -> None:
    told = say("graded", scale=escaped(" < ".join(found.scale)), people=_people(found))
    st.caption(_with_skipped(told, found.skipped))
    st.dataframe(
        [
            {
                say("variant"): row["variant"],
                say("model"): row["model"],
                say("answers"): row["n"],
                say("mean"): row["mean"],
                say("interval"): bounds(row["ci_low"], row["ci_high"]),
                **{label: row[label] for label in found.scale},
            }
            for row in found.rows()
        ],
        key=f"rating-labels-{place}",
        hide_index=True,
        column_config={say("mean"): st.column_config.NumberColumn(format="%.2f")},
    )
    st.caption(say("what_mean"))
    _concord(found.concord)


def _concord(found: Concord) -> None:
    if not found.n:
        st.caption(say("alone"))
        return
    st.text(say("concord", n=found.n, kappa=_kappa(found.fleiss)))
    for one, other, n, share, kappa in found.pairs:
        st.text(say("couple", a=one, b=other, n=n, share=share, kappa=_kappa(kappa)))


def _use(run: RunDirectory, kind: Kind) -> None:
    if st.button(say("use"), key="rating-use", help=say("use_help")):
        try:
            done(say("used", n=keep_as_labels(run, kind)))
        except PromptlabError as error:
            failed(error)


def _files(run: RunDirectory) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data = _csv(run)
        if data:
            st.download_button(
                say("download"), data, f"{run.id}-ratings.csv", "text/csv", key="rating-download"
            )
    with st.expander(say("bring"), key="rating-import"):
        st.caption(say("bring_help"))
        sent = st.file_uploader(
            say("bring"),
            ["csv", "tsv", "jsonl"],
            key="rating-file",
            label_visibility="collapsed",
            max_upload_size=MAX_IMPORT_MB,
        )
        if sent is not None and st.button(say("bring"), key="rating-bring", type="primary"):
            _bring(run, sent)


def _bring(run: RunDirectory, sent: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="promptlab-") as folder:
        path = Path(folder) / f"ratings{Path(sent.name).suffix.lower()}"
        path.write_bytes(sent.getvalue())
        try:
            done(say("brought", n=import_ratings(run, path)))
        except PromptlabError as error:
            failed(str(error).replace(str(path), sent.name))


def _csv(run: RunDirectory) -> bytes:
    with tempfile.TemporaryDirectory(prefix="promptlab-") as folder:
        path = Path(folder) / "ratings.csv"
        try:
            export_run(run, path, "ratings")
        except PromptlabError:  # nobody has rated anything
            return b""
        return path.read_bytes()


def _people(found: Preferred | Graded) -> str:
    return escaped(", ".join(f"{name} {count:,}" for name, count in found.people.items()))


def _with_skipped(text: str, skipped: int) -> str:
    return f"{text}; {say('skipped', n=skipped)}" if skipped else text


def _side(found: Preferred, number: int) -> str:
    name = found.names[number]
    alone = len({each.model for each in found.names}) == 1
    return name.variant if alone else f"{name.variant} × {name.model}"


def _kappa(value: float | None) -> str:
    return "–" if value is None else signed(value).removeprefix("+")
