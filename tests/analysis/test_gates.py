"""Non-inferiority of scores of whole cells: a paired bootstrap against what the baseline kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import promptlab
from promptlab.analysis import compare_run
from promptlab.analysis.baseline import read_baseline, write_baseline
from promptlab.analysis.bootstrap import paired_bootstrap
from promptlab.analysis.gates import GateResult, judge
from promptlab.experiment.gates import GateSpec
from promptlab.runs import RunDirectory

LABELS = ["bad", "fine", "good"]
EXPERIMENT = """\
name: {name}
dataset: {{path: data.jsonl, target: mood, id: id{more}}}
task: {{prompt: "Mood of text {{{{ n }}}}?", answer: label, labels: [bad, fine, good]}}
models: [{{id: scripted/{script}.yaml, name: one}}]
variants: [zero_shot]
scorers: [label, f1, {{scorer: bleu, as: bleu}}]
primary: f1
"""


def finished(folder: Path, script: str, replies: dict[str, str], more: str = "") -> RunDirectory:
    """120 texts of three moods; `replies`: last digit of a text's number → the answer, else the truth."""
    rows = [{"id": f"t{i}", "n": f"<{i}>", "mood": LABELS[i % 3], "part": f"p{i // 4}"} for i in range(120)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = [{"regex": f"<\\d*{digit}>", "reply": reply} for digit, reply in replies.items()]
    said += [{"regex": f"<{i}>", "reply": LABELS[i % 3]} for i in range(120)]
    (folder / f"{script}.yaml").write_text(json.dumps(said))
    (folder / f"{script}_exp.yaml").write_text(EXPERIMENT.format(name=script, script=script, more=more))
    done = promptlab.load(folder / f"{script}_exp.yaml", home=folder / "home").run()
    assert done.status == "complete"
    return done.run


def judged(run: RunDirectory, baseline: Path, scorer: str, margin: float) -> GateResult:
    gate = GateSpec(scorer=scorer, no_worse_than="before", margin=margin)
    (found,) = judge(compare_run(run), [gate], run, {"before": read_baseline(baseline)})
    return found


def guesses(replies: dict[str, str]) -> list[str]:
    return [replies.get(str(i)[-1], LABELS[i % 3]) for i in range(120)]


def macro_f1(truth: Any, said: Any) -> float:
    hits, sizes = ([(truth == x) & (said == x) for x in LABELS], [(truth == x, said == x) for x in LABELS])
    pairs = zip(hits, sizes, strict=True)
    return float(np.mean([2 * both.sum() / (one.sum() + other.sum()) for both, (one, other) in pairs]))


@pytest.mark.parametrize("more", ["", ", group: part"])
def test_a_macro_f1_is_held_against_the_baselines_by_a_paired_bootstrap(tmp_path: Path, more: str) -> None:
    before, after = {"1": "good"}, {"1": "good", "4": "bad", "7": "?"}
    write_baseline(finished(tmp_path, "before", before, more), tmp_path / "baseline.json")
    run = finished(tmp_path, "after", after, more)
    truth = np.array([LABELS[i % 3] for i in range(120)])

    def score(said: list[str]) -> Any:
        return lambda rows: macro_f1(truth[rows], np.array(said)[rows])

    groups = np.arange(120) // 4 if more else None
    diff, low, _, _ = paired_bootstrap(
        score(guesses(after)), score(guesses(before)), 120, seed=1, groups=groups, draws=300
    )
    found = judged(run, tmp_path / "baseline.json", "f1", 0.05)
    assert f"the difference is {diff:.2f} [" in found.reason
    told = float(found.reason.split("[")[1].split(",")[0])
    assert told == pytest.approx(low, abs=0.03)
    assert not found.passed
    assert judged(run, tmp_path / "baseline.json", "f1", -told + 0.02).passed
    assert not judged(run, tmp_path / "baseline.json", "f1", -told - 0.02).passed


def test_the_same_answers_need_a_margin_that_this_many_samples_can_show(tmp_path: Path) -> None:
    run = finished(tmp_path, "same", {"1": "good"})
    write_baseline(run, tmp_path / "baseline.json")
    for scorer in ("f1", "bleu"):
        assert judged(run, tmp_path / "baseline.json", scorer, 0.1).passed, scorer
        assert not judged(run, tmp_path / "baseline.json", scorer, 0.001).passed, scorer


def test_counts_of_other_labels_or_none_are_not_held_against(tmp_path: Path) -> None:
    run = finished(tmp_path, "labels", {"1": "good"})
    write_baseline(run, tmp_path / "baseline.json")
    gate = GateSpec(scorer="f1", no_worse_than="before", margin=0.5)
    known = read_baseline(tmp_path / "baseline.json")
    for change in ({"recipe": "awful | fine | good"}, {"counts": {}}):
        other = replace(known, cells=tuple(replace(each, **change) for each in known.cells))
        (found,) = judge(compare_run(run), [gate], run, {"before": other})
        assert not found.passed
        assert "was counted in another way" in found.reason


def test_a_baseline_keeps_each_sample_on_a_line(tmp_path: Path) -> None:
    run = finished(tmp_path, "lines", {})
    write_baseline(run, tmp_path / "baseline.json")
    lines = (tmp_path / "baseline.json").read_text().splitlines()
    assert '        "t1": "1 1",' in lines
    assert len(lines) < 8 * 120  # ids, label scores, and scores and counts of f1 and bleu
