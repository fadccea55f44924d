import csv
import json
import math
import os
import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.basics.errors import UsageError
from promptlab.export import write_table

ROWS = [
    {"name": "zero", "mean": 0.5, "n": 60, "text": 'says "hi", then\nleaves', "oracle": False, "cost": None},
    {"name": "少样本", "mean": -0.25, "n": 60, "text": "=1+1", "oracle": True, "cost": 1e-9},
]  # fmt: skip


@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_delimited_text_comes_back_through_the_csv_module(
    tmp_path: Path, ending: str, delimiter: str
) -> None:
    path = tmp_path / f"out.{ending}"
    assert write_table(ROWS, path, "cells") == 2
    with path.open(newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream, delimiter=delimiter)
    assert (first["name"], first["mean"], first["n"]) == ("zero", "0.5", "60")
    assert (first["text"], first["oracle"], first["cost"]) == ('says "hi", then\nleaves', "false", "")
    assert (second["name"], second["mean"], second["cost"]) == ("少样本", "-0.25", "1e-09")


def test_pandas_reads_numbers_as_numbers(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "out.csv", "cells")
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["mean"].tolist() == [0.5, -0.25]
    assert frame["n"].dtype.kind == "i"
    assert math.isnan(frame["cost"][0])


@pytest.mark.parametrize("text", ["=cmd()", "+1 apple", "-rm", "@sum", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path, text: str) -> None:
    write_table([{"answer": text, "=header": 1}], tmp_path / "out.csv", "trials")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        header, row = csv.reader(stream)
    assert header == ["answer", "'=header"]
    assert row[0] == f"'{text}"


@pytest.mark.parametrize("text", ["-12", "+3.5", "7"])
def test_an_answer_that_is_a_number_stays_one(tmp_path: Path, text: str) -> None:
    write_table([{"answer": text}], tmp_path / "out.csv", "trials")
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_survives_every_format_that_promises_it(tmp_path_factory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"i": i, "text": text} for i, text in enumerate(texts)]
    for ending, delimiter in (("csv", ","), ("tsv", "\t")):
        write_table(rows, folder / f"out.{ending}", "trials")
        with (folder / f"out.{ending}").open(newline="", encoding="utf-8") as stream:
            back = [row["text"] for row in csv.DictReader(stream, delimiter=delimiter)]
        assert [each.removeprefix("'") for each in back] == [each.removeprefix("'") for each in texts]
    write_table(rows, folder / "out.jsonl", "trials")
    lines = (folder / "out.jsonl").read_bytes().split(b"\n")[:-1]
    assert [json.loads(line) for line in lines] == rows
    write_table(rows, folder / "out.md", "trials")
    assert (folder / "out.md").read_bytes().count(b"\n") == len(texts) + 2


def test_jsonl_keeps_nested_values_none_and_big_integers(tmp_path: Path) -> None:
    row = {"a": None, "b": [1, {"c": "ü"}], "big": 2**80, "f": 0.1}
    write_table([row], tmp_path / "out.jsonl", "calls")
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == row


def test_pandas_reads_jsonl(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "out.jsonl", "cells")
    assert pd.read_json(tmp_path / "out.jsonl", lines=True)["name"].tolist() == ["zero", "少样本"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "md"])
def test_a_lone_surrogate_in_a_reply_does_not_stop_an_export(tmp_path: Path, ending: str) -> None:
    assert write_table([{"text": "a\ud800b"}], tmp_path / f"out.{ending}", "trials") == 1
    assert "ud800" in (tmp_path / f"out.{ending}").read_text(encoding="utf-8")


def test_markdown_escapes_what_would_break_or_run(tmp_path: Path) -> None:
    rows = [{"text": "a|b\n<img src=x> ![x](http://x) `c`", "mean": 0.123456}]
    write_table(rows, tmp_path / "out.md", "trials")
    header, rule, line = (tmp_path / "out.md").read_text().splitlines()
    assert (header, rule) == ("| text | mean |", "| --- | ---: |")
    assert line == "| a\\|b<br>\\<img src=x> !\\[x](http://x) \\`c\\` | 0.1235 |"


def test_a_byte_order_mark_on_request(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "out.csv", "cells", bom=True)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbfname,")
    assert pd.read_csv(tmp_path / "out.csv").columns[0] == "name"


def test_no_rows_make_an_empty_file(tmp_path: Path) -> None:
    for ending in ("csv", "jsonl", "md"):
        assert write_table([], tmp_path / f"out.{ending}", "pairs") == 0
        assert (tmp_path / f"out.{ending}").read_bytes() == b""


def test_an_unknown_ending_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot export cells to 'out.cvs': unknown ending '.cvs'.*'.csv'"):
        write_table(ROWS, tmp_path / "out.cvs", "cells")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*nowhere/out\.csv: No such file or directory"):
        write_table(ROWS, tmp_path / "nowhere" / "out.csv", "cells")


def test_a_failure_half_way_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def rows():
        yield {"a": 1}
        raise RuntimeError("the store went away")

    with pytest.raises(RuntimeError, match="went away"):
        write_table(rows(), path, "trials")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_with_a_new_column_is_refused_not_cut(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="row 2 has the column 'b', which the first row lacks"):
        write_table([{"a": 1}, {"a": 1, "b": 2}], tmp_path / "out.csv", "trials")


def test_the_file_gets_the_users_ordinary_mode(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_table(ROWS, tmp_path / "out.csv", "cells")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o640
