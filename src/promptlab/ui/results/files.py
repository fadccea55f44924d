"""Everything that the command line writes of a run, by button, byte for byte."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import streamlit as st

from promptlab.export import Download, all_downloads, download_bytes
from promptlab.export.pictures import PICTURES
from promptlab.runs import RunDirectory
from promptlab.ui.language import Texts
from promptlab.ui.place import home
from promptlab.ui.results.grid import section
from promptlab.ui.results.loaded import StoredRun, comparison_of

say = Texts(
    how=(
        "Each button writes the file that the command line writes; hover for its command.",
        "每个按钮生成的文件与命令行完全相同；悬停可查看对应命令。",
    ),
    whole=("The whole run", "整个运行"),
    tables=("Tables", "表格"),
    texts=("For a paper", "论文素材"),
    plots=("Plots", "图表"),
    no_pictures=(
        "PNG, SVG and PDF need kaleido (pip install 'promptlab-workbench[plots]') and Chrome or Chromium.",
        "PNG、SVG、PDF 需要 kaleido（pip install 'promptlab-workbench[plots]'）以及 Chrome 或 Chromium。",
    ),
    bundle=("Bundle (zip, for replay)", "打包（zip，可重放）"),
    report=("Report (HTML)", "报告（HTML）"),
    workbook=("Workbook (xlsx)", "工作簿（xlsx）"),
    baseline=("Baseline for gates (json)", "门槛基线（json）"),
    cells=("Cells", "单元"),
    pairs=("Paired differences", "配对差异"),
    trials=("Trials", "试验"),
    calls=("Calls", "调用"),
    breakdown=("Breakdown", "细分"),
    breakdown_pairs=("Breakdown, differences", "细分差异"),
    confusion=("Confusion matrix", "混淆矩阵"),
    judges=("Judges", "评审模型"),
    prompts=("Prompts", "提示词"),
    methods=("Methods", "方法描述"),
    bibtex=("BibTeX", "BibTeX"),
    scores=("Scores", "得分"),
    heatmap=("Heatmap", "热力图"),
    cost=("Cost", "成本"),
    wins=("Wins and losses", "胜负"),
    latency=("Time", "用时"),
    tokens=("Tokens", "token 数"),
    failures=("Failures", "失败"),
    counts=("Demos or draws", "示例数或采样数"),
    bom=("csv for Excel (BOM)", "csv（Excel，带 BOM）"),
)
_MIME = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".zip": "application/zip",
}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def show(run: StoredRun) -> None:
    """The view."""
    found = list(all_downloads(comparison_of(run.directory)))
    pictures = any(map(shutil.which, _BROWSERS)) and any(each.ending in PICTURES for each in found)
    if not pictures:
        found = [each for each in found if each.ending not in PICTURES]
    st.caption(say("how"))
    where = home()
    _row(run.directory, say("whole"), [each for each in found if each.what is None], where)
    for title, kind in (("tables", "table"), ("texts", "text"), ("plots", "plot")):
        of_kind = [each for each in found if each.kind == kind and each.what is not None]
        if not of_kind:
            continue
        section(say(title))
        for what in dict.fromkeys(each.what for each in of_kind):
            _row(run.directory, say(what or ""), [each for each in of_kind if each.what == what], where)
    if not pictures:
        st.caption(say("no_pictures"))


def _row(run: RunDirectory, title: str, offered: list[Download], where: Path) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(title, width=190)
        for each in offered:
            st.download_button(
                _title(each),
                partial(download_bytes, run, each, where),
                each.name(run),
                _MIME.get(each.ending, "application/octet-stream"),
                key=_key(each),
                help=f"`{each.command(run)}`",
                on_click="ignore",
            )


def _key(each: Download) -> str:
    return "-".join(["results-file", each.what or each.kind, each.ending[1:], *(["bom"] if each.bom else [])])


def _title(each: Download) -> str:
    if each.kind in ("bundle", "report", "baseline"):
        return say(each.kind)
    if each.what is None:
        return say("workbook")
    return say("bom") if each.bom else "LaTeX" if each.ending == ".tex" else each.ending.removeprefix(".")
