"""Results without a browser: what stands in the address is what is shown, and nothing is markup."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import SAMPLE, VARIANT, make_run, multiply
from streamlit.testing.v1 import AppTest

from promptlab.analysis import compare_run
from promptlab.playground import RowSource, count_look
from promptlab.runs import RunDirectory, RunReader, all_runs
from promptlab.ui.results import loaded

Open = Callable[..., AppTest]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    make_run(folder)
    make_run(folder, fresh=True, prompt="Please: {{ q }}")
    return folder


@pytest.fixture
def open_results(stored: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("PROMPTLAB_HOME", str(stored / "home"))
    return lambda **query: open_page("results", **query)


def newest(stored: Path) -> RunDirectory:
    return next(all_runs(stored / "home"))


def grids(page: AppTest) -> dict[str, Any]:
    """The tables of the page by their keys."""
    assert not page.exception
    return {
        each.proto.id.rsplit("-results-", 1)[1]: json.loads(each.proto.json)
        for each in page.get("bidi_component")
    }


def texts(cell: list[list[dict[str, Any]]]) -> list[str]:
    return [each["t"] for line in cell for each in line if each.get("t")]


def test_the_comparison_says_what_the_analysis_says(open_results: Open, stored: Path) -> None:
    page = open_results()
    compared = compare_run(newest(stored))
    assert [each.value for each in page.text][: len(compared.headline)] == list(compared.headline)
    shown = grids(page)
    assert [texts(row[0])[0] for row in shown["cells"]["rows"]] == ["zero_shot", VARIANT]
    of_primary = [pair for pair in compared.pairs if pair.scorer == compared.primary]
    assert len(shown["pairs"]["rows"]) == len(of_primary)


def test_in_chinese_the_verdict_is_chinese(open_results: Open) -> None:
    page = open_results()
    page.session_state["language"] = "zh"
    page.run()
    assert "显著优于" in page.text[0].value
    assert "显著" in str(grids(page)["pairs"]["rows"])


@pytest.mark.parametrize(
    ("query", "samples"),
    [
        ({}, 50),
        ({"page": "2"}, 10),
        ({"page": "99"}, 10),
        ({"filter": "nonsense", "page": "x"}, 50),
        ({"q": "What is 17 plus"}, 1),
        ({"filter": "wrong", "variant": "zero_shot"}, 20),
        ({"filter": "flipped", "a": "zero_shot", "b": VARIANT}, 42),
    ],
)
def test_the_address_says_which_samples_are_shown(
    open_results: Open, query: dict[str, str], samples: int
) -> None:
    assert len(grids(open_results(view="answers", **query))["answers"]["rows"]) == samples


def test_above_a_column_stand_its_rate_and_interval(open_results: Open) -> None:
    page = open_results(view="answers", variant="zero_shot")
    (_, head) = grids(page)["answers"]["columns"]
    assert texts(head["lines"])[:3] == ["zero_shot", "mean 0.67 [0.54, 0.77]", "40 / 60 right"]


def test_a_sample_stands_side_by_side_with_its_answer_marked(open_results: Open) -> None:
    shown = grids(open_results(view="answers", sample="n3", against="target"))["sample"]
    (verdict, reply, difference) = shown["rows"]
    assert texts(verdict[1])[:2] == ["wrong", "5"]
    assert ["mark", "5"] in reply[1][0][0]["s"]
    assert [kind for kind, _ in difference[1][0][0]["s"]] == ["gone", "new"]


def test_a_person_rates_in_the_form_and_finds_it_again(open_results: Open, stored: Path) -> None:
    run = newest(stored)
    with RunReader(run) as reader:
        trial = next(each for each in reader.trials(sample="n5"))["trial"]
    page = open_results(run=run.id, view="answers", sample="n5", trial=str(trial))
    page.number_input(key=f"results-label-{trial}").set_value(0.5)
    page.text_input(key=f"results-comment-{trial}").set_value("half of it")
    page.button(key=f"results-save-{trial}").click().run()
    assert not page.exception
    with RunReader(run) as reader:
        assert reader.said(trial) == ("0.5", "half of it")
    rated = open_results(run=run.id, view="answers", filter="rated")
    assert len(grids(rated)["answers"]["rows"]) == 1
    assert "half of it" in str(grids(rated)["answers"]["rows"])


def test_every_call_of_a_trial_is_there(open_results: Open, stored: Path) -> None:
    run = newest(stored)
    with RunReader(run) as reader:
        trial = next(each for each in reader.trials(sample="n5") if each["variant"] == VARIANT)["trial"]
        calls = list(reader.calls(trial))
    page = open_results(run=run.id, view="answers", sample="n5", trial=str(trial))
    shown = [each.value for each in page.code]
    assert len(calls) == 2
    for call in calls:
        assert call["reply"] in shown
        assert all(message["content"] in shown for message in call["messages"])


def test_two_runs_stand_side_by_side_with_what_differs(open_results: Open, stored: Path) -> None:
    ids = [each.name for each in (stored / "home" / "runs").iterdir()]
    page = AppTest.from_string("from promptlab.ui.results.page import page\npage()\n", default_timeout=60)
    page.query_params["view"] = "runs"
    page.query_params["runs"] = ids
    shown = grids(page.run())
    assert {"runs-list", "means", "across-pairs", "changes", "trend", "plot-trend-rows"} <= set(shown)
    assert len(shown["trend"]["rows"]) == 4
    assert "Please: " in str(shown["changes"]["rows"])


def test_looks_by_hand_are_said_beside_one_run_and_beside_several(open_results: Open, stored: Path) -> None:
    ids = [each.name for each in (stored / "home" / "runs").iterdir()]
    several = open_results(view="runs", runs=ids)
    assert not any("looked at" in each.value for each in several.text)
    source = RowSource("d", {"path": "data.jsonl", "target": "a", "id": "id"}, stored)
    with source.open(stored / "home") as data:
        count_look(stored / "home", "d", "dev", next(data.samples("dev")))
    told = "1 of them was looked at in the playground (1 look)"
    assert any(told in each.value for each in several.run().text)
    one = open_results()
    assert any(told in each.value for each in one.text)
    one.session_state["language"] = "zh"
    assert any("在试验台中看过" in each.value for each in one.run().text)


def test_plots_have_tables_that_say_the_same(open_results: Open) -> None:
    page = open_results(view="plots")
    assert {"plot-scores-rows", "plot-heatmap-rows", "plot-wins-rows"} <= set(grids(page))


@pytest.mark.parametrize("view", ["comparison", "answers", "plots", "runs", "files"])
def test_names_and_replies_are_never_markdown(open_results: Open, view: str) -> None:
    for more in ({}, {"sample": SAMPLE}):
        page = open_results(view=view, **more)
        assert not page.exception
        kinds = (page.markdown, page.header, page.subheader, page.title, page.caption, page.info, page.error)
        marked = [each.value for kind in kinds for each in kind]
        marked += [each.label for each in page.get("expander")]
        assert not any("![" in each or ":red[" in each or "<" in each.replace("\\<", "") for each in marked)


def test_an_old_link_says_that_its_run_is_gone(open_results: Open) -> None:
    page = open_results(run="gone-1")
    assert "gone" in page.info[0].value
    assert "cells" in grids(page)


@pytest.mark.long
def test_a_run_of_100_000_trials_opens_in_two_seconds(home: Path, open_page: Open) -> None:
    run = make_run(home)
    multiply(run, 834)
    with RunReader(run) as reader:
        assert sum(reader.counts().values()) == 100_080
    open_page("results", view="files")  # what a process loads once
    open_page("results", run=run.id, view="answers", sample="n5")
    took = {}
    for name, query in {
        "opened": {},
        "filtered": {"filter": "wrong", "q": "What is 17"},
        "sorted": {"sort": "worst", "page": "400"},
    }.items():
        if name == "opened":
            loaded.forget()
        # The processor's time: other work on the machine is not the page's.
        before = time.process_time()
        page = open_page("results", view="answers", **query)
        took[name] = time.process_time() - before
        assert len(grids(page)["answers"]["rows"]) == 50
    assert max(took.values()) < 2, took


def test_a_run_that_has_just_begun_says_so_in_every_view(home: Path, open_page: Open) -> None:
    run = make_run(home)
    with sqlite3.connect(run.store) as store:
        store.execute("DELETE FROM trials")
    for view in ("comparison", "answers", "plots", "files"):
        page = open_page("results", view=view)
        assert not page.exception
        assert "no results yet" in page.info[0].value
    assert not open_page("results", view="runs").exception


def test_a_damaged_run_is_named_in_one_line(home: Path, open_page: Open) -> None:
    run = make_run(home)
    (run.path / "manifest.json").write_text("{")
    page = open_page("results")
    assert not page.exception
    assert "manifest" in page.error[0].value


def test_a_trials_sample_is_added_to_a_data_set(open_results: Open, home: Path, stored: Path) -> None:
    with RunReader(newest(stored)) as reader:
        trial = next(iter(reader.trials()))
    page = open_results(view="answers", sample=trial["sample"], trial=str(trial["trial"]))
    page.button(key="results-keep-add").click().run()
    assert not page.exception
    (kept,) = (home / "datasets" / "failures.jsonl").read_text().splitlines()
    assert json.loads(kept)
