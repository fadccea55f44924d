"""What a form asks: the fields of a part of the experiment file, from its JSON schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from promptlab.experiment.yaml_lines import Path_
from promptlab.scoring import scorers
from promptlab.techniques import techniques

Kind = Literal["text", "long_text", "integer", "number", "boolean", "choice", "any"]
_KINDS: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_LONG = frozenset({"prompt", "system", "description", "answer_instruction", "question", "instructions"})
_OWN_CODE = re.compile(r"\S+\.py:\w+")


@dataclass(frozen=True)
class FormField:
    """One key: what may stand there.

    `default` is what holds where it is left out; None: nothing, or nobody knows. `low` and `high` are bounds
    where there are any; `any` is a list or a mapping, as YAML.
    """

    key: str
    kind: Kind
    default: Any = None
    description: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    required: bool = False


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
def technique_names() -> tuple[str, ...]:
    """All techniques that have a name; asked of the installed packages once."""
    return tuple(techniques.names())


@cache
def scorer_names() -> tuple[str, ...]:
    """All scorers that have a name."""
    return tuple(scorers.names())


def technique_fields(name: str) -> tuple[FormField, ...]:
    """The settings of a technique that has a name; of a Python file or an unknown name none are known."""
    return fields_of(techniques.get(name)) if name in technique_names() else ()


def scorer_fields(name: str) -> tuple[FormField, ...]:
    """The settings of a scorer that has a name."""
    return fields_of(scorers.get(name)) if name in scorer_names() else ()


def own_code(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, str]]:
    """Where a file's value names Python code of its own, or lets models' programs run unconfined.

    To be asked before the file is loaded further: planning imports what it names.
    """
    if isinstance(value, dict):
        for key, each in value.items():
            yield from own_code(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from own_code(each, (*path, index))
    elif isinstance(value, str) and _OWN_CODE.fullmatch(value.strip()):
        yield path, value
    elif value is True and path == ("allow_unsafe_code",):
        yield path, "true"


def _field(key: str, part: Mapping[str, Any], definitions: Mapping[str, Any], required: bool) -> FormField:
    found = _resolved(part, definitions)
    default = part.get("default")
    choices = tuple(str(each) for each in found.get("enum", ()) if isinstance(each, str))
    kind: Kind = _KINDS.get(str(found.get("type")), "any")
    if choices and len(choices) == len(found["enum"]):
        kind = "choice"
    elif found.get("enum"):
        kind = "any"
    elif kind == "text" and (key in _LONG or key.endswith("prompt") or "\n" in str(default or "")):
        kind = "long_text"
    # An excluded bound is the provider's business as well; the check of the file says the rest.
    low = found.get("minimum", found.get("exclusiveMinimum"))
    high = found.get("maximum", found.get("exclusiveMaximum"))
    described = str(part.get("description") or "")
    return FormField(key, kind, default, described, choices, low, high, required)


def _resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without `| None` and references; what may be several things stays without a type."""
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    several = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    if len(several) == 1:
        return _resolved(several[0], definitions)
    return {} if several else part
