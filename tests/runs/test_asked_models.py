"""Techniques that ask more than their cell's model, or are told by the target: in whole runs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import promptlab
from promptlab.basics.errors import ExperimentError
from promptlab.cli.look import export, show

TESTS = 4


class Bench:
    def __init__(self, folder: Path, provider: Any) -> None:
        self.folder, self.provider = folder, provider

    def load(self, variants: str, models: tuple[str, ...], *more: str) -> promptlab.Experiment:
        rows = [{"id": f"s{i}", "q": f"{i} + 1", "a": str(i + 1)} for i in range(TESTS)]
        (self.folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        entry = '  - {{name: {0}, id: "openai/{1}", api_base: "{2}/v1", api_key_env: ASK_KEY}}\n'
        named = [each.partition("=")[::2] for each in models]
        listed = "".join(entry.format(name, model or name, self.provider.url) for name, model in named)
        path = self.folder / "exp.yaml"
        path.write_text(
            "name: asked\ndataset: {path: data.jsonl, target: a, id: id}\n"
            'task: {prompt: "What is {{ q }}?", answer: number}\n'
            f"models:\n{listed}variants: {variants}\n" + "".join(f"{line}\n" for line in more)
        )
        return promptlab.load(path, home=self.folder / "home")


@pytest.fixture
def bench(tmp_path: Path, fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("ASK_KEY", "sk-ask")
    return Bench(tmp_path, fake_provider)


VOTE = "{technique: ensemble, members: [zero_shot], models: [m1, m2]}"


def test_models_that_vote_for_each_other_are_paid_once_and_the_estimate_knows(bench: Bench) -> None:
    experiment = bench.load(f"[zero_shot, {VOTE}]", ("m1", "m2"))
    expected = experiment.estimate().calls
    result = experiment.run()
    assert (result.status, result.sent_calls) == ("complete", 2 * TESTS)
    assert expected.low == 2 * TESTS <= expected.high
    cells = experiment.comparison().to_json()["cells"]
    assert {(cell["variant"], cell["calls"]) for cell in cells} == {
        ("zero_shot", TESTS),
        ("ensemble", 2 * TESTS),
    }
    assert experiment.run().sent_calls == 0


def test_another_model_behind_a_name_is_another_vote(bench: Bench) -> None:
    first = bench.load(f"[zero_shot, {VOTE}]", ("m1", "m2"))
    first.run()
    changed = bench.load(f"[zero_shot, {VOTE}]", ("m1", "m2=m3"))
    assert changed.run().sent_calls == TESTS


def test_a_wrong_key_ends_the_cells_that_ask_that_model_and_no_others(bench: Bench) -> None:
    vote = "{technique: ensemble, members: [zero_shot], models: [m2]}"
    experiment = bench.load(f"[zero_shot, {vote}]", ("m1", "m2=[[401]]"))
    result = experiment.run()
    assert result.status == "failed"
    assert sorted(result.stopped_cells) == [
        "ensemble × m1 × data",
        "ensemble × m2 × data",
        "zero_shot × m2 × data",
    ]
    (whole,) = [cell for cell in experiment.comparison().to_json()["cells"] if cell["n"] == TESTS]
    assert (whole["variant"], whole["model"]) == ("zero_shot", "m1")


def test_a_budget_needs_the_price_of_every_model_that_is_asked(bench: Bench) -> None:
    priced = "m1, price: {input: 1, output: 1, currency: USD, per: 1000000}"
    models, limit = (f"{priced}=m1", "m2"), "limits: {budget_usd: 1.0}"
    assert bench.load("[zero_shot]", models, limit).run(models=["m1"]).status == "complete"
    with pytest.raises(ExperimentError, match="the price of 'm2' is unknown"):
        bench.load(f"[{VOTE}]", models, limit).run(models=["m1"])


def test_an_oracle_is_labelled_wherever_it_hides(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "{technique: self_consistency, samples: 2, inner: {technique: reflexion_oracle, attempts: 2}}"
    experiment = bench.load(f"[zero_shot, reflexion_oracle, {hidden}]", ("m1",))
    experiment.run()
    oracles = {cell.result.variant for cell in experiment.comparison().cells if cell.result.oracle}
    assert oracles == {"reflexion_oracle", "self_consistency"}
    for rows in (
        experiment.comparison().to_json()["cells"],
        experiment.to_frame("trials").to_dict("records"),
    ):
        assert {row["variant"] for row in rows if row.get("oracle") is True} == oracles
    monkeypatch.setenv("PROMPTLAB_HOME", str(bench.folder / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    told = CliRunner().invoke(show, ["asked"], catch_exceptions=False).output
    assert "reflexion_oracle (oracle)" in told
    table = bench.folder / "cells.csv"
    CliRunner().invoke(export, ["asked", "--to", str(table)], catch_exceptions=False)
    assert [row["oracle"] for row in csv.DictReader(table.open())] == ["false", "true", "true"]
