"""The experiments page without a browser: list, form and YAML, estimate, and code that may not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_command import wait_until
from streamlit.testing.v1 import AppTest

from promptlab.basics.process import this_process
from promptlab.runs.background import PROCESS, start
from promptlab.runs.directory import note_of
from promptlab.ui.experiments.draft import Draft
from promptlab.ui.experiments.watching import work_on

EXPERIMENT = """\
# A study of parity.
name: parity
dataset: {path: data.jsonl, target: a}
task: {prompt: "Is {{ q }} odd?", answer: yes_no}   # asked
models:
  - scripted/script.yaml   # answers from a script
variants:
  - zero_shot              # the plain one
  - {technique: few_shot, demos: 2}
"""


@pytest.fixture
def study(home: Path) -> Path:
    rows = "".join(f'{{"q": "{n}", "a": "{"yes" if n % 2 else "no"}"}}\n' for n in range(40))
    (home / "data.jsonl").write_text(rows)
    (home / "script.yaml").write_text("- {default: 'yes'}\n")
    (home / "study.yaml").write_text(EXPERIMENT)
    return home / "study.yaml"


def texts(page: AppTest) -> str:
    return "\n".join(
        str(each.value)
        for kind in (page.caption, page.markdown, page.text, page.error, page.info)
        for each in kind
    )


def field(page: AppTest, key: str) -> Any:
    return next(each for each in page if getattr(each, "key", None) == key)


def test_an_empty_folder_says_what_to_do(open_page: Callable[..., AppTest]) -> None:
    page = open_page("experiments")
    assert not page.exception
    assert "no experiment in" in page.info[0].value


def test_experiments_are_listed_by_name_with_their_file_and_state(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments")
    assert not page.exception
    assert "**parity**" in texts(page)
    assert "not run yet" in texts(page)
    page.button(key="open-0").click().run()
    assert page.title[0].value == "parity"


def test_the_form_changes_what_was_edited_and_nothing_else(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study))
    assert not page.exception
    page.text_area(key="f-task-prompt").set_value("Odd: {{ q }}?").run()
    page.number_input(key="f-models-0-temperature").set_value(0.5).run()
    page.selectbox(key="f-variants-0-technique").set_value("zero_shot_cot").run()
    assert not page.exception
    assert Draft(study).text == (
        EXPERIMENT.replace("Is {{ q }} odd?", "Odd: {{ q }}?")
        .replace("- scripted/script.yaml ", "- {id: scripted/script.yaml, temperature: 0.5} ")
        .replace("- zero_shot ", "- {technique: zero_shot_cot} ")
    )
    assert study.read_text() == EXPERIMENT
    page.button(key="save").click().run()
    assert study.read_text() == Draft(study).text != EXPERIMENT
    assert not Draft(study).changed


def test_a_change_in_the_yaml_is_in_the_form_and_comments_stay(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study), view="yaml")
    page.text_area(key="yaml").set_value(EXPERIMENT.replace("demos: 2", "demos: 5")).run()
    assert not page.exception
    page.segmented_control(key="view").set_value("form").run()
    assert page.number_input(key="f-variants-1-demos").value == 5
    page.number_input(key="f-variants-1-demos").set_value(3).run()
    assert Draft(study).text == EXPERIMENT.replace("demos: 2", "demos: 3")


def test_a_mistake_stands_beneath_its_field(study: Path, open_page: Callable[..., AppTest]) -> None:
    study.write_text(EXPERIMENT.replace("demos: 2", "demos: 2, trigger: x"))
    page = open_page("experiments", file=str(study))
    assert "unknown" in texts(page)
    study.write_text(EXPERIMENT.replace("answer: yes_no", "answer: yes-no"))
    page = open_page("experiments", file=str(study))
    (error,) = page.error
    assert "must be one of" in error.value
    assert "line 4" in error.value.replace("\\", "")
    assert "that stand beside their fields" in texts(page)


def test_a_file_that_is_no_yaml_is_shown_and_can_be_mended(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    study.write_text("name: [\n")
    page = open_page("experiments", file=str(study))
    assert not page.exception
    assert "cannot be read as an experiment" in page.error[0].value
    page.segmented_control(key="view").set_value("yaml").run()
    page.text_area(key="yaml").set_value(EXPERIMENT).run()
    assert page.success
    assert page.title[0].value == "parity"


def test_a_key_typed_into_the_file_goes_nowhere(study: Path, open_page: Callable[..., AppTest]) -> None:
    page = open_page("experiments", file=str(study), view="yaml")
    with_key = EXPERIMENT.replace("- scripted/script.yaml", "- {id: openai/x, api_key: sk-12345678}")
    page.text_area(key="yaml").set_value(with_key).run()
    assert "a key never stands in the file" in texts(page).replace("\\", "")
    assert not any(b"sk-12345678" in each.read_bytes() for each in study.parent.rglob("*") if each.is_file())


def test_what_somebody_else_saved_is_not_overwritten_unasked(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study))
    page.text_input(key="f-name").set_value("mine").run()
    study.write_text(EXPERIMENT.replace("parity", "theirs"))
    page.button(key="save").click().run()
    assert "was changed on disk" in texts(page)
    assert "theirs" in study.read_text()
    page.button(key="save").click().run()
    assert study.read_text() == EXPERIMENT.replace("name: parity", "name: mine")


def test_what_is_missing_for_a_run_is_said_before_its_start(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    study.write_text(EXPERIMENT.replace("- scripted/script.yaml", "- openai/gpt-4o-mini"))
    page = open_page("experiments", file=str(study), view="run")
    page.button(key="estimate-now").click().run()
    assert any("OPENAI_API_KEY" in each.value.replace("\\", "") for each in page.error)
    assert page.button(key="start").disabled


def test_the_estimate_says_what_would_be_sent(study: Path, open_page: Callable[..., AppTest]) -> None:
    page = open_page("experiments", file=str(study), view="run")
    assert page.button(key="start").disabled  # nobody spends what was not estimated
    page.button(key="estimate-now").click().run()
    assert not page.exception
    assert not page.button(key="start").disabled
    shown = {each.label: each.value for each in page.metric}
    assert shown["Trials to run"] == "64"
    assert int(shown["Calls"]) > 0
    assert shown["Cost"] == "unknown" or shown["Cost"].endswith("USD")


def test_a_job_that_has_ended_counts_as_over_while_its_process_is_still_leaving(study: Path) -> None:
    home = study.parent / "home"
    job = start(home, study)
    wait_until(lambda: job.exit_code == 0, "it does not end")
    (job.folder / PROCESS).write_bytes(note_of(this_process()))
    assert work_on(home, "parity").state == "complete"


@pytest.mark.parametrize(
    "line", ["variants: ['mine.py:Mine']\n", "variants: [zero_shot]\nscorers: ['mine.py:f']\n"]
)
def test_code_that_an_experiment_brings_is_not_loaded(
    study: Path, open_page: Callable[..., AppTest], line: str
) -> None:
    (study.parent / "mine.py").write_text("open('ran', 'w')\n")
    study.write_text(EXPERIMENT[: EXPERIMENT.index("variants:")] + line)
    for view in ("form", "yaml", "run"):
        page = open_page("experiments", file=str(study), view=view)
        assert not page.exception
        assert any("--allow-code" in each.value.replace("\\", "") for each in page.error)
        if view == "run":
            assert not [each for each in page.button if each.key == "start"]
    assert not (study.parent / "ran").exists()


def test_a_new_experiment_comes_from_the_starter_or_from_data(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", new="starter")
    page.text_input(key="new-name").set_value("first try").run()
    page.button(key="create").click().run()
    assert not page.exception
    assert page.title[0].value == "first try"
    assert (study.parent / "experiments" / "first-try.yaml").read_text().startswith("#")
    page = open_page("experiments", new="data.jsonl")
    page.button(key="create").click().run()
    assert not page.exception
    made = (study.parent / "experiments" / "data.yaml").read_text()
    assert 'path: "../data.jsonl"' in made
