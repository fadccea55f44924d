"""A whole run, exported and read back by somebody else's reader."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tabular import read_tabular, text_of

import promptlab
from promptlab.analysis import compare_run
from promptlab.basics.errors import UsageError
from promptlab.export import Look, export_run
from promptlab.export.latex import cells_table
from promptlab.export.report.content import facts
from promptlab.export.winners import winners
from promptlab.runs import RunDirectory, RunReader


def trials(run: RunDirectory) -> list[dict[str, object]]:
    with RunReader(run) as reader:
        return list(reader.trials())


def test_every_reader_finds_the_same_three_hundred_trials(finished_run: RunDirectory, tmp_path: Path) -> None:
    for ending in ("csv", "tsv", "jsonl", "parquet", "xlsx"):
        assert export_run(finished_run, tmp_path / f"out.{ending}", "trials") == "300 trials"
    expected = trials(finished_run)
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == expected
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == expected
    numbers = [row["yes_no"] for row in expected]
    for frame in (
        pd.read_csv(tmp_path / "out.csv"),
        pd.read_csv(tmp_path / "out.tsv", sep="\t"),
        pd.read_excel(tmp_path / "out.xlsx"),
    ):
        assert frame["yes_no"].tolist() == numbers
        assert list(frame.columns) == list(expected[0])
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    assert any(text.startswith("'=HYPERLINK") for text in texts)
    assert not any(text.startswith("=") for text in texts)


def test_a_workbook_holds_cells_pairs_trials_and_the_manifest(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    export_run(finished_run, tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["cells", "pairs", "trials", "manifest"]
    assert {sheet.freeze_panes for sheet in book} == {"A2"}
    assert [sheet.max_row for sheet in book][:3] == [7, 19, 301]
    told = dict(book["manifest"].iter_rows(min_row=2, values_only=True))
    assert told["datasets › data › sizes › test"] == 50
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_bold_is_only_who_beats_all_others_after_the_correction(finished_run: RunDirectory) -> None:
    comparison = compare_run(finished_run)
    source = cells_table(comparison)
    bold = [line for line in source.splitlines() if "\\textbf{" in line]
    assert [line.split(" & ")[:2] for line in bold] == [["zero\\_shot\\_cot", "good"]]
    assert {(name.variant, name.model) for name in winners(comparison, "yes_no")} == {
        ("zero_shot_cot", "good")
    }
    assert "Bold: beats every other variant of its model and data set after the correction." in source


def test_a_latex_table_says_what_the_comparison_says(finished_run: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "out.tex"
    export_run(finished_run, path, look=Look(interval="pm", caption="A & B_1", label="tab:x y%"))
    source = path.read_text()
    header, *rows = read_tabular(source)
    assert header == ["Variant", "Model", "yes_no", "exact_match", "Trials", "Failures"]
    cells = {(cell.result.variant, cell.result.model): cell for cell in compare_run(finished_run).cells}
    assert len(rows) == len(cells)
    for variant, model, score, *_ in rows:
        found = cells[variant, model].scores["yes_no"].interval
        assert found is not None
        half = (found.high - found.low) / 2
        assert score == f"{found.mean:.2f} ± {half:.2f}~"  # 50 samples: rough, as the caption says
    assert "\\caption{A \\& B\\_1}" in source
    assert "\\label{tab:x-y-}" in source


def test_the_caption_names_intervals_tests_and_correction(finished_run: RunDirectory) -> None:
    caption = re.search(r"\\caption\{(.*)\}\n", cells_table(compare_run(finished_run)))
    assert caption
    told = text_of(caption[1])
    assert "odd & <b>even</b>: mean scores on data." in told
    assert "95 % interval (Wilson)" in told
    assert "mid-p McNemar" in told
    assert "Holm over 9 comparisons" in told


def test_pairs_in_latex_are_those_of_the_family(finished_run: RunDirectory, tmp_path: Path) -> None:
    assert export_run(finished_run, tmp_path / "out.tex", "pairs") == "9 pairs"
    _, *rows = read_tabular((tmp_path / "out.tex").read_text())
    pairs = [pair for pair in compare_run(finished_run).pairs if pair.in_family]
    assert [row[-1] for row in rows] == [pair.verdict.value for pair in pairs]


@pytest.mark.parametrize(
    ("name", "what", "told"),
    [
        ("out.html", "cells", r"cannot export cells alone to 'out.html'\..*leave --what out"),
        ("out.csv", "prompts", r"cannot export prompts to 'out.csv': its ending is '.csv'.*\.md, \.tex"),
        ("out.pakret", None, r"unknown ending '.pakret'.*'.parquet'"),
        ("out.bib", "cells", r"unknown ending '.bib'"),
    ],
)
def test_what_a_file_cannot_hold_is_said(
    finished_run: RunDirectory, tmp_path: Path, name: str, what, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        export_run(finished_run, tmp_path / name, what)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "look", "told"),
    [
        ("out.xlsx", Look(bom=True), "--bom is for csv and tsv"),
        ("out.csv", Look(caption="x"), "are for cells and pairs in tex"),
        ("out.html", Look(interval="pm"), "are for cells and pairs in tex"),
    ],
)
def test_a_wish_that_a_file_cannot_meet_is_not_passed_over(
    finished_run: RunDirectory, tmp_path: Path, name: str, look: Look, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        export_run(finished_run, tmp_path / name, look=look)


def test_before_all_trials_are_finished_no_p_is_printed_and_the_caption_says_so(tmp_path: Path) -> None:
    rows = [{"q": str(i), "a": "yes" if i % 2 else "no"} for i in range(30)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text("- {default: 'yes'}\n")
    (tmp_path / "exp.yaml").write_text(
        "name: part\ndataset: {path: data.jsonl, target: a}\n"
        'task: {prompt: "Is {{ q }} odd?", answer: yes_no}\n'
        "models: [scripted/script.yaml]\nvariants: [zero_shot, zero_shot_cot]\n"
    )
    run = promptlab.load(tmp_path / "exp.yaml", home=tmp_path / "home").run(limit=10).run
    export_run(run, tmp_path / "pairs.tex", "pairs")
    _, *pairs = read_tabular((tmp_path / "pairs.tex").read_text())
    assert {row[-2] for row in pairs} == {"-"}
    with RunReader(run) as reader:
        told = facts(run, compare_run(run), reader)
    assert {pair["p"] for pair in told["pairs"]} == {"-"}
    export_run(run, tmp_path / "cells.tex")
    assert "Preliminary: 40 trials are pending." in (tmp_path / "cells.tex").read_text()
