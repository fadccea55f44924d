"""Two data sets, two models, three variants against a provider, then taken apart by fields of the samples."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model
from rich.cells import cell_len

EXPERIMENT = """\
name: grid
datasets:
  - {{path: sums.jsonl, target: answer, id: id, group: family, metadata: [source]}}
  - {{path: 应用题.jsonl, target: answer, id: id}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models:
  - {one}
  - {two}
variants:
  - zero_shot
  - {{name: 简短, technique: zero_shot, answer_instruction: Only the number.}}
  - {{name: loud, technique: zero_shot, prompt: "WHAT IS {{{{ q }}}}"}}
baseline: zero_shot
"""
SIZES = {"sums": 24, "应用题": 36}
CELLS = 12


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    for name, size in SIZES.items():
        rows = (
            {
                "id": f"{name}{i}",
                "q": f"{i} + {size}",
                "answer": str(i + size),
                "难度": ("容易", "困难")[i % 2],
                "meta": {"steps": i % 3},
                **({"family": f"f{i % 6}", "source": "book"} if name == "sums" else {}),
            }
            for i in range(size)
        )
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    models = (model(name, fake_provider.openai) for name in ("fake-1", "fake-2"))
    one, two = models
    (tmp_path / "exp.yaml").write_text(EXPERIMENT.format(one=one, two=two), encoding="utf-8")
    return RealCommand(tmp_path, LOOP_KEY="sk-loop", COLUMNS="80")


def break_down(command: RealCommand, fields: str) -> None:
    path = command.folder / "exp.yaml"
    text = path.read_text(encoding="utf-8").split("breakdown:")[0]
    path.write_text(f"{text}breakdown: [{fields}]\n", encoding="utf-8")


def test_every_cell_of_a_grid_is_run_stored_compared_and_exported(command: RealCommand) -> None:
    shown = command.compare()
    assert shown["sent_calls"] == 3 * 2 * sum(SIZES.values())
    assert len({(c["variant"], c["model"], c["dataset"]) for c in shown["cells"]}) == CELLS
    assert all(cell["n"] == SIZES[cell["dataset"]] for cell in shown["cells"])
    tested = [pair for pair in shown["pairs"] if pair["p_adjusted"] is not None]
    # Two variants against the baseline, with two models, on each data set and over both.
    for scorer in {pair["scorer"] for pair in tested}:
        of_scorer = [pair for pair in tested if pair["scorer"] == scorer]
        assert len(of_scorer) == 2 * 2 * 3
        assert {pair["b"]["variant"] for pair in of_scorer} == {"zero_shot"}
        both = [pair for pair in of_scorer if pair["a"]["dataset"] is None]
        assert [pair["n"] for pair in both] == [sum(SIZES.values())] * 4
    by_set = {pair["a"]["dataset"]: pair["test"] for pair in tested}
    assert by_set["sums"].startswith("sign_flip_groups")  # that data set has groups
    assert by_set["应用题"] == "mcnemar_midp"
    for what, count in (("cells", CELLS), ("pairs", len(shown["pairs"])), ("trials", shown["sent_calls"])):
        command.run("export", "grid", "--to", "out.jsonl", "--what", what)
        assert len((command.folder / "out.jsonl").read_text(encoding="utf-8").splitlines()) == count
    text, _ = command.run("compare", "exp.yaml")
    for heading in ("fake-1 on sums", "fake-2 on sums", "fake-1 on 应用题", "fake-2 on 应用题"):
        assert heading in text


def test_a_run_made_before_shows_a_breakdown_without_a_call(command: RealCommand, fake_provider: Any) -> None:
    before = command.compare()
    requests = fake_provider.count()["requests"]
    break_down(command, "难度, meta.steps, group, target, source")
    after = command.compare()
    assert after["sent_calls"] == 0
    assert fake_provider.count()["requests"] == requests
    assert (after["cells"], after["pairs"]) == (before["cells"], before["pairs"])
    found = {each["field"]: each for each in after["breakdown"]}
    assert {name: each["values"] for name, each in found.items()} == {
        "难度": 2, "meta.steps": 3, "group": 6, "target": 48, "source": 1,
    }  # fmt: skip
    assert not found["target"]["cells"]  # more values than a table could show
    assert {cell["dataset"] for cell in found["group"]["cells"]} == {"sums"}
    hard = [cell for cell in found["难度"]["cells"] if cell["value"] == "困难"]
    assert {(cell["dataset"], cell["n"]) for cell in hard} == {("sums", 12), ("应用题", 18)}
    for cell in found["难度"]["cells"]:
        twins = [c for c in before["cells"] if all(c[k] == cell[k] for k in ("variant", "model", "dataset"))]
        assert len(twins) == 1
    stored = json.loads(command.run("compare", "grid", "--json")[0])
    assert stored["status"] == "complete"
    assert stored["breakdown"] == after["breakdown"]


def test_its_means_are_those_of_the_trials(command: RealCommand) -> None:
    break_down(command, "难度")
    shown = command.compare()
    command.run("export", "grid", "--to", "trials.jsonl", "--what", "trials")
    text = (command.folder / "trials.jsonl").read_text(encoding="utf-8")
    trials = [json.loads(line) for line in text.splitlines()]
    for cell in shown["breakdown"][0]["cells"]:
        odd = cell["value"] == "困难"
        scores = [
            trial["numeric"]
            for trial in trials
            if all(trial[key] == cell[key] for key in ("variant", "model", "dataset"))
            and int(trial["sample"].removeprefix(trial["dataset"])) % 2 == odd
        ]
        assert cell["scores"]["numeric"]["mean"] == pytest.approx(sum(scores) / len(scores))
        assert cell["scores"]["numeric"]["n"] == len(scores) == cell["n"]


def test_the_terminal_shows_it_at_80_columns_and_says_what_it_is(command: RealCommand) -> None:
    break_down(command, "难度, source")
    text, _ = command.run("compare", "exp.yaml", "--verbose")
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "By 难度" in text
    assert "Exploratory:" in text
    assert "简短 - zero_shot" in text
    short, _ = command.run("compare", "exp.yaml")
    assert "12 paired differences: --verbose shows them." in short


def test_it_is_exported(command: RealCommand) -> None:
    command.compare()
    assert (
        "has no breakdown"
        in command.run("export", "grid", "--to", "out.csv", "--what", "breakdown", code=2)[1]
    )
    break_down(command, "难度")
    command.compare()
    for what, count in (("breakdown", 2 * CELLS), ("breakdown_pairs", 2 * 12)):
        for ending in ("csv", "tsv", "jsonl", "md"):
            command.run("export", "grid", "--to", f"out.{ending}", "--what", what)
            lines = (command.folder / f"out.{ending}").read_text(encoding="utf-8").splitlines()
            assert len(lines) == count + {"jsonl": 0, "md": 2}.get(ending, 1)
        rows = list(csv.DictReader((command.folder / "out.csv").read_text(encoding="utf-8").splitlines()))
        assert {row["field"] for row in rows} == {"难度"}
        assert {row["value"] for row in rows} == {"容易", "困难"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("难度, 难度", "breakdown.1: '难度' stands here twice"),
        ("difficulty", "breakdown.0: no data set has such a field (got 'difficulty')"),
        ("answer", "holds the target or the rationale (got 'answer'). `target` breaks down"),
        ("7", "breakdown.0: must be a text (got 7)"),
    ],
)
def test_a_wrong_field_is_named_at_its_line(command: RealCommand, fields: str, expected: str) -> None:
    break_down(command, fields)
    _, err = command.run("validate", "exp.yaml", code=2)
    assert "exp.yaml:14: " in err
    assert expected in err
