"""What the workbench offers to download: the same bytes as the command line writes."""

from __future__ import annotations

import io
import re
import shlex
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from promptlab.analysis import compare_run
from promptlab.analysis.trend import trend
from promptlab.cli.main import cli
from promptlab.export import Download, all_downloads, download_bytes, figure_rows, figures, trend_figure
from promptlab.export.pictures import PICTURES
from promptlab.runs import RunDirectory


@pytest.fixture
def offered(finished_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Download]:
    """What can be written without a browser; a plot is five megabytes, and one stands for all."""
    monkeypatch.setenv("PROMPTLAB_HOME", str(finished_run.path.parents[1]))
    monkeypatch.chdir(tmp_path)
    found = [each for each in all_downloads(compare_run(finished_run)) if each.ending not in PICTURES]
    return [each for each in found if each.kind != "plot" or each.what == "scores"]


def check(run: RunDirectory, each: Download) -> None:
    done = CliRunner().invoke(cli, shlex.split(each.command(run))[1:], catch_exceptions=False)
    assert done.exit_code == 0, each
    written = Path(each.name(run)).read_bytes()
    assert content(download_bytes(run, each, run.path.parents[1])) == content(written), each


def test_a_file_of_each_format_and_of_each_kind_is_the_one_that_its_command_writes(
    finished_run: RunDirectory, offered: list[Download]
) -> None:
    endings, kinds = {each.ending for each in offered}, {(each.kind, each.what) for each in offered}
    assert endings >= {".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".md", ".tex", ".bib", ".zip", ".json"}
    for each in offered:
        if each.ending in endings or (each.kind, each.what) in kinds or (each.bom and each.what == "cells"):
            check(finished_run, each)
            endings.discard(each.ending)
            kinds.discard((each.kind, each.what))


@pytest.mark.long
def test_every_file_is_the_one_that_its_command_writes(
    finished_run: RunDirectory, offered: list[Download]
) -> None:
    for each in offered:
        check(finished_run, each)


def content(file: bytes) -> object:
    """The bytes, without what two files of one command differ in: plotly's random id, a workbook's time."""
    if file.startswith(b"PK") and b"xl/workbook.xml" in file:
        with zipfile.ZipFile(io.BytesIO(file)) as book:
            return {name: book.read(name) for name in book.namelist() if name != "docProps/core.xml"}
    return re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"", file)


def test_names_of_files_are_all_different(finished_run: RunDirectory) -> None:
    offered = list(all_downloads(compare_run(finished_run)))
    names = [(each.name(finished_run), each.bom) for each in offered]
    assert len(set(names)) == len(names)
    assert Download("table", "trials", ".csv", bom=True).command(finished_run).endswith(" --bom")


def test_a_plots_table_says_what_is_drawn(finished_run: RunDirectory) -> None:
    comparison = compare_run(finished_run)
    drawn = figures(comparison)
    rows = figure_rows(drawn["scores"])
    assert {row["series"] for row in rows} == {"good", "bad_<i>one</i>"}
    found = comparison.cells[0].scores["yes_no"].interval
    assert found is not None
    assert (rows[0]["x"], rows[0]["y"]) == (comparison.cells[0].result.variant, found.mean)
    assert rows[0]["low"] == pytest.approx(found.low)
    assert figure_rows(drawn["heatmap"])[0]["value"].endswith(", n = 50")
    for name, each in drawn.items():
        assert figure_rows(each), name


def test_a_trend_has_a_line_a_cell(finished_run: RunDirectory) -> None:
    points = trend([finished_run])
    figure = trend_figure(points)
    assert figure is not None
    assert len(figure["data"]) == len(points) == 6
    assert figure["data"][0]["y"] == [points[0].score.mean if points[0].score else None]
    assert time.strftime("%m-%d", time.localtime(points[0].created)) in figure["data"][0]["x"][0]
    assert trend_figure([]) is None
