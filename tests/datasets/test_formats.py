"""Every format gives the same samples; whatever is wrong with a file is said with its row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.basics.errors import ExperimentError
from promptlab.datasets import Dataset, DatasetSpec

ROWS = [
    {"question": "one, two", "answer": "3"},
    {"question": 'she said "hi"\nand left', "answer": "4"},
    {"question": "猫的复数？", "answer": "5"},
]


def write_csv(path: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> None:
    import csv

    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(rows), path)


def write_xlsx(path: Path, rows: list[list[object]]) -> None:
    book = pytest.importorskip("openpyxl").Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def contents(dataset: Dataset) -> list[tuple[object, object]]:
    return [(sample.inputs["question"], sample.target) for sample in dataset.samples("test")]


def test_every_format_gives_the_same_samples(folder: Path, opened: Callable[..., Dataset]) -> None:
    records = {str(number): row for number, row in enumerate(ROWS)}
    write_csv(folder / "a.csv", ROWS)
    (folder / "a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n")
    (folder / "list.json").write_text(json.dumps(ROWS))
    (folder / "inside.json").write_text(json.dumps({"about": {"n": 3}, "tags": ["a"], "examples": ROWS}))
    (folder / "records.json").write_text(json.dumps(records))
    (folder / "deep.json").write_text(json.dumps({"about": {"n": 3}, "examples": records}))
    write_parquet(folder / "a.parquet", ROWS)
    write_xlsx(
        folder / "a.xlsx", [["question", "answer"], *([row["question"], row["answer"]] for row in ROWS)]
    )
    expected = [(row["question"], row["answer"]) for row in ROWS]
    hashes = set()
    for name in (
        "a.csv",
        "a.jsonl",
        "list.json",
        "inside.json",
        "records.json",
        "deep.json",
        "a.parquet",
        "a.xlsx",
    ):
        dataset = opened(path=name, target="answer")
        assert contents(dataset) == expected, name
        assert dataset.columns == ("question",)
        hashes.add(dataset.hash)
    assert len(hashes) == 1


def test_tsv_without_header_keeps_quotes_that_are_text(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.tsv").write_text('"So" he said\t1\r\n"well quoted"\t2\nhe said "no\t3\n')
    dataset = opened(path="a.tsv", header=False, columns=["question", "answer"], target="answer")
    assert contents(dataset) == [('"So" he said', "1"), ("well quoted", "2"), ('he said "no', "3")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_bom_and_gb18030_are_read_by_place(
    folder: Path, opened: Callable[..., Dataset], encoding: str
) -> None:
    write_csv(folder / "a.csv", ROWS, encoding)
    given = {"encoding": "gb18030"} if encoding == "gb18030" else {}
    dataset = opened(path="a.csv", target="answer", **given)
    assert contents(dataset) == [(row["question"], row["answer"]) for row in ROWS]


def test_records_names_one_of_several_lists(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.json").write_text(json.dumps({"old": ROWS[:1], "new": {"rows": ROWS}, "other": ROWS[:2]}))
    with pytest.raises(ExperimentError, match="several keys: 'old', 'other'") as caught:
        opened(path="a.json", target="answer")
    assert caught.value.field == "records"
    assert opened(path="a.json", target="answer", records="new.rows").sizes["test"] == 3


def test_ten_megabyte_cell_is_a_cell(folder: Path, opened: Callable[..., Dataset]) -> None:
    write_csv(
        folder / "a.csv", [{"question": "x" * 10_000_000, "answer": "1"}, {"question": "y", "answer": "2"}]
    )
    dataset = opened(path="a.csv", target="answer")
    assert [len(question) for question, _ in contents(dataset)] == [10_000_000, 1]


def test_ten_megabyte_cell_of_jsonl_is_a_cell(folder: Path, opened: Callable[..., Dataset]) -> None:
    rows = [{"question": "猫" * 3_400_000, "answer": 1}, {"question": "y", "answer": 2}]
    (folder / "a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    dataset = opened(path="a.jsonl", target="answer")
    assert [len(str(question)) for question, _ in contents(dataset)] == [3_400_000, 1]


def test_other_delimiters_are_named(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.csv").write_text('question;answer\n"one; two, three";1\nplain, and simple;2\n')
    dataset = opened(path="a.csv", target="answer", delimiter=";")
    assert contents(dataset) == [("one; two, three", "1"), ("plain, and simple", "2")]
    with pytest.raises(ExperimentError, match=r"separated by ';'.*`delimiter: \";\"`"):
        opened(path="a.csv", target="answer")
    (folder / "b.csv").write_text("question;answer\none;1\n")
    with pytest.raises(ExperimentError, match=r"no such column.*separated by ';'"):
        opened(path="b.csv", target="answer")
    (folder / "c.csv").write_text("question;answer\none, two;\0\n")
    with pytest.raises(ExperimentError, match=r"row 1 \(line 2\), column 'answer': there is a NUL byte"):
        opened(path="c.csv", target="answer", delimiter=";")


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "，"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(ValueError, match="a delimiter is one ASCII character"):
        DatasetSpec(path="a.csv", delimiter=delimiter)


def test_json_in_another_encoding_is_named(folder: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.json").write_text(json.dumps(ROWS, ensure_ascii=False, indent=1), encoding="gb18030")
    with pytest.raises(ExperimentError, match=r"\(line 11\) is not utf-8.*`encoding: gb18030`"):
        opened(path="a.json", target="answer")
    assert contents(opened(path="a.json", target="answer", encoding="gb18030"))[2] == ("猫的复数？", "5")
    (folder / "b.json").write_text(json.dumps(ROWS), encoding="utf-8-sig")
    assert opened(path="b.json", target="answer").sizes["test"] == 3


def test_sheets_that_are_not_read_are_named(folder: Path, opened: Callable[..., Dataset]) -> None:
    book = pytest.importorskip("openpyxl").Workbook()
    book.active.title = "items"
    book.create_sheet("blank")
    for sheet, answer in ((book.active, 1), (book.create_sheet("more"), 2)):
        sheet.append(["question", "answer"])
        sheet.append(["q", answer])
    book.save(folder / "a.xlsx")
    first = opened(path="a.xlsx", target="answer")
    assert contents(first) == [("q", "1")]
    assert first.notes == (
        "a.xlsx: only the sheet 'items' is read, not 'more' (`records: SHEET` picks another)",
    )
    assert opened(path="a.xlsx", target="answer").notes == first.notes  # from the index too
    assert contents(opened(path="a.xlsx", target="answer", records="more")) == [("q", "2")]
    with pytest.raises(ExperimentError, match=r"no such sheet.*Did you mean 'more'"):
        opened(path="a.xlsx", records="mor")


def test_list_valued_columns_stay_one_sample_in_every_format(
    folder: Path, opened: Callable[..., Dataset]
) -> None:
    rows = [{"q": ["a", "b"], "answer": ["x", "y"]}, {"q": ["c"], "answer": ["z"]}]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "a.json").write_text(json.dumps(rows))
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(rows), folder / "a.parquet")
    for name in ("a.jsonl", "a.json", "a.parquet"):
        samples = list(opened(path=name, target="answer").samples("test"))
        assert [(sample.inputs["q"], sample.target) for sample in samples] == [
            (["a", "b"], ("x", "y")),
            (["c"], ("z",)),
        ], name


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_nul_characters_in_copied_files_are_refused_with_their_row(
    folder: Path, opened: Callable[..., Dataset], kind: str
) -> None:
    rows = [{"question": "a", "answer": "1"}, {"question": "b\0", "answer": "2"}]
    if kind == "json":
        (folder / "a.json").write_text(json.dumps(rows))
    else:
        write_parquet(folder / "a.parquet", rows)
    with pytest.raises(ExperimentError, match=r"row 2: there is a NUL character"):
        opened(path=f"a.{kind}", target="answer")


def test_large_integers_stay_exact(folder: Path, opened: Callable[..., Dataset]) -> None:
    number = 123456789012345678901234567890
    (folder / "a.jsonl").write_text(f'{{"question": [{number}], "answer": {number}}}\n')
    assert contents(opened(path="a.jsonl", target="answer")) == [([number], str(number))]


def test_xlsx_dates_numbers_and_empty_cells(folder: Path, opened: Callable[..., Dataset]) -> None:
    import datetime

    full: list[object] = ["q", datetime.datetime(2026, 1, 2), "z", 51.0]
    header: list[object] = ["question", "day", None, "answer"]
    write_xlsx(folder / "a.xlsx", [header, [None] * 4, full, ["", None, None, 2]])
    first, second = opened(path="a.xlsx", target="answer").samples("test")
    assert first.inputs == {"question": "q", "day": "2026-01-02T00:00:00", "column_3": "z"}
    assert (first.target, second.target) == ("51", "2")
    assert second.inputs == {"question": "", "day": "", "column_3": ""}


BROKEN = {
    "ragged, too few": (
        "a.csv",
        b"question,answer\na,1\nb\n",
        "a.csv, row 2 (line 3): it has 1 cells, but there are 2",
    ),
    "ragged, too many": ("a.csv", b"question,answer\na,1,2\n", "row 1 (line 2): it has 3 cells"),
    "ragged tsv": ("a.tsv", b"question\tanswer\na\t1\t2\n", "row 1 (line 2): it has 3 cells"),
    "unclosed quote": ("a.csv", b'question,answer\na,1\n"b,2\nc,3\n', "row 2 (line 3): it is not valid csv"),
    "text after a quote": ("a.csv", b'question,answer\n"a" b,1\n', "row 1 (line 2): it is not valid csv"),
    "old line ends": ("a.csv", b"question,answer\ra,1\r", "it is not valid csv"),
    "NUL in csv": (
        "a.csv",
        b"question,answer\na,1\nb,\x002\n",
        "row 2 (line 3), column 'answer': there is a NUL byte",
    ),
    "NUL in jsonl": (
        "a.jsonl",
        b'{"question": "\x00", "answer": 1}\n',
        "row 1 (line 1): there is a NUL byte",
    ),
    "NUL escaped": (
        "a.jsonl",
        b'{"question": "\\u0000", "answer": 1}\n',
        "row 1 (line 1): there is a NUL character",
    ),
    "not JSON": (
        "a.jsonl",
        b'{"question": "a", "answer": 1}\n\n{"question": \n',
        "row 2 (line 3): it is not valid JSON",
    ),
    "NaN": ("a.jsonl", b'{"question": NaN, "answer": 1}\n', "NaN is no JSON value, write null"),
    "half a pair": (
        "a.jsonl",
        b'{"question": "\\ud83d", "answer": 1}\n',
        "row 1 (line 1): it is not valid JSON",
    ),
    "not an object": ("a.jsonl", b"[1, 2]\n", "row 1 (line 1): a row is a list, not an object"),
    "GB18030 unsaid": (
        "a.csv",
        "question,answer\n猫的复数是什么,1\n".encode("gb18030"),
        "say `encoding: gb18030`",
    ),
    "UTF-16": ("a.csv", "question,answer\na,1\n".encode("utf-16"), "the file is UTF-16"),
    "empty csv": ("a.csv", b"", "there are no rows"),
    "header only": ("a.csv", b"question,answer\n", "there are no rows"),
    "empty jsonl": ("a.jsonl", b"\n\n", "there are no rows"),
    "empty json": ("a.json", b"", "is empty"),
    "header twice": ("a.csv", b"answer,answer\n1,2\n", "names the column 'answer' twice"),
    "jsonl named json": ("a.json", b'{"answer": 1}\n{"answer": 2}\n', "name the file .jsonl"),
    "no rows in json": ("a.json", b'{"answer": 1}', "holds no list of objects"),
    "scalars in json": ("a.json", b"[1, 2]", "row 1: it is int, not an object"),
    "not parquet": ("a.parquet", b"PAR?", "is not a parquet file"),
    "not xlsx": ("a.xlsx", b"PK?", "is not an xlsx file"),
    "missing column": (
        "a.jsonl",
        b'{"question": "a", "answer": 1}\n{"question": "b"}\n',
        "row 2 (line 2): there is no column 'answer'",
    ),
    "null target": ("a.jsonl", b'{"question": "a", "answer": null}\n', "row 1 (line 1): the target is empty"),
    "empty target": ("a.csv", b"question,answer\na,1\nb,\n", "row 2 (line 3): the target is empty"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_refused_with_its_row(folder: Path, opened: Callable[..., Dataset], case: str) -> None:
    name, data, message = BROKEN[case]
    (folder / name).write_bytes(data)
    with pytest.raises(ExperimentError) as caught:
        opened(path=name, target="answer")
    assert message in str(caught.value)
    assert caught.value.field in ("path", "target")
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_endless_record_is_refused_before_it_fills_the_memory(
    folder: Path, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptlab.datasets.text_files.MAX_RECORD_BYTES", 1000)
    (folder / "a.csv").write_text('question,answer\n"' + "never closed\n" * 200)
    with pytest.raises(
        ExperimentError, match=r"row 1 \(line 2\): it does not end within .* Is a closing quote"
    ):
        opened(path="a.csv", target="answer")


@pytest.mark.parametrize(
    ("keys", "field", "message"),
    [
        ({"path": "b.csv"}, "path", "Did you mean 'a.csv'?"),
        ({"path": "nowhere/a.csv"}, "path", "no folder"),
        ({"path": {"test": "a.csv", "train": "gone.csv"}}, "path.train", "no such file"),
        ({"path": "a.doc"}, "path", "Known endings: .csv"),
        ({"path": "a.csv", "target": "anser"}, "target", "Did you mean 'answer'?"),
        ({"path": "a.csv", "target": "{{ anser }}"}, "target", "Did you mean 'answer'?"),
        ({"path": "a.csv", "target": "{{ answer"}, "target", "template syntax"),
        ({"path": "a.csv", "choices": ["question", "b"]}, "choices.1", "no such column"),
        ({"path": "a.csv", "metadata": ["kind"]}, "metadata.0", "no such column"),
        ({"path": "a.csv", "encoding": "klingon"}, "encoding", "no such encoding"),
        ({"path": "a.csv", "encoding": "utf-16"}, "encoding", "Save the file as UTF-8"),
        ({"path": "a.csv", "records": "rows"}, "records", "no use for it"),
        ({"path": "a.csv", "target": "{{ answer / 2 }}"}, "target", "a.csv, row 1 (line 2): template failed"),
    ],
)  # fmt: skip
def test_wrong_spec_names_the_field_and_the_fix(
    folder: Path, opened: Callable[..., Dataset], keys: dict[str, object], field: str, message: str
) -> None:
    (folder / "a.csv").write_text("question,answer\na,1\n")
    (folder / "a.doc").write_text("no")
    with pytest.raises(ExperimentError) as caught:
        opened(**keys)
    assert caught.value.field == field
    assert message in str(caught.value)
