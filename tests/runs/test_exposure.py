"""What is said of a test set that has been used before, and of a run that grew after it was seen."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

import promptlab
from promptlab.export import comparison_lines
from promptlab.export.paper import methods
from promptlab.export.report import write_report
from promptlab.runs import find_run

EXPERIMENT = """\
name: {name}
dataset: {{path: data.jsonl, target: a, id: id}}
task: {{prompt: "What is {{{{ q }}}}?", answer: number}}
models: [{{id: scripted/script.yaml, name: scripted}}]
variants: [{variants}]
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "script.yaml").write_text(json.dumps([{"default": "4"}]))
        rows = [{"id": f"s{i}", "q": f"{i} + 1", "a": str(i + 1)} for i in range(10)]
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def load(self, name: str, *variants: str) -> promptlab.Experiment:
        path = self.folder / f"{name}.yaml"
        path.write_text(EXPERIMENT.format(name=name, variants=", ".join(variants)))
        return promptlab.load(path, home=self.folder / "home")

    def said(self, experiment: promptlab.Experiment) -> list[str]:
        """The terminal's text, the methods and the report, each as one line."""
        run = find_run(self.folder / "home", experiment.name)
        report = self.folder / "report.html"
        write_report(run, report)
        terminal = "\n".join(line.plain for line in comparison_lines(experiment.comparison(), 200))
        told = (terminal, methods(run, ".txt")[0], report.read_text())
        return [" ".join(each.split()) for each in told]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


LOUD = "{name: loud, technique: zero_shot, prompt: 'WHAT IS {{ q }}?'}"


def test_a_store_that_has_not_changed_is_not_opened_again_and_one_that_has_is(bench: Bench) -> None:
    first, second = bench.load("first", "zero_shot"), bench.load("second", LOUD)
    first.run()
    store = second.run().run.store
    long_ago = time.time() - 60
    os.utime(store, (long_ago, long_ago))
    (tried,) = first.comparison().tried
    assert (tried.variants, tried.runs, tried.unreadable) == (2, 2, 0)
    content = store.read_bytes()
    store.write_bytes(bytes(len(content)))
    os.utime(store, (long_ago, long_ago))
    assert first.comparison().tried == (tried,)  # who had opened it would have failed
    os.utime(store, (long_ago + 1, long_ago + 1))
    (tried,) = first.comparison().tried
    assert (tried.variants, tried.runs, tried.unreadable) == (1, 1, 1)
    store.write_bytes(content)
    (store.parent.parent / ".tested.json").write_text("[]")
    (tried,) = first.comparison().tried
    assert (tried.variants, tried.runs, tried.unreadable) == (2, 2, 0)


def test_variants_are_counted_over_all_runs_of_the_same_test_samples(bench: Bench) -> None:
    first = bench.load("first", "zero_shot", LOUD)
    first.run()
    (tried,) = first.comparison().tried
    assert (tried.variants, tried.runs) == (2, 1)
    first = bench.load("first", "zero_shot", "zero_shot_cot")  # loud is no longer named, and was tried
    first.run()
    again = bench.load("again", LOUD, "{technique: zero_shot_cot, trigger: 'Think.'}")
    again.run()
    (tried,) = again.comparison().tried
    assert (tried.variants, tried.runs) == (4, 2)
    for text in bench.said(first):
        assert "4 variants have been tried on these test samples so far, in 2 runs." in text


def test_other_test_samples_have_seen_nothing(bench: Bench) -> None:
    bench.load("first", "zero_shot", LOUD).run()
    rows = (bench.folder / "data.jsonl").read_text().splitlines()
    (bench.folder / "data.jsonl").write_text("\n".join(rows[:5]) + "\n")
    other = bench.load("other", "zero_shot")
    other.run()
    (tried,) = other.comparison().tried
    assert (tried.variants, tried.runs) == (1, 1)


def test_a_store_that_cannot_be_read_makes_it_at_least_so_many(bench: Bench) -> None:
    first = bench.load("first", "zero_shot")
    first.run()
    broken = bench.folder / "home" / "runs" / "broken"
    broken.mkdir()
    (broken / "run.sqlite").write_bytes(b"no database" * 100)
    (tried,) = first.comparison().tried
    assert tried.sentence(named=False).startswith("at least 1 variant has")


def test_a_complete_run_that_gets_more_samples_says_so_everywhere_and_ever_after(bench: Bench) -> None:
    experiment = bench.load("grown", "zero_shot", LOUD)
    experiment.run(limit=4)
    assert not any("after it was complete" in text for text in bench.said(experiment))
    experiment.run(limit=7)
    experiment.run()
    experiment.run()  # nothing is added
    for text in bench.said(experiment):
        assert "after it was complete, from 8 to 14 trials in the cells it had" in text
        assert "from 14 to 20 trials" in text


def test_a_new_variant_and_a_first_look_are_no_extension(bench: Bench) -> None:
    bench.load("grown", "zero_shot").run()
    experiment = bench.load("grown", "zero_shot", LOUD)
    experiment.run()
    assert not any("after it was complete" in text for text in bench.said(experiment))
