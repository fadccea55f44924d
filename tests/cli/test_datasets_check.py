"""`promptlab datasets check`: the real command over real files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand
from rich.cells import cell_len

STORY = "the film was long and dull but its music kept everyone in the hall awake until late"
WORDS = STORY.split()


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    return RealCommand(tmp_path, COLUMNS="80")


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    (folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def review(number: int, split: str, label: str) -> dict[str, Any]:
    text = " ".join(WORDS[(number * 7 + step * (number % 5 + 1)) % len(WORDS)] for step in range(14))
    return {"text": f"{text} {number * 7919}", "label": label, "split": split}


def reviews() -> list[dict[str, Any]]:
    return [review(n, "train" if n < 10 else "test", "good" if n % 2 else "bad") for n in range(40)]


def checked(command: RealCommand, *args: str, code: int = 0) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(command.run("datasets", "check", *args, "--json", code=code)[0])[
        "datasets"
    ]
    assert len(found) == 1
    return found[0]


def test_a_clean_file_is_described_and_what_was_guessed_is_said(command: RealCommand) -> None:
    write(command.folder, "a.jsonl", reviews())
    found = checked(command, "a.jsonl")
    assert {each["name"]: (each["role"], each["type"]) for each in found["columns"]} == {
        "text": ("input", "text"),
        "label": ("target", "text"),
        "split": ("split", "text"),
    }
    test, train = found["splits"]
    assert (test["split"], test["rows"], test["labels"]) == ("test", 30, {"bad": 15, "good": 15})
    assert (train["split"], train["rows"]) == ("train", 10)
    assert (found["rows"], found["overlaps"], found["conflicts"], found["duplicate_rows"]) == (40, 0, 0, 0)
    assert len(found["hash"]) == 64
    _, said = command.run("datasets", "check", "a.jsonl")
    assert said.startswith("guessed: target: label; split column: split")


def test_overlaps_between_splits_are_listed_and_end_with_code_4(command: RealCommand) -> None:
    rows = reviews()
    rows.append({**rows[3], "split": "test"})
    rows.append({**rows[20], "label": "mixed"})
    write(command.folder, "a.jsonl", rows)
    found = checked(command, "a.jsonl", code=4)
    assert (found["overlaps"], found["conflicts"], found["duplicate_rows"]) == (1, 1, 2)
    overlap, conflict = found["duplicates"]
    assert [sample["split"] for sample in overlap["samples"]] == ["test", "train"]
    assert {sample["inputs"]["text"] for sample in overlap["samples"]} == {rows[3]["text"]}
    assert sorted(sample["target"] for sample in conflict["samples"]) == [["bad"], ["mixed"]]
    text, _ = command.run("datasets", "check", "a.jsonl", code=4)
    assert "Overlaps between splits: 1 inputs" in text
    assert "→ mixed" in text


def test_without_overlap_duplicates_and_conflicts_end_with_code_0(command: RealCommand) -> None:
    rows = [row for row in reviews() if row["split"] == "test"]
    write(command.folder, "a.jsonl", [*rows, {**rows[0], "label": "other"}])
    assert checked(command, "a.jsonl")["conflicts"] == 1


def test_near_duplicates_show_where_they_begin_to_differ(command: RealCommand) -> None:
    rows = reviews()
    story = "A long story about a man who walks home from the station in the rain and meets"
    write(
        command.folder,
        "a.jsonl",
        [
            *rows,
            {"text": f"{story} a dog.", "label": "good", "split": "train"},
            {"text": f"{story} a cat.", "label": "good", "split": "test"},
        ],
    )
    found = checked(command, "a.jsonl")
    assert (found["near_count"], found["near_overlaps"], found["overlaps"]) == (1, 1, 0)
    text, _ = command.run("datasets", "check", "a.jsonl")
    assert "a cat." in text
    assert "a dog." in text


def test_two_files_are_two_splits(command: RealCommand) -> None:
    rows = reviews()
    write(command.folder, "test.jsonl", rows[:20])
    write(command.folder, "train.jsonl", rows[19:])
    found = checked(command, "test.jsonl", "--train", "train.jsonl", "--target", "label", code=4)
    assert [(each["split"], each["rows"]) for each in found["splits"]] == [("test", 20), ("train", 21)]
    assert found["overlaps"] == 1


def test_columns_that_number_the_rows_hide_nothing_with_input(command: RealCommand) -> None:
    rows = [{**row, "line": n} for n, row in enumerate([*reviews(), {**reviews()[0], "split": "test"}])]
    write(command.folder, "a.jsonl", rows)
    assert checked(command, "a.jsonl")["overlaps"] == 0
    assert checked(command, "a.jsonl", "--input", "text", code=4)["overlaps"] == 1


def test_a_guessed_id_that_does_not_hold_is_dropped_and_said(command: RealCommand) -> None:
    rows = [{"id": n, **row} for n, row in enumerate(reviews())]
    write(command.folder, "test.jsonl", rows)
    write(command.folder, "train.jsonl", [{**review(100 + n, "train", "good"), "no": n} for n in range(5)])
    _, said = command.run("datasets", "check", "test.jsonl", "--train", "train.jsonl")
    assert "id is no id in every row" in said
    told = command.run("datasets", "check", "test.jsonl", "--train", "train.jsonl", "--id", "id", code=2)[1]
    assert "--id: " in told


@pytest.mark.parametrize(
    ("rule", "sizes"),
    [
        ("test=0.5,train=0.25", {"test": 20, "train": 10}),
        ("test=12,dev=3", {"test": 12, "dev": 3}),
        ("folds=4", {"test": 10}),
    ],
)
def test_a_split_rule_is_tried_before_it_is_written(
    command: RealCommand, rule: str, sizes: dict[str, int]
) -> None:
    write(command.folder, "a.jsonl", [{**row, "split": "?"} for row in reviews()])
    found = checked(command, "a.jsonl", "--split", rule)
    assert {each["split"]: each["rows"] for each in found["splits"]} == sizes
    assert "is no rule" in command.run("datasets", "check", "a.jsonl", "--split", "test", code=2)[1]


def test_an_experiment_is_checked_by_what_its_prompts_show(command: RealCommand) -> None:
    rows = [{**row, "line": n} for n, row in enumerate([*reviews(), {**reviews()[0], "split": "test"}])]
    write(command.folder, "a.jsonl", rows)
    (command.folder / "script.yaml").write_text("- {default: good}\n")
    (command.folder / "exp.yaml").write_text(
        "name: e\ndataset: {path: a.jsonl, target: label, split: split}\n"
        'task: {prompt: "{{ text }}", answer: label}\nmodels: [scripted/script.yaml]\nvariants: [zero_shot]\n'
    )
    found = checked(command, "exp.yaml", code=4)
    assert (found["compared"], found["overlaps"]) == (["text"], 1)
    assert "exp.yaml says itself" in command.run("datasets", "check", "exp.yaml", "--id", "line", code=2)[1]


def test_lines_fit_80_cells_with_chinese_text(command: RealCommand) -> None:
    rows = [
        {
            "编号": f"第{n}号样本",
            "评论内容": f"这部电影的剧情拖沓，演员的表演也很平淡，看到第{n}分钟我就睡着了。" * 3,
            "情感": "差评" if n % 3 else "好评",
            "备注": "" if n == 5 else "无",
            "划分": "train" if n < 8 else "test",
        }
        for n in range(30)
    ]
    rows += [{**rows[0], "编号": "又一", "划分": "test"}]
    write(command.folder, "影评.jsonl", rows)
    text, _ = command.run("datasets", "check", "影评.jsonl", code=4)
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "备注: 1 (row 6 of 影评.jsonl)" in text
    assert "好评" in text
    assert "…" in text


def test_text_that_would_steer_the_terminal_is_spelled_out(command: RealCommand) -> None:
    rows = [{"q\x1b[2J": f"\x1b]0;x\x07 [bold]{n % 4}[/bold] \u202e", "answer": str(n)} for n in range(8)]
    write(command.folder, "a.jsonl", rows)
    text, _ = command.run("datasets", "check", "a.jsonl")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[bold]" in text


BAD: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "there are no rows"),
    "header.csv": (b"q,answer\n", "there are no rows"),
    "nul.csv": (b"q,answer\nx,1\ny\0,2\n", "nul.csv, row 2 (line 3), column 'q': there is a NUL byte"),
    "ragged.csv": (b"q,answer\nx,1\ny,2,3\n", "ragged.csv, row 2 (line 3): it has 3 cells"),
    "gap.jsonl": (b'{"q": "a", "answer": 1}\n{"q": "b"}\n', "gap.jsonl, row 2 (line 2): there is no column"),
    "hole.csv": (b"q,answer\nx,1\ny,\n", "hole.csv, row 2 (line 3): the target is empty"),
    "broken.jsonl": (b'{"q": "a", "answer": 1}\n{"q":\n', "row 2 (line 2): it is not valid JSON"),
    "mixed.csv": ("q,answer\n猫,1\n".encode() + "狗,2\n".encode("gb18030"), "mixed.csv, row 2 (line 3)"),
    "picture.png": (b"PNG", "this kind of file is not known"),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["check", "init"])
@pytest.mark.parametrize("name", BAD)
def test_bad_data_ends_with_code_2_and_one_line_with_the_row_and_the_remedy(
    command: RealCommand, name: str, verb: str
) -> None:
    data, message = BAD[name]
    (command.folder / name).write_bytes(data)
    args = ("datasets", "check", name) if verb == "check" else ("init", name)
    out, said = command.run(*args, code=2)
    lines = [line for line in said.splitlines() if not line.startswith("guessed: ")]
    assert out == ""
    assert len(lines) == 1
    assert message in lines[0]
    assert ". " in lines[0]  # what is wrong, and what to do
    assert "`encoding:" not in said
    assert not (command.folder / "experiment.yaml").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("gone.jsonl",), "Did you mean 'a.jsonl'?"),
        (("gone/a.jsonl",), "There is no folder"),
        ((".",), "this is a folder, not a file"),
        (("a.jsonl", "--target", "lable"), "--target: there is no column 'lable'. Did you mean 'label'?"),
        (("a.jsonl", "--input", "text,txet"), "--input: there is no column 'txet'. Did you mean 'text'?"),
        (("a.jsonl", "--delimiter", ";;"), "--delimiter: a delimiter is one ASCII character"),
        (("a.jsonl", "--delimiter", ";"), "--delimiter: a jsonl file has no use for it"),
        (("a.jsonl", "--encoding", "klingon"), "--encoding: there is no such encoding"),
        (("a.jsonl", "--records", "x"), "--records: a jsonl file has no use for it"),
        (("a.jsonl", "--train", "a.jsonl", "--split", "test=5"), "--train and --dev are splits already"),
        (("a.jsonl", "--train", "gone.jsonl"), "there is no such file (got 'gone.jsonl')"),
        (("a.jsonl", "--split", "test=400"), "the splits need 400 rows, but there are 40"),
        (("exp.yaml",), "there is no such file"),
    ],
)
def test_wrong_flags_are_named_with_what_was_meant(
    command: RealCommand, args: tuple[str, ...], message: str
) -> None:
    write(command.folder, "a.jsonl", reviews())
    said = command.run("datasets", "check", *args, code=2)[1].splitlines()
    assert message in said[-1]
    assert said[-1].startswith("promptlab: ")


def test_sources_are_listed_and_explained(command: RealCommand) -> None:
    assert "last_letter" in command.run("datasets")[0]
    assert (
        "{generate: {source: coin_flip, seed: 0, size: 500, people: 4}}"
        in command.run("datasets", "coin_flip")[0]
    )
    assert "'coin_flip'" in command.run("datasets", "coinflip", code=2)[1]
    assert "promptlab datasets check a.csv" in command.run("datasets", "a.csv", code=2)[1]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_million_rows_are_checked_in_flat_memory(command: RealCommand) -> None:
    peaks_mib = []
    for name, rows in (("small.jsonl", 30_000), ("large.jsonl", 1_000_000)):
        with (command.folder / name).open("w") as stream:
            for n in range(rows):
                stream.write(f'{{"q": "question {n} about {n * 7919 % 104729}", "answer": "{n % 7}"}}\n')
        process = command.start("datasets", "check", name, "--json")
        assert process.stdout is not None
        found = json.loads(process.stdout.read())["datasets"][0]
        _, process.returncode, used = os.wait4(process.pid, 0)
        assert (process.returncode, found["rows"], found["duplicate_rows"]) == (0, rows, 0)
        peaks_mib.append(used.ru_maxrss / 1024)
    assert peaks_mib[1] - peaks_mib[0] < 60  # page caches and counts; the rows would be hundreds
