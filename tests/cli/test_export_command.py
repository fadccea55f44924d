"""`export` and `plot` as a user types them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))
from real_command import RealCommand


@pytest.fixture
def command(tmp_path: Path) -> RealCommand:
    made = RealCommand(tmp_path, PROMPTLAB_HOME=str(tmp_path / "home"))
    (tmp_path / "script.yaml").write_text(json.dumps([{"default": "The answer is 3."}]))
    made.write(20, "scripted/script.yaml", "zero_shot, zero_shot_cot")
    made.run("run", "exp.yaml")
    return made


@pytest.mark.parametrize(
    ("file", "more", "told"),
    [
        ("out.csv", ("--bom",), "out.csv: 2 cells"),
        ("out.parquet", ("--what", "trials"), "out.parquet: 40 trials"),
        ("out.xlsx", (), "out.xlsx: the sheets cells, pairs, trials, manifest"),
        ("out.tex", ("--interval", "pm", "--caption", "50 %"), "out.tex: 2 cells"),
        ("out.html", (), "out.html: a report of 2 cells and 20 samples"),
        ("out.md", ("--what", "prompts"), "out.md: the prompts of 2 variants"),
        ("out.txt", ("--what", "methods"), "out.txt: a methods paragraph"),
        ("out.bib", (), "sources"),
    ],
)
def test_a_run_is_exported_as_its_ending_says(
    command: RealCommand, file: str, more: tuple[str, ...], told: str
) -> None:
    out, err = command.run("export", "loop", "--to", file, *more)
    assert not out
    assert told in err
    assert (command.folder / file).stat().st_size > 100
    assert not list(command.folder.glob(".*.part"))


def test_a_plot_is_drawn_to_a_page(command: RealCommand) -> None:
    _, err = command.run("plot", "loop", "--what", "heatmap", "--to", "out.html")
    assert err == "out.html: heatmap\n"
    assert "plotly" in (command.folder / "out.html").read_text(encoding="utf-8")


def test_a_wrong_ending_a_wrong_plot_and_a_wrong_folder_are_said_in_one_line(command: RealCommand) -> None:
    for args, told in (
        (("export", "loop", "--to", "out.xlxs"), "unknown ending '.xlxs'. Did you mean '.xlsx'?"),
        (("export", "loop", "--to", "no/out.csv"), "cannot write no/out.csv: No such file or directory."),
        (("export", "lop", "--to", "out.csv"), "there is no run 'lop'"),
        (("plot", "loop", "--to", "out.gif"), "unknown ending '.gif'"),
    ):
        _, err = command.run(*args, code=2)
        assert told in err
        assert err.count("\n") == 1
