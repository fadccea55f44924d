"""Samples of failed trials go into a data set of one's own, once, and can be opened as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import promptlab
from promptlab.basics.errors import UsageError
from promptlab.cli.main import run as command
from promptlab.datasets import DatasetSpec, open_dataset
from promptlab.export.kept_samples import keep_samples
from promptlab.runs import RunDirectory, RunReader


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("failing")
    rows = [{"id": f"s{n}", "q": f"word {n}", "a": ["x", "y"] if n else "z"} for n in range(4)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text("- {default: 'no idea'}\n")
    (folder / "exp.yaml").write_text(
        "name: failing\ndataset: {path: data.jsonl, target: a, id: id, metadata: [id]}\n"
        'task: {prompt: "{{ q }}", answer: text}\nmodels: [scripted/script.yaml]\nvariants: [zero_shot]\n'
    )
    promptlab.load(folder / "exp.yaml", home=folder / "home").run()
    (path,) = (folder / "home" / "runs").iterdir()
    return RunDirectory(path)


def trials(run: RunDirectory) -> list[int]:
    with RunReader(run) as reader:
        return [row["trial"] for row in reader.trials()]


def test_a_failing_sample_is_added_once_and_opens_as_a_data_set(stored: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "datasets" / "failures.jsonl"
    numbers = trials(stored)
    kept = keep_samples(stored, numbers[:2], path)
    assert (kept.added, kept.known) == (2, 0)
    kept = keep_samples(stored, numbers[1:3], path)
    assert (kept.added, kept.known) == (1, 1)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["q"] for row in rows] == ["word 0", "word 1", "word 2"]
    assert [row["target"] for row in rows] == ["z", ["x", "y"], ["x", "y"]]
    assert rows[2]["from_trial"] == numbers[2]
    with open_dataset(DatasetSpec(path=str(path), target="target"), folder=tmp_path, home=tmp_path) as opened:
        assert opened.first().inputs["q"] == "word 0"


def test_a_file_without_a_last_line_break_is_not_broken(stored: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "failures.jsonl"
    keep_samples(stored, trials(stored)[:1], path)
    path.write_text(path.read_text().rstrip("\n"))
    keep_samples(stored, trials(stored)[1:2], path)
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2


def test_what_does_not_fit_is_refused_and_the_file_stays(stored: RunDirectory, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"question": "mine", "answer": "1"}\n')
    with pytest.raises(UsageError, match="has the columns question, answer"):
        keep_samples(stored, trials(stored), path)
    assert path.read_text() == '{"question": "mine", "answer": "1"}\n'
    with pytest.raises(UsageError, match="no trial 99"):
        keep_samples(stored, [99], tmp_path / "new.jsonl")
    with pytest.raises(UsageError, match="no jsonl file"):
        keep_samples(stored, trials(stored), tmp_path / "new.csv")


def test_the_command_adds_them_too(
    stored: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "failures.jsonl"
    given = ["datasets", "add", str(stored.path), *map(str, trials(stored)[:2]), "--to", str(path)]
    assert command(given) == 0
    assert "2 added" in capsys.readouterr().err
    assert command([*given[:4], "--to", str(path)]) == 0
    assert "0 added, 1 there already" in capsys.readouterr().err
