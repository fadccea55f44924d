"""The JSON schema of the experiment file as people write it: short forms and every technique's settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from promptlab.experiment.spec import ExperimentSpec, ScorerSpec, VariantSpec
from promptlab.scoring import scorers
from promptlab.techniques import techniques

# What may stand in place of the whole mapping: `split: part`, `demos: 4`.
_SHORT_FORMS = {"SplitSpec": {"type": "string"}, "DemoSpec": {"type": "integer", "minimum": 0}}

# A field, or `models.0.field`, to its values: `{cold: 0, warm: 1}`, `[0, 1]` or `[{name: cold, value: 0}]`.
# Settings that a matrix may supply are not required: whether one is missing shows once it is unfolded.
_MATRIX: dict[str, Any] = {
    "title": "Matrix",
    "description": "One entry for every combination: FIELD: {NAME: VALUE, ...} or FIELD: [VALUE, ...].",
    "type": "object",
    "minProperties": 1,
    "properties": {"exclude": {"type": "array", "items": {"type": "object", "minProperties": 1}}},
    "additionalProperties": {
        "anyOf": [{"type": "object", "minProperties": 1}, {"type": "array", "minItems": 1}]
    },
}
_MATRIX_HERE = {"$ref": "#/$defs/Matrix"}


def experiment_schema() -> dict[str, Any]:
    """JSON schema (2020-12). What it accepts may still be refused for what only the data can show."""
    schema = ExperimentSpec.model_json_schema(by_alias=True)
    definitions = schema.setdefault("$defs", {})
    definitions["Matrix"] = _MATRIX
    properties = schema["properties"]
    properties["matrix"] = _MATRIX_HERE
    properties["variants"]["items"] = _named("technique", VariantSpec, dict(techniques), definitions)
    for part in properties["scorers"]["anyOf"]:
        if part.get("type") == "array":
            part["items"] = _named("scorer", ScorerSpec, dict(scorers), definitions)
    for name in ("VariantSpec", "ScorerSpec"):
        definitions.pop(name, None)
    for name in ("ModelSpec", "DatasetSpec"):
        definitions[name]["properties"]["matrix"] = _MATRIX_HERE
    definitions["ModelSpec"]["anyOf"] = [
        {"required": [name]} for name in (*definitions["ModelSpec"].pop("required"), "matrix")
    ]
    properties["models"]["items"] = {"anyOf": [{"type": "string"}, properties["models"]["items"]]}
    properties["task"] = {"anyOf": [{"type": "string"}, properties["task"]]}
    properties["dataset"] = properties["datasets"]["items"]
    schema["required"] = [name for name in schema["required"] if name != "datasets"]
    schema["oneOf"] = [{"required": ["dataset"]}, {"required": ["datasets"]}]
    schema["title"] = "promptlab experiment"
    for name, short in _SHORT_FORMS.items():
        definitions[name] = {"anyOf": [short, definitions[name]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _named(
    key: str, shared: type[BaseModel], classes: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    """A list item: a bare name, a `file.py:Class`, or one object form for each registered name."""
    common = shared.model_json_schema(by_alias=True)
    definitions.update(common.pop("$defs", {}))
    base = {name: value for name, value in common["properties"].items() if name not in (key, "settings")}
    base["matrix"] = _MATRIX_HERE
    forms: list[dict[str, Any]] = [{"enum": sorted(classes)}]
    for name, cls in sorted(classes.items()):
        own = cls.model_json_schema(by_alias=True)
        definitions.update(own.pop("$defs", {}))
        forms.append(
            {
                "type": "object",
                "title": name,
                "description": (cls.__doc__ or "").strip(),
                "properties": {key: {"const": name}, **base, **own.get("properties", {})},
                "required": [key],
                "additionalProperties": False,
            }
        )
    forms.append(
        {"type": "object", "title": f"a matrix over {key}", "required": ["matrix"], "properties": base}
    )
    forms.append(
        {
            "type": "object",
            "title": f"your own {key}",
            "properties": {key: {"type": "string", "pattern": r"\.py:\w+$"}, **base},
            "required": [key],
        }
    )
    return {"anyOf": [*forms, {"type": "string", "pattern": r"\.py:\w+$"}]}
