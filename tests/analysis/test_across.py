"""Several runs on the samples they share: real run directories, written by the real engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import promptlab
from promptlab.analysis import LabelledRun, compare_runs
from promptlab.analysis.trend import trend
from promptlab.basics.errors import UsageError
from promptlab.export import comparison_lines
from promptlab.playground import RowSource, count_look

EXPERIMENT = """\
name: signs
dataset: {{path: {file}, target: sign, id: id}}
task: {{prompt: "{prompt}", answer: label, labels: [negative, positive]}}
models: [{model}]
variants: {variants}
{more}
"""
MODEL = "{id: scripted/script.yaml, name: m}"
# "Sign" is answered rightly; every other wording calls all numbers positive.
SCRIPT = """\
- {regex: "Sign of -", reply: negative}
- {default: positive}
"""


def rows(count: int, changed: int = 0) -> list[dict[str, Any]]:
    numbers = [(-1) ** i * (i + 1 + (1000 if i < changed else 0)) for i in range(count)]
    return [
        {"id": f"n{i}", "number": number, "sign": "positive" if number > 0 else "negative"}
        for i, number in enumerate(numbers)
    ]


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "script.yaml").write_text(SCRIPT)

    def run(
        self,
        prompt: str = "Sign of {{ number }}?",
        *,
        data: list[dict[str, Any]] | None = None,
        model: str = MODEL,
        variants: str = "[zero_shot]",
        more: str = "",
        file: str = "data.jsonl",
    ) -> Any:
        lines = "".join(json.dumps(row) + "\n" for row in data or rows(40))
        (self.folder / file).write_text(lines)
        path = self.folder / "exp.yaml"
        path.write_text(
            EXPERIMENT.format(prompt=prompt, model=model, variants=variants, more=more, file=file)
        )
        return promptlab.load(path, home=self.folder / "home").run(fresh=True).run


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def labelled(*runs: Any) -> list[LabelledRun]:
    return [LabelledRun(label, run) for label, run in zip("ABC", runs, strict=False)]


def test_a_better_prompt_is_found_by_pairs_over_the_same_samples(bench: Bench) -> None:
    found = compare_runs(labelled(bench.run("Is {{ number }} up?"), bench.run()))
    (change,) = [each for each in found.changes if "prompt" in each.place]
    assert change.lines() == ["- [user] Is {{ number }} up?", "+ [user] Sign of {{ number }}?"]
    pair = next(pair for pair in found.pairs if pair.scorer == "label")
    assert (pair.a.variant, pair.b.variant) == ("zero_shot@B", "zero_shot@A")
    assert pair.found is not None
    assert (pair.found.n, pair.found.diff, pair.found.test) == (40, 0.5, "mcnemar_midp")
    assert found.headline[0].startswith("zero_shot@B beats zero_shot@A: label 1.00 against 0.50, +0.50")
    assert found.data[0].same
    assert found.data[0].shared == 40


def test_reordered_rows_are_joined_by_id_and_refused_until_asked(bench: Bench) -> None:
    first = bench.run("Is {{ number }} up?")
    second = bench.run(data=rows(40)[::-1])
    with pytest.raises(UsageError, match="40 the same, in another order or number"):
        compare_runs(labelled(first, second))
    found = compare_runs(labelled(first, second), allow_changed_data=True)
    pair = next(pair for pair in found.pairs if pair.scorer == "label")
    assert pair.found is not None
    assert (pair.found.n, pair.found.diff, pair.dropped) == (40, 0.5, 0)


def test_changed_data_is_refused_with_counts_and_compared_on_what_is_the_same(bench: Bench) -> None:
    first = bench.run()
    second = bench.run(data=[*rows(38, changed=3), {"id": "new", "number": 5, "sign": "positive"}])
    said = "35 the same, 3 edited (same id, other content), 3 in one only"
    with pytest.raises(UsageError, match=re.escape(said)):
        compare_runs(labelled(first, second))
    found = compare_runs(labelled(first, second), allow_changed_data=True)
    pair = next(pair for pair in found.pairs if pair.scorer == "label")
    assert pair.found is not None
    assert (pair.found.n, pair.dropped) == (35, 9)
    assert any(said in note for note in found.notes)


def test_looks_by_hand_at_test_samples_of_any_of_the_runs_are_said_once(bench: Bench) -> None:
    first, second = bench.run(data=rows(38)), bench.run("Is {{ number }} up?", data=rows(40))
    home = first.path.parent.parent
    source = RowSource("d", {"path": "data.jsonl", "target": "sign", "id": "id"}, bench.folder)
    with source.open(home) as dataset:
        splits = (dataset.samples("train"), dataset.samples("dev"), dataset.samples("test"))
        shown = {each.id: each for samples in splits for each in samples}
        for id in ("n3", "n3", "n39"):  # n39 is in the second run only
            count_look(home, dataset.name, "test", shown[id])
    found = compare_runs(labelled(first, second), allow_changed_data=True)
    assert [(each.looked_at, each.looks) for each in found.tried] == [(2, 3)]
    told = " ".join(" ".join(line.plain for line in comparison_lines(found, 100)).split())
    assert "2 of them were looked at in the playground (3 looks)." in told
    assert found.exposure[0].endswith("(3 looks).")


def test_runs_on_other_data_altogether_are_refused_either_way(bench: Bench) -> None:
    runs = labelled(bench.run(), bench.run(data=rows(40, changed=40)))
    with pytest.raises(UsageError, match="There is none to compare on"):
        compare_runs(runs)
    found = compare_runs(runs, allow_changed_data=True)
    assert all(pair.found is None for pair in found.pairs)


def test_what_repeats_drew_anew_and_how_often_the_test_set_was_used_are_said_of_several_runs_too(
    bench: Bench,
) -> None:
    few = "[{technique: few_shot, demos: {count: 2, select: random}}]"
    first = bench.run(variants=few, more="repeats: 2\nvary: [completion, demos]")
    second = bench.run("Is {{ number }} up?", variants=few, more="repeats: 2\nvary: [completion, demos]")
    found = compare_runs(labelled(first, second))
    assert found.vary == ("completion", "demos")
    (tried,) = found.tried
    assert (tried.variants, tried.runs) == (2, 2)
    told = " ".join(line.plain for line in comparison_lines(found, 100)).split()
    assert "2 repeats, each with completions and demos of its own" in " ".join(told)
    assert "2 variants have been tried on these test samples so far, in 2 runs." in " ".join(told)
    third = bench.run(variants=few, more="repeats: 2\nvary: [completion, order]")
    found = compare_runs(labelled(first, third))
    assert ("vary", '["completion","demos"]', '["completion","order"]') in [
        (each.place, each.before, each.after) for each in found.changes
    ]
    said = "each repeat of B draws completions and an order of demos of its own, of A completions and demos."
    assert said in found.notes


def test_models_settings_seeds_and_repeats_that_differ_are_said(bench: Bench) -> None:
    first = bench.run()
    second = bench.run(
        model="{id: scripted/script.yaml, name: other, temperature: 0.5}",
        variants="[{technique: few_shot, name: shown, demos: 2}]",
        data=None,
        more="seed: 7\nrepeats: 2",
    )
    found = compare_runs(labelled(first, second), allow_changed_data=True)
    said = {each.place: (each.before, each.after) for each in found.changes}
    assert said["model name"] == ("m", "other")
    assert said["model other: sampling.temperature"] == ("not set", "0.5")
    assert said["variant name"] == ("zero_shot", "shown")
    assert said["variant shown: technique"] == ("zero_shot", "few_shot")
    assert said["seed"] == ("0", "7")
    assert said["repeats"] == ("1", "2")


def test_the_correction_counts_every_run(bench: Bench) -> None:
    runs = [bench.run("Is {{ number }} up?"), bench.run(), bench.run("{{ number }}: up?")]
    two = compare_runs(labelled(*runs[:2]))
    three = compare_runs(labelled(*runs))
    assert (two.family_sizes["label"], three.family_sizes["label"]) == (1, 2)
    assert [each["label"] for each in three.runs] == ["A", "B", "C"]


def test_equal_requests_are_said_to_be_no_second_draw(bench: Bench) -> None:
    found = compare_runs(labelled(bench.run(), bench.run()))
    assert found.changes == ()
    assert any("40 of 40 requests of B are requests of A too" in note for note in found.notes)


def test_a_scorer_of_other_settings_is_left_out_and_said(bench: Bench) -> None:
    first = bench.run(more="scorers: [label, {scorer: contains, as: c}]")
    second = bench.run(more="scorers: [label, {scorer: contains, as: c, case: true}]")
    found = compare_runs(labelled(first, second))
    assert "c" not in found.family.scorers
    assert any(each.place.startswith("scorer c: ") for each in found.changes)


def test_the_same_runs_give_the_same_digits(bench: Bench) -> None:
    runs = labelled(bench.run("Is {{ number }} up?"), bench.run())
    assert compare_runs(runs).to_json() == compare_runs(runs).to_json()


def test_a_trend_names_what_changed_and_by_how_much(bench: Bench) -> None:
    runs = [
        bench.run("Is {{ number }} up?"),
        bench.run(),
        bench.run(model="{id: scripted/script.yaml, name: m, temperature: 0.5}"),
        bench.run(
            data=rows(30), model="{id: scripted/script.yaml, name: m, temperature: 0.5}", file="renamed.jsonl"
        ),
    ]
    points = trend(runs)
    assert {point.dataset for point in points} == {"renamed"}  # the only one there ever was
    assert [point.score and point.score.mean for point in points] == [0.5, 1.0, 1.0, 1.0]
    assert [point.what for point in points] == [(), ("prompt",), ("sampling.temperature",), ("data",)]
    assert [point.change and (point.change.diff, point.change.n) for point in points] == [
        None,
        (0.5, 40),
        (0.0, 40),
        (0.0, 30),
    ]
