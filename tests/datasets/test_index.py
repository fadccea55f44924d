"""The index: read once, flat in memory, safe between processes, and true to the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.basics.errors import ExperimentError, StorageError
from promptlab.datasets import Dataset


def write_rows(path: Path, rows: int) -> None:
    with path.open("w") as stream:
        for n in range(rows):
            stream.write(json.dumps({"q": f"question {n}", "a": str(n % 7)}) + "\n")


def test_unchanged_source_is_not_read_again(folder: Path, home: Path, opened: Callable[..., Dataset]) -> None:
    write_rows(folder / "a.jsonl", 50)
    first = opened(path="a.jsonl", target="a")
    (index,) = (home / "datasets").iterdir()
    built = index.stat()
    state = (folder / "a.jsonl").stat()
    (folder / "a.jsonl").write_bytes(b"?" * state.st_size)  # reading this would fail
    os.utime(folder / "a.jsonl", ns=(state.st_atime_ns, state.st_mtime_ns))
    again = opened(path="a.jsonl", target="a", name="another name")
    assert again.hash == first.hash
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == (built.st_ino, built.st_mtime_ns)


def test_changed_source_spec_seed_and_needs_are_read_anew(
    folder: Path, opened: Callable[..., Dataset]
) -> None:
    write_rows(folder / "a.jsonl", 50)
    first = opened(path="a.jsonl", target="a")
    assert opened(path="a.jsonl").hash != first.hash
    assert opened(path="a.jsonl", target="a", need_train=True).sizes["train"] == 10
    write_rows(folder / "a.jsonl", 51)
    assert opened(path="a.jsonl", target="a").sizes["test"] == 51


def test_file_that_changes_under_an_open_data_set_is_refused(
    folder: Path, opened: Callable[..., Dataset]
) -> None:
    path = folder / "a.jsonl"
    write_rows(path, 50)
    dataset = opened(path="a.jsonl", target="a")
    assert dataset.sample("test", 3).inputs["q"] == "question 3"
    state = path.stat()
    path.write_text(path.read_text().replace("question 3", "question X"))
    with pytest.raises(ExperimentError, match="changed while it was read"):
        dataset.sample("test", 4)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # size and time as before: the hash tells
    dataset = opened(path="a.jsonl", target="a")
    assert dataset.sample("test", 4).inputs["q"] == "question 4"
    with pytest.raises(ExperimentError, match="changed while it was read"):
        dataset.sample("test", 3)
    path.unlink()
    with pytest.raises(ExperimentError, match="changed while it was read"):
        dataset.first()


def test_file_that_grows_while_it_is_indexed_is_refused(
    folder: Path, opened: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptlab.datasets.text_files import TextRows

    write_rows(folder / "a.jsonl", 50)
    scan = TextRows.scan

    def growing(self: TextRows):  # type: ignore[no-untyped-def]
        for row in scan(self):
            if row.row == 10:
                with self.path.open("a") as stream:
                    stream.write('{"q": "late", "a": "0"}\n')
            yield row

    monkeypatch.setattr(TextRows, "scan", growing)
    with pytest.raises(ExperimentError, match="changed while it was read"):
        opened(path="a.jsonl", target="a")


def test_limit_reads_only_its_rows_of_a_large_file(folder: Path, opened: Callable[..., Dataset]) -> None:
    path = folder / "a.jsonl"
    write_rows(path, 100)
    with path.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(b"not JSON, and never looked at\n")
        stream.truncate(2 * 2**30)  # sparse: 2 GiB of zeros
    begun = time.process_time()
    dataset = opened(path="a.jsonl", target="a", limit=100)
    assert time.process_time() - begun < 2  # reading it all takes longer than that
    assert dataset.sizes["test"] == 100
    assert dataset.sample("test", 99).inputs["q"] == "question 99"


def test_positions_ids_and_views_agree(folder: Path, opened: Callable[..., Dataset]) -> None:
    write_rows(folder / "a.jsonl", 1000)
    dataset = opened(path="a.jsonl", target="a", split={"test": 600, "train": 300})
    listed = list(dataset.samples("test"))
    view = dataset.view("test")
    assert len(listed) == len(view) == 600
    assert listed[300:310] == list(dataset.samples("test", 300, 310)) == view[300:310]
    assert listed[-1] == view[-1] == dataset.sample("test", 599)
    assert view[10:2:-3] == listed[10:2:-3]
    assert dataset.find(listed[5].id) == view.find(listed[5].id) == listed[5]
    assert dataset.find(listed[5].id, "train") is None
    assert dataset.find("nothing") is None
    assert dataset.first() == listed[0]
    assert dataset.first("train") == dataset.view("train")[0]
    with pytest.raises(IndexError):
        dataset.sample("test", 600)


def test_hash_covers_the_selected_samples_in_order(folder: Path, opened: Callable[..., Dataset]) -> None:
    write_rows(folder / "a.jsonl", 20)
    write_rows(folder / "b.jsonl", 30)
    assert opened(path="a.jsonl", target="a").hash == opened(path="b.jsonl", target="a", limit=20).hash
    part = opened(path="a.jsonl", target="a", split={"test": 10, "train": 5})
    other = opened(path="a.jsonl", target="a", split={"test": 10, "train": 6})
    assert part.split_hash("test") == other.split_hash("test")
    assert part.split_hash("train") != other.split_hash("train")
    assert part.hash != other.hash


def test_threads_read_one_data_set_at_once(folder: Path, opened: Callable[..., Dataset]) -> None:
    write_rows(folder / "a.jsonl", 500)
    dataset = opened(path="a.jsonl", target="a")
    seen: list[list[str]] = [[] for _ in range(4)]

    def read(number: int) -> None:
        order = range(500) if number % 2 else range(499, -1, -1)
        seen[number] = [dataset.sample("test", n).inputs["q"] for n in order]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [f"question {n}" for n in range(500)]
    assert seen == [expected[::-1], expected, expected[::-1], expected]


def test_damaged_index_is_built_anew(folder: Path, home: Path, opened: Callable[..., Dataset]) -> None:
    write_rows(folder / "a.jsonl", 20)
    first = opened(path="a.jsonl", target="a")
    (index,) = (home / "datasets").iterdir()
    for damage in (b"", b"not a database at all", index.read_bytes()[:5000]):
        index.unlink()
        index.write_bytes(damage)
        assert opened(path="a.jsonl", target="a").hash == first.hash


def test_home_that_cannot_be_written_is_said(
    folder: Path, home: Path, opened: Callable[..., Dataset]
) -> None:
    write_rows(folder / "a.jsonl", 20)
    home.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot be indexed"):
        opened(path="a.jsonl", target="a")


def test_failed_build_leaves_nothing_behind(folder: Path, home: Path, opened: Callable[..., Dataset]) -> None:
    (folder / "a.jsonl").write_text('{"q": 1}\nbroken\n')
    with pytest.raises(ExperimentError):
        opened(path="a.jsonl")
    assert list((home / "datasets").iterdir()) == []


_OPEN = """
import sys
from pathlib import Path
from promptlab.datasets import DatasetSpec, open_dataset
with open_dataset(DatasetSpec(path=sys.argv[2], target="a"), folder=Path(sys.argv[1]), home=Path(sys.argv[3]),
                  need_train=True) as dataset:
    assert sum(1 for _ in dataset.samples("test")) == dataset.sizes["test"]
    print(dataset.hash)
"""


def test_two_processes_build_the_same_index_at_once(folder: Path, home: Path) -> None:
    write_rows(folder / "a.jsonl", 5000)
    command = [sys.executable, "-c", _OPEN, str(folder), "a.jsonl", str(home)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    hashes = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert hashes[0] == hashes[1] != ""
    assert [path.suffix for path in (home / "datasets").iterdir()] == [".sqlite"]


_PEAK = """
import resource, sys
from pathlib import Path
from promptlab.datasets import DatasetSpec, open_dataset
with open_dataset(DatasetSpec(path=sys.argv[2], target="a"), folder=Path(sys.argv[1]), home=Path(sys.argv[3]),
                  need_train=True) as dataset:
    sum(1 for _ in dataset.samples("test"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_mib(folder: Path, home: Path, name: str) -> float:
    command = [sys.executable, "-c", _PEAK, str(folder), name, str(home)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rows", [60_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_rows(folder: Path, home: Path, rows: int) -> None:
    write_rows(folder / "small.jsonl", 20_000)
    write_rows(folder / "large.jsonl", rows)
    growth = peak_mib(folder, home, "large.jsonl") - peak_mib(folder, home, "small.jsonl")
    assert growth < 40  # SQLite's page caches fill up; the rows themselves would be hundreds
