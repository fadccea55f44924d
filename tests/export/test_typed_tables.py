"""parquet, xlsx and LaTeX, read back by somebody else's reader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular import read_tabular

from promptlab.basics.errors import UsageError
from promptlab.export import write_table
from promptlab.export.workbook import write_workbook

HOSTILE = [
    "=1+1", "+1 apple", "-rm", "@sum", "\tx", '=HYPERLINK("http://x","y")', "#N/A", "TRUE", "007", "1e5",
    "\\input{/etc/passwd}", "100% of $5 & #3_a^2~{x}", "[4] items", "*", 'a "quote"', "--", "`x`", "<b>|</b>",
]  # fmt: skip


def rows() -> list[dict[str, object]]:
    return [
        {"i": i, "text": text, "score": i / 4, "ok": i % 2 == 0, "none": None, "late": None, "list": [i, "é"]}
        for i, text in enumerate(HOSTILE)
    ] + [{"i": 99, "text": "少样本", "score": 1, "ok": True, "none": None, "late": 7, "list": []}]


def test_parquet_keeps_types_texts_and_what_only_the_last_row_has(tmp_path: Path) -> None:
    assert write_table(rows(), tmp_path / "out.parquet", "trials") == len(HOSTILE) + 1
    table = pq.read_table(tmp_path / "out.parquet")
    assert [str(field.type) for field in table.schema] == [
        "int64", "string", "double", "bool", "null", "int64", "string",
    ]  # fmt: skip
    assert table["text"].to_pylist() == [*HOSTILE, "少样本"]
    assert table["late"].to_pylist()[-2:] == [None, 7]
    assert table["list"].to_pylist()[0] == '[0,"é"]'
    assert pd.read_parquet(tmp_path / "out.parquet")["score"].tolist()[:3] == [0.0, 0.25, 0.5]


def test_a_sheet_is_typed_its_header_stays_and_no_text_is_a_formula(tmp_path: Path) -> None:
    write_table(rows(), tmp_path / "out.xlsx", "trials")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["trials"]
    assert sheet.freeze_panes == "A2"
    header, first, *_ = sheet.iter_rows()
    assert [cell.value for cell in header] == ["i", "text", "score", "ok", "none", "late", "list"]
    assert [cell.data_type for cell in first] == ["n", "s", "n", "b", "n", "n", "s"]
    column = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in column} == {"s"}
    assert [cell.value for cell in column] == [*HOSTILE, "少样本"]
    assert [cell.quotePrefix for cell in column[:5]] == [True] * 5
    assert pd.read_excel(tmp_path / "out.xlsx", keep_default_na=False)["text"].tolist() == [
        *HOSTILE,
        "少样本",
    ]


def test_what_excel_cannot_hold_is_spelled_out_or_cut_and_said(tmp_path: Path) -> None:
    values = ["a\x0bb\ud800\uffff", "x" * 40_000, 2**60, "line\r\nend", float("nan"), "_x0041_"]
    write_table([{"value": value} for value in values], tmp_path / "out.xlsx", "trials")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["trials"]
    back = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert back[0] == "a\\x0bb\\ud800\\uffff"
    assert len(back[1]) == 32_767
    assert back[1].endswith(" … [40,000 characters, cut to fit a cell]")
    assert back[2:] == [str(2**60), "line\nend", None, "_x005F_x0041_"]


def test_more_rows_than_a_sheet_holds_are_refused_before_they_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.export.workbook.MOST_ROWS", 3)
    path = tmp_path / "out.xlsx"
    write_table([{"i": i} for i in range(2)], path, "trials")
    with pytest.raises(UsageError, match=r"trials has more than the 2 rows.*parquet or csv"):
        write_table([{"i": i} for i in range(3)], path, "trials")
    assert len(list(openpyxl.load_workbook(path)["trials"].iter_rows())) == 3


def test_a_sheet_without_rows_is_there(tmp_path: Path) -> None:
    write_workbook({"pairs": [], "cells": [{"n": 1}]}, tmp_path / "out.xlsx")
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").sheetnames == ["pairs", "cells"]


def test_latex_prints_every_text_as_it_is(tmp_path: Path) -> None:
    write_table([{"text": text, "n": -0.5} for text in HOSTILE], tmp_path / "out.tex", "trials")
    header, *body = read_tabular((tmp_path / "out.tex").read_text())
    assert header == ["text", "n"]
    assert [row[0] for row in body] == [text.replace("\t", "\\t") for text in HOSTILE]
    assert {row[1] for row in body} == {"-0.5"}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=4))
def test_any_text_comes_back_from_parquet_and_breaks_no_tabular_and_no_sheet(
    tmp_path_factory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    table = [{"i": i, "text": text} for i, text in enumerate(texts)]
    write_table(table, folder / "out.parquet", "trials")
    assert pq.read_table(folder / "out.parquet").to_pylist() == table
    write_table(table, folder / "out.tex", "trials")
    assert len(read_tabular((folder / "out.tex").read_text(encoding="utf-8"))) == len(texts) + 1
    write_table(table, folder / "out.xlsx", "trials")
    sheet = openpyxl.load_workbook(folder / "out.xlsx")["trials"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == list(range(len(texts)))


@pytest.mark.long
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_a_hundred_thousand_trials(tmp_path: Path, ending: str) -> None:
    program = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from promptlab.export import write_table\n"
        "row = {'trial': 1, 'text': 'x' * 1000, 'score': 0.5, 'none': None}\n"
        "write_table([row] * 100, Path(sys.argv[1]), 'trials')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "rows = ({**row, 'trial': i, 'text': str(i) * 150} for i in range(100_000))\n"
        "assert write_table(rows, Path(sys.argv[1]), 'trials') == 100_000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    path = tmp_path / f"out.{ending}"
    grown = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert not grown.returncode, grown.stderr
    assert int(grown.stdout) < 60_000, "KiB: all rows together take some 100 MB"
