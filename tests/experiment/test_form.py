"""What a form asks follows from the schemas, and code is found before anything loads it."""

from __future__ import annotations

from promptlab.experiment.form import (
    fields_of,
    own_code,
    scorer_fields,
    scorer_names,
    technique_fields,
    technique_names,
)
from promptlab.experiment.spec import LimitsSpec, ModelSpec


def test_every_technique_and_scorer_has_a_form() -> None:
    assert all(
        {"demos", "format"} <= {each.key for each in technique_fields(name)} for name in technique_names()
    )
    assert all(isinstance(scorer_fields(name), tuple) for name in scorer_names())
    assert technique_fields("mine.py:Mine") == ()  # nothing is loaded to ask


def test_kinds_bounds_choices_and_defaults_are_those_of_the_schema() -> None:
    model = {each.key: each for each in fields_of(ModelSpec)}
    assert (model["temperature"].kind, model["temperature"].low, model["temperature"].high) == (
        "number",
        0,
        5,
    )
    assert (model["max_tokens"].kind, model["max_tokens"].low) == ("integer", 1)
    assert model["reasoning_effort"].choices == ("none", "minimal", "low", "medium", "high")
    assert (model["price"].kind, model["logprobs"].kind, model["id"].required) == ("any", "boolean", True)
    assert {each.key: each.default for each in fields_of(LimitsSpec)}["concurrency"] == 64
    (chosen,) = (each for each in technique_fields("few_shot") if each.key == "format")
    assert chosen.choices == ("plain", "markdown", "yaml", "json")


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
