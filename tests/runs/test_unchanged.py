"""An unchanged experiment is reprinted at once; whatever could make a difference is planned."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model, sql, store_of

from promptlab.runs.unchanged import unchanged


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    made = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    made.write(20, model("fake-1", fake_provider.openai))
    return made


def found(command: RealCommand) -> bool:
    return unchanged(command.folder / ".promptlab", command.folder / "exp.yaml") is not None


def test_a_finished_run_of_the_same_file_and_data_is_reprinted(command: RealCommand) -> None:
    assert not found(command)
    first = command.compare()
    assert found(command)
    again = command.compare()
    assert again == {**first, "sent_calls": 0}


def test_reprinting_loads_nothing_that_runs_or_plans(command: RealCommand) -> None:
    command.compare()
    code = (
        "import sys; from promptlab.cli.main import run; run(['compare', 'exp.yaml', '--json']);"
        "heavy = {'asyncio', 'jinja2', 'aiohttp', 'pandas', 'scipy', 'numpy.ma'} & set(sys.modules);"
        "print(heavy, file=sys.stderr); sys.exit(len(heavy))"
    )
    env = {**os.environ, **command.env}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=command.folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_part_of_the_run_is_not_the_run(command: RealCommand) -> None:
    command.compare("--limit", "5")
    assert command.compare()["cells"][0]["n"] == 20


@pytest.mark.parametrize("change", ["prompt", "data", "touched data", "variable", "moved"])
def test_whatever_may_make_a_difference_is_planned(command: RealCommand, change: str) -> None:
    command.compare()
    experiment, data = command.folder / "exp.yaml", command.folder / "data.jsonl"
    if change == "prompt":
        experiment.write_text(experiment.read_text().replace("What is", "How much is"))
    elif change == "data":
        data.write_text(data.read_text() + '{"id": "more", "q": "1 + 1", "answer": "2"}\n')
    elif change == "touched data":
        os.utime(data, (1, 1))
    elif change == "variable":
        experiment.write_text(experiment.read_text() + "# ${HOME}\n")
    else:
        elsewhere = command.folder / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "exp.yaml").write_text(experiment.read_text())
        assert unchanged(command.folder / ".promptlab", elsewhere / "exp.yaml") is None
        return
    assert not found(command)
    assert command.compare()["cells"][0]["n"] == (21 if change == "data" else 20)
    assert found(command) or change == "variable"


def test_an_error_that_is_to_be_tried_again_is_no_finished_run(
    command: RealCommand, fake_provider: Any
) -> None:
    fake_provider.control(rules=[{"fault": "400", "p": 0.2}])
    assert command.compare(code=3)["cells"][0]["errors"] > 0
    assert not found(command)
    fake_provider.control(reset=True)
    assert command.compare()["cells"][0]["n"] == 20


def test_a_newer_run_of_the_same_name_counts(command: RealCommand) -> None:
    command.compare()
    text = (command.folder / "exp.yaml").read_text()
    (command.folder / "exp.yaml").write_text(text.replace("What is", "How much is"))
    command.compare("--fresh")
    (command.folder / "exp.yaml").write_text(text)
    assert not found(command)


def test_nothing_of_it_writes(command: RealCommand) -> None:
    command.compare()
    store = store_of(command.folder / ".promptlab")
    manifest = store.parent / "manifest.json"
    before = (manifest.stat().st_mtime_ns, sql(store, "SELECT count(*) FROM trials"))
    command.compare()
    assert (manifest.stat().st_mtime_ns, sql(store, "SELECT count(*) FROM trials")) == before
