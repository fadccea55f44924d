"""`promptlab init DATA`: from a data file to an experiment that runs, with flags, guesses or questions."""

from __future__ import annotations

import json
import os
import pty
import select
import sys
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand
from ruamel.yaml import YAML

REAL_DATA = os.environ.get("PROMPTLAB_REAL_DATA", "")


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    (tmp_path / "data").mkdir()
    rows = "".join(f'"I liked it, number {n}",{["good", "bad"][n % 2]},{n}\n' for n in range(60))
    (tmp_path / "data" / "reviews.csv").write_text("text,label,id\n" + rows)
    (tmp_path / "script.yaml").write_text("- {default: good}\n")
    return RealCommand(tmp_path, COLUMNS="80")


def written(command: RealCommand, name: str = "experiment.yaml") -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((command.folder / name).read_text(encoding="utf-8"))
    return loaded


def test_without_a_terminal_guesses_are_taken_named_and_valid(command: RealCommand) -> None:
    out, said = command.run("init", "data/reviews.csv")
    assert out == "wrote experiment.yaml\nLook at it, then: promptlab compare experiment.yaml\n"
    assert "guessed: target: label; input: text; answer: label; id: id" in said
    assert "splits: test 48, train 12 of 60 rows" in said
    loaded = written(command)
    assert loaded["name"] == "reviews"
    assert loaded["datasets"] == [
        {"path": "data/reviews.csv", "target": "label", "id": "id", "split": {"test": 48, "train": 12}}
    ]
    assert loaded["task"] == {
        "prompt": "{{ text }}",
        "answer": "label",
        "answer_instruction": "Reply with one of these only: bad, good.",
    }
    assert "2 cells, 96 trials" in command.run("validate", "experiment.yaml")[0]


def test_flags_ask_nothing_and_are_what_is_written(command: RealCommand) -> None:
    args = ["--input", "text", "--target", "label", "--answer", "text", "--name", "my test", "--yes"]
    _, said = command.run(
        "init", "data/reviews.csv", *args, "--model", "scripted/../script.yaml", "--to", "exp/first.yaml"
    )
    assert "guessed: id: id" in said
    loaded = written(command, "exp/first.yaml")
    assert (loaded["name"], loaded["task"]["answer"], loaded["models"]) == (
        "my test",
        "text",
        ["scripted/../script.yaml"],
    )
    assert loaded["datasets"][0]["path"] == "../data/reviews.csv"
    shown = json.loads(command.run("compare", "exp/first.yaml", "--json")[0])
    assert shown["status"] == "complete"
    assert {cell["variant"]: cell["n"] for cell in shown["cells"]} == {"zero_shot": 48, "few_shot": 48}


def test_the_path_works_from_where_the_experiment_lies(command: RealCommand, tmp_path: Path) -> None:
    outside = tmp_path / "data" / "deep" / "e.yaml"
    command.run("init", str(tmp_path / "data" / "reviews.csv"), "--out", str(outside))
    assert written(command, "data/deep/e.yaml")["datasets"][0]["path"] == "../reviews.csv"
    command.run("validate", str(outside))


def test_nothing_is_overwritten_without_being_told(command: RealCommand) -> None:
    command.run("init", "data/reviews.csv")
    (command.folder / "experiment.yaml").write_text("mine")
    assert "already" in command.run("init", "data/reviews.csv", code=2)[1]
    assert (command.folder / "experiment.yaml").read_text() == "mine"
    command.run("init", "data/reviews.csv", "--force")
    assert written(command)["name"] == "reviews"
    told = command.run("init", "data/reviews.csv", "--to", "data/reviews.csv", "--force", code=2)[1]
    assert "is the data file" in told


def at_a_terminal(command: RealCommand, answers: list[str], *args: str) -> tuple[str, int]:
    """The command at a pseudo-terminal; each question gets the next answer. What was shown, and the code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(command.folder)
        os.execve(sys.executable, [sys.executable, "-m", "promptlab", *args], command.env)
    shown = b""
    left = [*answers]
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not part:
            break
        shown += part
        if shown.endswith(b"]: ") and left:
            os.write(terminal, left.pop(0).encode() + b"\r")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return shown.decode(), code


def test_a_terminal_is_asked_with_the_guesses_as_defaults(command: RealCommand) -> None:
    shown, code = at_a_terminal(command, [""] * 5, "init", "data/reviews.csv")
    assert code == 0, shown
    for question in ("[label]", "[text]", "Kind of answer", "[none]", "[local/smollm2-135m]"):
        assert question in shown
    by_hand = written(command)
    command.run("init", "data/reviews.csv", "--yes", "--force")
    assert written(command) == by_hand


def test_answers_at_a_terminal_beat_the_guesses_and_wrong_ones_are_asked_again(command: RealCommand) -> None:
    answers = ["lable", "text", "id,label", "text", "none", "scripted/script.yaml"]
    shown, code = at_a_terminal(command, answers, "init", "data/reviews.csv")
    assert code == 0, shown
    assert "there is no column 'lable'. Did you mean 'label'?" in shown
    loaded = written(command)
    assert loaded["datasets"][0]["target"] == "text"
    assert loaded["task"]["prompt"] == "id: {{ id }}\nlabel: {{ label }}"
    assert loaded["models"] == ["scripted/script.yaml"]
    command.run("validate", "experiment.yaml")


def test_flags_are_not_asked_again_at_a_terminal(command: RealCommand) -> None:
    args = ["--target", "label", "--input", "text", "--answer", "label", "--model", "scripted/script.yaml"]
    shown, code = at_a_terminal(command, [""], "init", "data/reviews.csv", *args)
    assert code == 0, shown
    assert "Kind of answer" not in shown
    assert "Model" not in shown
    shown, code = at_a_terminal(command, [], "init", "data/reviews.csv", "--yes", "--force")
    assert code == 0, shown


def test_a_terminal_can_be_left_with_ctrl_c(command: RealCommand) -> None:
    shown, code = at_a_terminal(command, ["\x03"], "init", "data/reviews.csv")
    assert code == 130, shown
    assert not (command.folder / "experiment.yaml").exists()


def test_a_split_column_is_used_and_its_sizes_are_said(command: RealCommand) -> None:
    rows = [
        {"question": f"q{n}", "answer": n, "part": ["train", "validation", "test"][n % 3]} for n in range(30)
    ]
    (command.folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = command.run("init", "a.jsonl")[1]
    assert "splits: test 10, dev 10, train 10 rows, by column part" in said
    assert written(command)["datasets"][0]["split"] == "part"
    command.run("validate", "experiment.yaml")


def test_few_rows_are_all_test_and_no_examples_are_shown(command: RealCommand) -> None:
    (command.folder / "a.csv").write_text("question,answer\na,1\nb,2\nc,3\n")
    assert "all 3 rows are test" in command.run("init", "a.csv")[1]
    assert written(command)["variants"] == ["zero_shot", "zero_shot_cot"]
    command.run("validate", "experiment.yaml")


def test_choices_become_lettered_options(command: RealCommand) -> None:
    rows = "".join(f"question {n},w,x,y,z,{'ABCD'[n % 4]}\n" for n in range(30))
    (command.folder / "a.csv").write_text("question,A,B,C,D,answer\n" + rows)
    command.run("init", "a.csv")
    loaded = written(command)
    assert loaded["datasets"][0]["choices"] == ["A", "B", "C", "D"]
    assert loaded["task"]["prompt"] == "{{ question }}\n{{ choices }}"
    command.run("validate", "experiment.yaml")


def test_odd_names_odd_encodings_and_other_delimiters_give_a_valid_file(command: RealCommand) -> None:
    names = ['the "text"', "a: b", "if", "# no", "问 题", "yes"]
    rows = "".join(";".join(f"cell {n} {k}" for k in range(5)) + f";标签{n % 2}\n" for n in range(30))
    header = ";".join('"{}"'.format(name.replace('"', '""')) for name in names)
    (command.folder / "奇怪 的.csv").write_text(f"{header}\n{rows}", encoding="gb18030")
    said = command.run("init", "奇怪 的.csv", "--input", ",".join(names[:-1]))[1]
    assert "encoding: gb18030; delimiter: ';'" in said
    assert written(command)["datasets"][0]["target"] == "yes"
    command.run("validate", "experiment.yaml")


def test_long_questions_get_fewer_examples_on_the_embedded_model(command: RealCommand) -> None:
    rows = "".join(f"{'word ' * 300}{n},{n}\n" for n in range(30))
    (command.folder / "a.csv").write_text("question,answer\n" + rows)
    command.run("init", "a.csv")
    assert written(command)["variants"][1]["demos"]["count"] == 1
    command.run("init", "a.csv", "--model", "scripted/script.yaml", "--force")
    assert written(command)["variants"][1]["demos"]["count"] == 4


def test_a_missing_key_is_said_and_the_file_is_written(command: RealCommand) -> None:
    said = command.run("init", "data/reviews.csv", "--model", "openai/gpt-4o-mini")[1]
    assert "before it runs: " in said
    assert "OPENAI_API_KEY" in said
    assert written(command)["models"] == [{"id": "openai/gpt-4o-mini", "temperature": 0}]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("data",), "this is a folder, not a file"),
        (("data/review.csv",), "Did you mean 'reviews.csv'?"),
        (("data/reviews.csv", "--input", "txt"), "--input: there is no column 'txt'. Did you mean 'text'?"),
        (("data/reviews.csv", "--target", "{{ lable }}"), "--target: there is no such column"),
        (("data/reviews.csv", "--answer", "choice"), "needs choices. Say which: --choices COLUMN"),
        (("data/reviews.csv", "--model", "opnai/x"), "Did you mean 'openai'"),
        (("data/reviews.csv", "--split-column", "label", "--target", "id"), "no row of 'label' says test"),
        (("data/reviews.csv", "--to", "data"), "is a folder"),
        (("data/reviews.csv", "--answer", "boolean"), "'boolean' is not one of"),
        (("--target", "label"), "promptlab init DATA"),
    ],
)
def test_bad_input_ends_with_code_2_and_writes_nothing(
    command: RealCommand, args: tuple[str, ...], message: str
) -> None:
    out, said = command.run("init", *args, code=2)
    assert message in said
    assert out == ""
    assert not (command.folder / "experiment.yaml").exists()


@pytest.mark.skipif(not REAL_DATA, reason="PROMPTLAB_REAL_DATA names no folder with benchmark files")
@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("svamp.json", "number"),
        ("gsm8k_train_300.jsonl", "number"),
        ("mgsm_zh.tsv", "number"),
        ("ii_sentiment.json", "label"),
        ("bbh_boolean_expressions.json", "yes_no"),
        ("bbh_sports_understanding.json", "yes_no"),
        ("bbh_word_sorting.json", "text"),
    ],
)
def test_a_benchmark_file_becomes_an_experiment_that_runs(
    command: RealCommand, file: str, answer: str
) -> None:
    command.run("init", str(Path(REAL_DATA) / file), "--model", "scripted/script.yaml")
    assert written(command)["task"]["answer"] == answer
    shown = json.loads(command.run("compare", "experiment.yaml", "--json", "--limit", "5")[0])
    assert [cell["n"] for cell in shown["cells"]] == [5, 5]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_gigabytes_with_a_limit_start_at_once(command: RealCommand) -> None:
    import time

    row = json.dumps({"question": "How many? " + "word " * 2000, "answer": 7}).encode() + b"\n"
    path = command.folder / "large.jsonl"
    with path.open("wb") as stream:
        for _ in range(-(-2 * 2**30 // (len(row) * 100))):
            stream.write(row * 100)
    assert path.stat().st_size >= 2 * 2**30
    (command.folder / "exp.yaml").write_text(
        "name: large\ndataset: {path: large.jsonl, target: answer, limit: 100}\n"
        'task: {prompt: "{{ question }}", answer: number}\nmodels: [scripted/script.yaml]\n'
        "variants: [zero_shot]\n"
    )
    begun = time.monotonic()
    assert "1 cells, 100 trials" in command.run("validate", "exp.yaml")[0]
    assert time.monotonic() - begun < 5  # start of the process included; reading the file takes longer
    command.run("datasets", "check", "large.jsonl", "--limit", "100")
    command.run("init", "large.jsonl", "--limit", "100")
    assert time.monotonic() - begun < 20
