"""What a form asks follows from the schemas, and code is found before anything loads it."""

from __future__ import annotations

from promptlab.experiment.axis_fields import axis_field, axis_names
from promptlab.experiment.form import experiment_fields, fields_of, named_fields, names_of, settings_of
from promptlab.experiment.own_code import own_code
from promptlab.experiment.schema import experiment_schema
from promptlab.experiment.spec import LimitsSpec, ModelSpec


def test_every_technique_scorer_and_source_has_a_form() -> None:
    for name in names_of("technique"):
        assert {"demos", "format"} <= {each.key for each in settings_of("technique", name)}
    assert all(isinstance(settings_of("scorer", name), tuple) for name in names_of("scorer"))
    assert "people" in {each.key for each in settings_of("source", "coin_flip")}
    assert settings_of("technique", "mine.py:Mine") == ()  # nothing is loaded to ask


def test_every_key_of_the_file_has_a_field() -> None:
    assert experiment_fields().keys() == experiment_schema()["properties"].keys()


def test_kinds_bounds_choices_and_defaults_are_those_of_the_schema() -> None:
    model = {each.key: each for each in fields_of(ModelSpec)}
    assert (model["temperature"].kind, model["temperature"].low, model["temperature"].high) == (
        "number",
        0,
        5,
    )
    assert (model["max_tokens"].kind, model["max_tokens"].low) == ("integer", 1)
    assert model["reasoning_effort"].choices == ("none", "minimal", "low", "medium", "high")
    assert (model["logprobs"].kind, model["id"].required) == ("boolean", True)
    assert {each.key: each.default for each in fields_of(LimitsSpec)}["concurrency"] == 64
    (chosen,) = (each for each in settings_of("technique", "few_shot") if each.key == "format")
    assert chosen.choices == ("plain", "markdown", "yaml", "json")


def test_parts_lists_tables_and_inner_techniques_have_fields_of_their_own() -> None:
    model = {each.key: each for each in fields_of(ModelSpec)}
    price = {each.key: each for each in model["price"].fields}
    assert (price["input"].kind, price["per"].choices) == ("number", (1, 1000, 1000000))
    assert model["headers"].kind == "table"
    rates = next(each for each in fields_of(LimitsSpec) if each.key == "rates")
    assert rates.item is not None
    assert [each.key for each in rates.item.fields] == ["usd", "date", "source"]
    steps = next(each for each in settings_of("technique", "prompt_chain") if each.key == "steps")
    assert steps.item is not None
    assert [(each.key, each.kind) for each in steps.item.fields] == [
        ("name", "text"),
        ("prompt", "long_text"),
    ]
    inner = next(each for each in settings_of("technique", "self_consistency") if each.key == "inner")
    assert "draw_temperature" in {each.key for each in named_fields(inner, "self_consistency")}
    judge = {each.key: each for each in settings_of("scorer", "judge")}
    assert judge["model"].kind == "either"
    assert judge["model"].forms[0].names == "models"
    assert judge["verdicts"].kind == "table"


def test_an_axis_takes_the_values_of_the_field_it_goes_over() -> None:
    value = {"variants": ["few_shot", {"technique": "self_consistency"}], "models": ["openai/x"]}
    assert axis_field("models.0.temperature", value).kind == "number"
    assert axis_field("task.prompt", value).kind == "long_text"
    assert axis_field("demos", value).fields
    assert axis_field("demos.count", value).kind == "integer"
    assert axis_field("samples", value).kind == "integer"
    assert axis_field("dataset.limit", value).kind == "integer"
    assert axis_field("temperature", value, "models").high == 5
    assert axis_field("nobody.knows", value).kind == "any"
    names = axis_names(value)
    assert names[0] == "task.prompt"
    assert {"samples", "demos", "technique", "models.temperature"} <= set(names)
    assert "temperature" in axis_names(value, "models")


def test_code_is_found_wherever_a_file_may_name_it() -> None:
    value = {
        "task": {"prompt": "Look at mine.py:Mine and say what it does."},
        "variants": [
            "zero_shot",
            "mine.py:Mine",
            {"technique": "self_consistency", "inner": {"technique": "lib/own.py:Own"}},
            {"technique": "dspy", "program": "modules.py:Module"},
        ],
        "scorers": [{"scorer": "score.py:graded"}],
        "allow_unsafe_code": True,
    }
    assert [path for path, _ in own_code(value)] == [
        ("variants", 1),
        ("variants", 2, "inner", "technique"),
        ("variants", 3, "program"),
        ("scorers", 0, "scorer"),
        ("allow_unsafe_code",),
    ]
    assert not list(own_code({"allow_unsafe_code": False, "variants": ["zero_shot"]}))
