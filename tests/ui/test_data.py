"""Data sets in the workbench: send a file, say what its columns are, look, check, make an experiment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from promptlab.experiment import load_spec, make_plan

QUESTIONS = "nr,frage,antwort\n" + "".join(f"n{n},Was ist {n} + {n}?,{2 * n}\n" for n in range(30))


@pytest.fixture
def data_file(home: Path) -> Path:
    rows = [{"id": f"s{n}", "question": f"Frage {n} <b>x</b>", "answer": str(n)} for n in range(60)]
    rows.append({"id": "twin", "question": "Frage 3 <b>x</b>", "answer": "other"})
    path = home / "datasets" / "questions.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def view(page: AppTest, name: str) -> AppTest:
    return page.segmented_control(key="data-view").set_value(name).run()


def test_without_files_it_says_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("data")
    assert not page.exception
    assert "no data file" in page.info[0].value.replace("\\", "")


def test_columns_are_guessed_and_can_be_changed(data_file: Path, open_page: Callable[..., AppTest]) -> None:
    page = open_page("data", path="datasets/questions.jsonl")
    assert not page.exception
    (target,) = [each for each in page.selectbox if (each.key or "").startswith("map-target-")]
    (inputs,) = [each for each in page.multiselect if (each.key or "").startswith("map-inputs-")]
    assert (target.value, inputs.value) == ("answer", ["question"])
    assert page.dataframe[0].value["Role"].tolist() == ["Id", "What the model is shown", "The right answer"]
    inputs.set_value(["id", "question"]).run()
    assert page.dataframe[0].value["Role"].tolist()[0] == "What the model is shown"
    inputs.set_value([]).run()
    assert not page.exception


def test_samples_are_searched_and_paged_on_the_server(
    data_file: Path, open_page: Callable[..., AppTest]
) -> None:
    page = view(open_page("data", path="datasets/questions.jsonl"), "browse")
    assert not page.exception
    assert len(page.dataframe[0].value) == 25
    page.text_input(key="browse-search").set_value("FRAGE 5").run()
    assert page.dataframe[0].value["question"].str.startswith("Frage 5").all()
    assert len(page.dataframe[0].value) == 11
    page.text_input(key="browse-search").set_value("nowhere").run()
    assert "Nothing is found" in page.info[0].value


def test_repeats_are_found_as_the_command_finds_them(
    data_file: Path, open_page: Callable[..., AppTest]
) -> None:
    page = view(open_page("data", path="datasets/questions.jsonl"), "check")
    page.button(key="check-look").click().run()
    assert not page.exception
    told = [each.value.replace("\\", "") for each in page.info]
    assert "1 samples repeat an earlier one." in told
    assert "1 inputs have different answers." in told


def test_an_experiment_is_written_once_and_never_over_another(
    home: Path, data_file: Path, open_page: Callable[..., AppTest]
) -> None:
    page = view(open_page("data", path="datasets/questions.jsonl"), "draft")
    assert not page.exception
    page.button(key="draft-write").click().run()
    spec = load_spec(home / "questions.yaml")
    assert spec.spec.datasets[0].target == "answer"
    (home / "questions.yaml").write_text("mine")
    page.button(key="draft-write").click().run()
    assert "there already" in page.error[0].value
    assert (home / "questions.yaml").read_text() == "mine"


def test_a_broken_file_is_an_error_that_says_what_to_do(
    home: Path, open_page: Callable[..., AppTest]
) -> None:
    (home / "broken.jsonl").write_text('{"a": 1}\n{"a": \n')
    page = open_page("data", path="broken.jsonl")
    assert not page.exception
    assert page.error


def test_a_failing_trial_is_added_from_any_page(home: Path, hostile_run: Callable[[Path], None]) -> None:
    hostile_run(home)
    page = AppTest.from_string(
        "from promptlab.runs import all_runs\nfrom promptlab.ui.data.adding import *\n"
        "from promptlab.ui.place import home\noffer_adding(next(all_runs(home())), [1, 3], key='add')\n",
        default_timeout=60,
    ).run()
    page.button(key="add-add").click().run()
    assert not page.exception
    assert "2 added to" in page.success[0].value
    assert len((home / "datasets" / "failures.jsonl").read_text().splitlines()) == 2
    page.button(key="add-add").click().run()
    assert "has it already" in page.info[0].value


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_a_csv_is_sent_mapped_and_becomes_an_experiment(
    workbench: Any, tab: Any, home: Path, tmp_path_factory: pytest.TempPathFactory, locale: str
) -> None:
    sent = tmp_path_factory.mktemp("elsewhere") / "fragen & antworten.csv"
    sent.write_text(QUESTIONS, encoding="gb18030")
    with workbench(home) as (address, _):
        opened = tab(address, locale=locale)
        page = opened.open("/data")
        page.locator("input[type=file]").set_input_files(str(sent))
        opened.at("data-keep").locator("button").click()
        page.get_by_text("30 rows" if locale == "en-US" else "30 行").wait_for()
        opened.settled()
        assert (home / "datasets" / "fragen_antworten.csv").read_bytes() == sent.read_bytes()
        inputs = page.locator("[class*='st-key-map-inputs-'] input")
        inputs.press("Backspace")  # takes the last column away: frage
        inputs.press("Escape")
        opened.settled()
        expect(page.locator("[class*='st-key-map-inputs-']")).not_to_contain_text("frage")
        opened.at("data-view").get_by_role("radio").nth(3).click()
        opened.settled()
        opened.at("draft-write").locator("button").click()
        opened.at("draft-open").wait_for()
    with make_plan(home / "fragen_antworten.yaml", home / "home") as plan:
        assert plan.spec.datasets[0].target == "antwort"
        assert plan.spec.task.prompt == "{{ nr }}"
        assert sum(plan.datasets[0].sizes.values()) == 30
