"""What a form asks: the fields of a part of the experiment file, from its JSON schema, to any depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from promptlab.basics.registry import Registry
from promptlab.datasets import DatasetSpec, sources
from promptlab.experiment.gates import GateSpec
from promptlab.experiment.spec import ExperimentSpec, ModelSpec, ScorerSpec, VariantSpec
from promptlab.scoring import scorers
from promptlab.techniques import Technique, techniques

Kind = Literal[
    "text",
    "long_text",
    "integer",
    "number",
    "boolean",
    "choice",  # one of a few
    "choices",  # some of a few
    "texts",  # a list of texts, or one alone
    "section",  # a mapping with known keys
    "entries",  # a list
    "table",  # a mapping with free keys
    "named",  # a technique, scorer or source with its settings
    "either",  # one of several forms
    "matrix",
    "value",  # a number, a text or a list, as YAML in one line
    "any",  # as YAML
]
Registered = Literal["technique", "scorer", "source"]

_KINDS: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_LONG = frozenset(
    {
        "prompt",
        "system",
        "description",
        "answer_instruction",
        "question",
        "instructions",
        "content",
        "criteria",
    }
)
# Texts that name something else of the file.
_NAMES = {
    "baseline": "variants",
    "variant": "variants",
    "against": "variants",
    "primary": "scorers",
    "metric": "scorers",
    "scorer": "scorers",
    "model": "models",
    "prompt_model": "models",
    "dataset": "datasets",
    "models": "models",
}
_SHORT = {"demos": "count"}
_REGISTRIES: Mapping[Registered, Registry[Any]] = {
    "technique": techniques,
    "scorer": scorers,
    "source": sources,
}


@dataclass(frozen=True)
class FormField:
    """One key: what may stand there.

    `default` is what holds where it is left out; None: nothing, or nobody knows. `low` and `high` are bounds
    where there are any. `fields` are a section's, or those beside the settings of what is `named` in
    `registry`; `item` is what a list or a table holds; `forms` are the ways of an `either`; `names` says of
    what the text is a name (`variants`, `models`, `datasets`, `scorers` of the file), `short` which of a
    section's fields a number alone stands for.
    """

    key: str
    kind: Kind
    default: Any = None
    description: str = ""
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    required: bool = False
    fields: tuple[FormField, ...] = ()
    item: FormField | None = None
    forms: tuple[FormField, ...] = ()
    short: str = ""
    registry: Registered | None = None
    names: str = ""


@lru_cache(maxsize=256)
def fields_of(model: type[BaseModel], *, without: frozenset[str] = frozenset()) -> tuple[FormField, ...]:
    """The fields of a settings class, in its order."""
    schema = model.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    definitions = schema.get("$defs", {})
    return tuple(
        _field(key, part, definitions, key in required)
        for key, part in schema.get("properties", {}).items()
        if key not in without
    )


@cache
def names_of(registry: Registered) -> tuple[str, ...]:
    """All techniques, scorers or sources that have a name; asked of the installed packages once."""
    return tuple(_REGISTRIES[registry].names())


def settings_of(registry: Registered, name: str) -> tuple[FormField, ...]:
    """The settings of what has that name; of a Python file or an unknown name none are known."""
    if name not in names_of(registry):
        return ()
    found: type[BaseModel] = _REGISTRIES[registry].get(name)
    return fields_of(found)


def own_settings(registry: Registered, name: str) -> tuple[str, ...]:
    """The keys of its settings that not every one of its kind has."""
    shared = Technique.model_fields if registry == "technique" else {"seed"}
    return tuple(each.key for each in settings_of(registry, name) if each.key not in shared)


def named_fields(field: FormField, name: str) -> tuple[FormField, ...]:
    """The fields of a `named` one that has this name: which it is, its settings, and those beside them."""
    assert field.registry is not None
    chosen = FormField(field.registry, "choice", choices=names_of(field.registry), required=True)
    merged = {each.key: each for each in (chosen, *settings_of(field.registry, name), *field.fields)}
    return tuple(merged.values())


@cache
def experiment_fields() -> Mapping[str, FormField]:
    """Every key of the experiment file; of `dataset` what an entry of `datasets` has."""
    found = {each.key: each for each in fields_of(ExperimentSpec)}
    matrix = FormField("matrix", "matrix")
    entry = {
        "datasets": FormField("", "section", fields=(*fields_of(DatasetSpec), matrix)),
        "models": FormField("", "section", fields=(*fields_of(ModelSpec), matrix)),
        "gates": FormField("", "section", fields=fields_of(GateSpec)),
        "variants": FormField("", "named", registry="technique", fields=(*_beside(VariantSpec), matrix)),
        "scorers": FormField("", "named", registry="scorer", fields=(*_beside(ScorerSpec), matrix)),
    }
    for key, item in entry.items():
        found[key] = replace(found[key], kind="entries", item=item)
    return {**found, "dataset": replace(entry["datasets"], key="dataset"), "matrix": matrix}


def blank(field: FormField) -> Any:
    """What a new entry of a list or a table holds at first."""
    if field.kind == "section":
        needed = {each.key: blank(each) for each in field.fields if each.required}
        return needed or {}
    if field.kind == "choice":
        return field.choices[0]
    if field.kind in ("integer", "number"):
        return max(0, int(field.low or 0))
    return ""


def _beside(spec: type[BaseModel]) -> tuple[FormField, ...]:
    """What an entry has beside a technique's or a scorer's settings."""
    return fields_of(spec, without=frozenset({"technique", "scorer", "settings"}))


def _field(key: str, part: Mapping[str, Any], definitions: Mapping[str, Any], required: bool) -> FormField:
    found = _resolved(part, definitions)
    described = str(part.get("description") or found.get("description") or "")
    made = FormField(key, "any", part.get("default"), described, required=required)
    several = found.get("anyOf")
    if several is not None:
        return _several(made, several, definitions)
    options = tuple(found.get("enum", ()))
    kind: Kind = _KINDS.get(str(found.get("type")), "any")
    if options:
        return replace(made, kind="choice", choices=options)
    if kind == "text":
        long = key in _LONG or key.endswith("prompt") or "\n" in str(made.default or "")
        return replace(made, kind="long_text" if long else "text", names=_NAMES.get(key, ""))
    if kind != "any":
        # An excluded bound is the provider's business as well; the check of the file says the rest.
        low = found.get("minimum", found.get("exclusiveMinimum"))
        high = found.get("maximum", found.get("exclusiveMaximum"))
        return replace(made, kind=kind, low=low, high=high)
    if found.get("type") == "array" and "items" in found:
        return _listed(made, _field("", found["items"], definitions, True))
    if found.get("type") == "object":
        return _mapping(made, found, definitions)
    return made


def _listed(made: FormField, item: FormField) -> FormField:
    if item.kind == "choice":
        return replace(made, kind="choices", choices=item.choices)
    if item.kind in ("text", "long_text"):
        return replace(made, kind="texts", names=_NAMES.get(made.key, ""))
    return replace(made, kind="entries", item=item) if item.kind != "any" else made


def _mapping(made: FormField, found: Mapping[str, Any], definitions: Mapping[str, Any]) -> FormField:
    if "properties" in found:
        needed = found.get("required", ())
        parts = tuple(
            _field(key, each, definitions, key in needed) for key, each in found["properties"].items()
        )
        return replace(made, kind="section", fields=parts, short=_SHORT.get(made.key, ""))
    inner = found.get("additionalProperties")
    if isinstance(inner, Mapping):
        return replace(made, kind="table", item=_field("", inner, definitions, True))
    return made


def _several(
    made: FormField, several: Sequence[Mapping[str, Any]], definitions: Mapping[str, Any]
) -> FormField:
    """Several types in one place: those that have a form of their own; all others as YAML."""
    forms = tuple(_field(made.key, each, definitions, made.required) for each in several)
    kinds = [each.kind for each in forms]
    if made.key == "generate":
        return replace(made, kind="named", registry="source")
    if len(forms) != 2 or kinds[0] not in ("text", "long_text"):
        return replace(made, kind="value" if set(kinds) & {"integer", "number", "text"} else "any")
    if kinds[1] == "section" and [each.key for each in forms[1].fields] == ["technique"]:
        return replace(made, kind="named", registry="technique")
    if kinds[1] == "texts":
        return replace(made, kind="texts")
    if made.key == "model":  # a judge's: one of the file's, or an entry of its own
        own = replace(made, kind="section", fields=fields_of(ModelSpec))
        return replace(made, kind="either", forms=(forms[0], own))
    return replace(made, kind="either", forms=forms) if kinds[1] == "table" else made


def _resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without `| None` and references."""
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    several = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    if len(several) == 1:
        return _resolved(several[0], definitions)
    return {**part, "anyOf": several} if several else part
