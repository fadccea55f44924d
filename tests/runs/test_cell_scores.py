"""Scores of whole cells through the real command: kept with the answers, compared, exported, bundled."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
from real_command import RealCommand, model, sql, store_of
from sklearn.metrics import f1_score, matthews_corrcoef, precision_score

MOODS = ("bad", "fine", "good")
# What the provider says to the texts that end so; the last digit decides.
GUESSES = {
    0: "good",
    1: "bad",
    2: "fine",
    3: "good",
    4: "good",
    5: "?",
    6: "fine",
    7: "bad",
    8: "bad",
    9: "fine",
}
SAMPLES = 40
EXPERIMENT = """\
name: moods
dataset: {{path: data.jsonl, target: mood, id: id}}
task: {{prompt: "Mood of text {{{{ name }}}}?", answer: label, labels: [bad, fine, good]}}
models: [{models}]
variants: [zero_shot, {{name: loud, technique: zero_shot, prompt: "MOOD OF {{{{ name }}}}!"}}]
scorers:
  - f1
  - {{scorer: precision, average: micro}}
  - {{scorer: f1, label: good, as: good}}
  - mcc
  - label
{more}"""


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    fake_provider.control(
        answers=[
            {"regex": "MOOD OF", "reply": "good"},
            *({"regex": rf"text s\d*{digit}\?", "reply": guess} for digit, guess in GUESSES.items()),
        ]
    )
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop", COLUMNS="80")
    rows = [
        {"id": f"s{i}", "name": f"s{i}", "mood": MOODS[i * 7 % 3], "book": f"b{i // 4}"}
        for i in range(SAMPLES)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write(command, fake_provider)
    return command


def write(command: RealCommand, provider: Any, more: str = "") -> None:
    text = EXPERIMENT.format(models=model("fake-1", provider.openai), more=more)
    (command.folder / "exp.yaml").write_text(text)


def expected() -> tuple[list[str], list[str]]:
    truth = [MOODS[i * 7 % 3] for i in range(SAMPLES)]
    guesses = [GUESSES[i % 10] for i in range(SAMPLES)]
    return truth, ["(none)" if guess == "?" else guess for guess in guesses]


def test_scores_of_the_table_are_those_of_scikit_learn_over_the_whole_cell(command: RealCommand) -> None:
    shown = command.compare()
    plain, loud = shown["cells"]
    truth, guesses = expected()
    scores = {name: score["mean"] for name, score in plain["scores"].items()}
    assert scores["f1"] == pytest.approx(f1_score(truth, guesses, labels=list(MOODS), average="macro"))
    assert scores["precision"] == pytest.approx(
        precision_score(truth, guesses, labels=list(MOODS), average="micro")
    )
    assert scores["good"] == pytest.approx(f1_score(truth, guesses, labels=["good"], average=None)[0])
    assert scores["mcc"] == pytest.approx(matthews_corrcoef(truth, guesses))
    assert scores["label"] == pytest.approx(np.mean([a == b for a, b in zip(truth, guesses, strict=True)]))
    for name in ("f1", "precision", "good", "mcc"):
        score = plain["scores"][name]
        assert score["ci_low"] < score["mean"] < score["ci_high"]
    pair = next(each for each in shown["pairs"] if each["scorer"] == "f1")
    assert pair["test"] == "bootstrap"
    assert pair["diff"] == pytest.approx(loud["scores"]["f1"]["mean"] - scores["f1"])
    counts = np.array(plain["confusion"]["matrix"])
    assert plain["confusion"]["labels"] == list(MOODS)
    assert counts.sum() == SAMPLES
    assert counts[:, -1].sum() == plain["unparsed"] == 4


def test_nothing_is_scored_again_for_a_comparison_and_the_same_run_gives_the_same_digits(
    command: RealCommand,
) -> None:
    shown = command.compare()
    again = json.loads(command.run("compare", "moods", "--json")[0])
    assert {**again, "sent_calls": shown["sent_calls"]} == shown
    store = store_of(command.folder / ".promptlab")
    assert sql(store, "SELECT count(*) FROM scores WHERE statistics IS NOT NULL")[0][0] == 2 * SAMPLES * 5


def test_a_scorer_that_is_added_asks_nobody_and_grades_what_is_stored(
    command: RealCommand, fake_provider: Any
) -> None:
    command.compare()
    asked = len(fake_provider.log)
    command.run(
        "score", "moods", "--scorer", "recall:average=weighted", "--scorer", "bleu", "--scorer", "chrf"
    )
    shown = json.loads(command.run("compare", "moods", "--json")[0])
    assert len(fake_provider.log) == asked
    truth, guesses = expected()
    shares = [guess if guess != "(none)" else "" for guess in guesses]
    bleu = shown["cells"][0]["scores"]["bleu"]
    assert bleu["mean"] == pytest.approx(sacrebleu.corpus_bleu(shares, [truth]).score / 100)
    assert bleu["signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
    chrf = shown["cells"][0]["scores"]["chrf"]
    assert chrf["mean"] == pytest.approx(sacrebleu.corpus_chrf(shares, [truth]).score / 100)
    assert 0 < chrf["ci_low"] < chrf["mean"] < chrf["ci_high"]


def test_exports_hold_the_scores_their_intervals_and_the_confusion_matrix(command: RealCommand) -> None:
    shown = command.compare()
    command.run("export", "moods", "--to", "cells.csv")
    with (command.folder / "cells.csv").open() as stream:
        row = next(csv.DictReader(stream))
    assert float(row["f1.ci_low"]) == shown["cells"][0]["scores"]["f1"]["ci_low"]
    command.run("export", "moods", "--what", "confusion", "--to", "confusion.csv")
    with (command.folder / "confusion.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert sum(int(each["trials"]) for each in rows) == 2 * SAMPLES
    assert {each["answered"] for each in rows} == {*MOODS, "(no answer)"}
    out, _ = command.run("compare", "moods", "--verbose")
    assert "zero_shot: true label, answers across" in out
    assert max(map(len, out.splitlines())) <= 80
    command.run("bundle", "moods", "--out", "moods.zip")
    replayed = json.loads(command.run("replay", "moods.zip", "--json", home=command.folder / "other")[0])
    assert replayed["cells"] == json.loads(command.run("compare", "moods", "--json")[0])["cells"]


def test_repeats_and_groups_and_breakdowns_take_scores_of_whole_cells(
    command: RealCommand, fake_provider: Any
) -> None:
    write(command, fake_provider, "repeats: 2\nbreakdown: [book]\nprimary: f1\n")
    text = (command.folder / "exp.yaml").read_text().replace("id: id}", "id: id, group: book}")
    (command.folder / "exp.yaml").write_text(text)
    shown = command.compare()
    truth, guesses = expected()
    found = shown["cells"][0]["scores"]["f1"]
    assert found["mean"] == pytest.approx(f1_score(truth, guesses, labels=list(MOODS), average="macro"))
    assert found["n"] == SAMPLES
    parts = shown["breakdown"][0]["cells"]
    assert len(parts) == 2 * 10
    first = next(part for part in parts if part["value"] == "b0" and part["variant"] == "zero_shot")
    assert first["scores"]["f1"]["mean"] == pytest.approx(
        f1_score(truth[:4], guesses[:4], labels=sorted({*truth[:4], *guesses[:4]}), average="macro")
    )
