"""Files that somebody sends: cleaned names, bounded sizes, nothing overwritten unasked; and samples found."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.datasets import DatasetSpec, open_dataset
from promptlab.datasets.searching import find_positions
from promptlab.datasets.uploading import MAX_UPLOAD_BYTES, clean_name, data_files, store_upload


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("data.csv", "data.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\my data.CSV", "my_data.csv"),
        ("问答 数据.jsonl", "问答_数据.jsonl"),
        (".hidden.json", "hidden.json"),
        ("a\x00b\u202egnp.tsv", "a_b_gnp.tsv"),
        ("<script>.xlsx", "script.xlsx"),
        ("$(rm -rf).parquet", "rm_-rf.parquet"),
        ("...csv", "data.csv"),
        ("con.csv", "_con.csv"),
        ("x" * 300 + ".csv", "x" * 80 + ".csv"),
    ],
)
def test_a_name_cannot_lead_anywhere_else(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize("name", ["run.py", "data", "data.csv.exe", "experiment.yaml", "csv", ""])
def test_only_data_files_are_taken(name: str) -> None:
    with pytest.raises(UsageError, match="no data file"):
        clean_name(name)


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = store_upload(tmp_path / "datasets", "a.csv", b"q,a\n1,2\n")
    assert path == tmp_path / "datasets" / "a.csv"
    with pytest.raises(UsageError, match="there already"):
        store_upload(tmp_path / "datasets", "x/a.csv", b"other")
    assert path.read_bytes() == b"q,a\n1,2\n"
    store_upload(tmp_path / "datasets", "a.csv", b"other", replace=True)
    assert path.read_bytes() == b"other"


def test_what_is_too_large_or_no_plain_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than 100"):
        store_upload(tmp_path, "a.csv", bytes(MAX_UPLOAD_BYTES + 1))
    (tmp_path / "outside.csv").write_text("mine")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "a.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(UsageError, match="no plain file"):
        store_upload(tmp_path / "datasets", "a.csv", b"theirs", replace=True)
    assert (tmp_path / "outside.csv").read_text() == "mine"


def test_data_files_are_found_but_not_hidden_ones_nor_too_deep(tmp_path: Path) -> None:
    for name in (
        "a.csv",
        "datasets/b.jsonl",
        "datasets/x/c.json",
        ".promptlab/d.csv",
        "p/q/r/e.csv",
        "f.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    found = [path.relative_to(tmp_path).as_posix() for path in data_files(tmp_path)]
    assert found == ["a.csv", "datasets/b.jsonl", "datasets/x/c.json"]


def test_samples_are_found_by_any_of_their_texts_in_any_case(tmp_path: Path) -> None:
    rows = "".join(
        f'{{"id": "s{n}", "q": "Frage {n}", "a": "Antwort {"Z" if n == 7 else n}"}}\n' for n in range(10)
    )
    (tmp_path / "d.jsonl").write_text(rows)
    spec = DatasetSpec(path="d.jsonl", target="a", id="id")
    with open_dataset(spec, folder=tmp_path, home=tmp_path / "home") as dataset:
        assert find_positions(dataset, "test", "frage") == list(range(10))
        assert find_positions(dataset, "test", "ANTWORT z") == [7]
        assert find_positions(dataset, "test", "s3") == [3]
        assert find_positions(dataset, "test", "nothing") == []
