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
    page.segmented_control(key="experiment-view").set_value("form").run()
    assert page.number_input(key="f-variants-1-demos").value == 5
    page.number_input(key="f-variants-1-demos").set_value(3).run()
    assert Draft(study).text == EXPERIMENT.replace("demos: 2", "demos: 3")


def opened(page: AppTest, *keys: str) -> AppTest:
    """The page with these parts unfolded."""
    for key in keys:
        page.session_state[f"open-{key}"] = True
    return page.run()


def test_a_second_data_set_a_matrix_a_gate_and_an_embedding_are_made_by_form_alone(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study))
    page.selectbox(key="f-new-datasets").set_value("generate: coin_flip").run()
    page.button(key="f-add-datasets").click().run()
    parts = ("f-part-matrix", "f-part-gates", "f-part-embedding", "f-part-datasets-1-generate")
    opened(page, *parts)
    page.number_input(key="f-datasets-1-generate-people").set_value(3).run()
    for axis, values in (("demos", "1, 4"), ("format", "plain, json")):
        page.selectbox(key="f-axis-name-matrix").set_value(axis).run()
        page.text_input(key="f-axis-values-matrix").set_value(values)
        page.button(key="f-add-axis-matrix").click().run()
    page.button(key="f-add-matrix-exclude").click().run()
    page.selectbox(key="f-matrix-exclude-0-format").set_value("json").run()
    page.button(key="f-add-gates").click().run()
    page.number_input(key="f-gates-0-min").set_value(0.4).run()
    page.text_input(key="f-embedding-id").set_value("openai/text-embedding-3-small").run()
    assert not page.exception
    assert Draft(study).text == EXPERIMENT.replace(
        "dataset: {path: data.jsonl, target: a}\n",
        "datasets:\n  - {path: data.jsonl, target: a}\n  - {generate: {source: coin_flip, people: 3}}\n",
    ) + (
        "matrix: {demos: [1, 4], format: [plain, json], exclude: [{demos: 4, format: json}]}\n"
        "gates: [{min: 0.4}]\n"
        "embedding: {id: openai/text-embedding-3-small}\n"
    )
    assert not page.error
    assert any("demos=1, format=plain" in each.value.replace("\\", "") for each in page.caption)
    for key in ("f-remove-gates-0", "f-remove-matrix-exclude-0", "f-clear-embedding"):
        page.button(key=key).click().run()
    assert "gates" not in Draft(study).text
    assert "exclude" not in Draft(study).text
    assert "embedding" not in Draft(study).text


def test_entries_of_every_list_are_added_changed_and_removed(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study))
    page.selectbox(key="f-new-variants").set_value("prompt_chain").run()
    page.button(key="f-add-variants").click().run()
    opened(page, "f-part-variants-2-steps")
    page.button(key="f-add-variants-2-steps").click().run()
    opened(page, "f-part-variants-2-steps")
    page.text_input(key="f-variants-2-steps-0-name").set_value("draft")
    page.text_area(key="f-variants-2-steps-0-prompt").set_value("Say {{ q }}").run()
    page.selectbox(key="f-new-scorers").set_value("judge").run()
    page.button(key="f-add-scorers").click().run()
    page.selectbox(key="f-scorers-0-kind").set_value("rubric").run()
    assert not page.exception
    assert Draft(study).text == EXPERIMENT + (
        "  - {technique: prompt_chain, steps: [{name: draft, prompt: 'Say {{ q }}'}]}\n"
        "scorers: [{scorer: judge, kind: rubric}]\n"
    ).replace("'", '"')
    page.button(key="f-remove-variants-2").click().run()
    page.button(key="f-remove-scorers-0").click().run()
    assert Draft(study).text == EXPERIMENT
    assert not Draft(study).changed


def test_an_entry_moves_with_its_comment_and_with_what_stands_open(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    page = open_page("experiments", file=str(study))
    opened(page, "f-more-variants-1")
    assert page.button(key="f-up-variants-0").disabled
    assert page.button(key="f-down-variants-1").disabled
    page.button(key="f-up-variants-1").click().run()
    assert not page.exception
    assert Draft(study).text == EXPERIMENT.replace(
        "  - zero_shot              # the plain one\n  - {technique: few_shot, demos: 2}\n",
        "  - {technique: few_shot, demos: 2}\n  - zero_shot              # the plain one\n",
    )
    assert page.selectbox(key="f-variants-0-technique-after-1").value == "few_shot"
    assert page.session_state["open-f-more-variants-0"]
    assert not page.session_state["open-f-more-variants-1"]
    page.button(key="f-down-variants-0").click().run()
    assert Draft(study).text == EXPERIMENT


def test_a_choice_whose_callback_was_overtaken_is_taken_at_the_next_drawing(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    given = EXPERIMENT.replace(
        "  - scripted/script.yaml ", "  - id: scripted/script.yaml\n    extra_body: {route: [a]} "
    )
    study.write_text(given)
    page = open_page("experiments", file=str(study))
    page.session_state["f-name"] = "another"  # what the browser told, and no callback ran for it
    page.run()
    assert Draft(study).text == given.replace("name: parity", "name: another")
    assert page.text_input(key="f-name").value == "another"
    piece = page.session_state["f-models-0-extra_body"]
    page.session_state["f-models-0-extra_body"] = "[a"  # refused once, and not asked for ever
    page.run()
    assert any("not valid YAML" in each.value for each in page.error)
    assert page.session_state["f-models-0-extra_body"] == piece


def test_prices_headers_and_rates_have_fields_and_what_has_none_is_its_own_piece_of_yaml(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    given = EXPERIMENT.replace(
        "  - scripted/script.yaml ",
        "  - id: scripted/script.yaml\n    extra_body:\n      route: [a, b]   # in turn\n      strict: true ",
    )
    study.write_text(given)
    page = open_page("experiments", file=str(study))
    piece = page.text_area(key="f-models-0-extra_body")
    assert piece.value == "route: [a, b]   # in turn\nstrict: true"
    piece.set_value(piece.value.replace("[a, b]", "[b]")).run()
    edited = given.replace("[a, b]", "[b]")
    assert Draft(study).text == edited
    page.text_area(key="f-models-0-extra_body").set_value("[a").run()
    assert any("not valid YAML" in each.value for each in page.error)
    assert Draft(study).text == edited
    page.run()
    parts = ("f-more-models-0", "f-part-models-0-price", "f-part-models-0-headers", "f-part-limits")
    opened(page, *parts)
    page.number_input(key="f-models-0-price-input").set_value(0.8).run()
    page.text_input(key="f-new-models-0-headers").set_value("X-Route")
    page.button(key="f-add-models-0-headers").click().run()
    page.text_input(key="f-models-0-headers-X-Route").set_value("east").run()
    page.number_input(key="f-limits-budget_usd").set_value(2.0).run()
    assert (
        Draft(study).text
        == edited.replace(
            "strict: true   # answers from a script\n",
            "strict: true   # answers from a script\n    price: {input: 0.8}\n    headers: {X-Route: east}\n",
        )
        + "limits: {budget_usd: 2}\n"
    )
    assert sum("'output' is missing" in each.value.replace("\\", "") for each in page.error) == 1


@pytest.mark.parametrize(
    "text",
    [
        "demos: four", "demos: [1]", "gates: {a: 1}", "matrix: 3", "matrix: {temperature: 3}", "limits: 3",
        "matrix: {temperature: [{a: 1}], exclude: 3}", "embedding: [x]", "scorers: {scorer: x}",
        "cache: null",
    ],
)  # fmt: skip
def test_a_value_of_another_shape_is_shown_as_its_piece_and_breaks_nothing(
    study: Path, open_page: Callable[..., AppTest], text: str
) -> None:
    changed = text.startswith("demos")
    study.write_text(EXPERIMENT.replace("demos: 2", text) if changed else f"{EXPERIMENT}{text}\n")
    page = open_page("experiments", file=str(study))
    opened(page, "f-part-matrix", "f-part-gates", "f-part-limits", "f-part-embedding", "f-part-cache")
    assert not page.exception
    assert Draft(study).text == study.read_text()


def test_every_mistake_is_told_once_beside_its_field_or_on_top(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    study.write_text(
        EXPERIMENT.replace("demos: 2}", "demos: 2, formt: json}").replace(
            "zero_shot   ", "self_consistancy   "
        )
        + "baseline: nobody\ngates: [{variant: no one, min: 0.5}, {min: 1, max_cost_usd: 2}]\n"
    )
    page = open_page("experiments", file=str(study))
    assert not page.exception
    first = [each.value.replace("\\", "") for each in page.error]
    assert sum("one of min" in each for each in first) == 1
    study.write_text(study.read_text().replace(", {min: 1, max_cost_usd: 2}", ""))
    page = open_page("experiments", file=str(study))
    shown = [each.value.replace("\\", "") for each in page.error]
    for told in ("'formt'", "unknown technique", "'nobody'", "'no one'"):
        assert sum(told in each for each in shown) == 1, (told, shown)
    assert any("(line 11)" in each for each in shown)


def test_a_mistake_stands_beneath_its_field(study: Path, open_page: Callable[..., AppTest]) -> None:
    study.write_text(EXPERIMENT.replace("demos: 2", "demos: 2, trigger: x"))
    page = open_page("experiments", file=str(study))
    assert "unknown" in texts(page)
    study.write_text(EXPERIMENT.replace("answer: yes_no", "answer: yes-no"))
    page = open_page("experiments", file=str(study))
    (error,) = [each for each in page.error if "must be one of" in each.value]
    assert "line 4" in error.value.replace("\\", "")
    assert "that stand beside their fields" in texts(page)


def test_a_file_that_is_no_yaml_is_shown_and_can_be_mended(
    study: Path, open_page: Callable[..., AppTest]
) -> None:
    study.write_text("name: [\n")
    page = open_page("experiments", file=str(study))
    assert not page.exception
    assert "cannot be read as an experiment" in page.error[0].value
    page.segmented_control(key="experiment-view").set_value("yaml").run()
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
