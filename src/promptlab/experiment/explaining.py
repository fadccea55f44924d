"""Where the parts of a spec stand in its file, and what is wrong with them in our words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import did_you_mean
from promptlab.experiment.spec import ExperimentSpec
from promptlab.experiment.yaml_lines import Document, Path_, dotted


@dataclass(frozen=True)
class Places:
    """Where in the file each part of the spec stands.

    Short forms and the matrix move things: `moved` says for a path of the spec, and all below it, where
    the file has it. The longest path that is known counts.
    """

    document: Document
    moved: dict[Path_, Path_] = field(default_factory=dict)

    def origin(self, path: Path_) -> Path_:
        """The file's own path of a path of the spec."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.moved:
                return (*self.moved[path[:length]], *path[length:])
        return path

    def stands(self, path: Path_) -> bool:
        """Whether the file says that itself; else it is a default."""
        return self.origin(path) in self.document.lines

    def line(self, path: Path_) -> int:
        return self.document.line(self.origin(path))

    def error(self, path: Path_, message: str, *, value: object = None, remedy: str = "") -> ExperimentError:
        """An error at that place."""
        place = self.origin(path)
        return ExperimentError(
            message,
            file=self.document.file,
            line=self.document.line(place),
            field=dotted(place),
            value=value,
            remedy=remedy,
        )


def explain(
    detail: ErrorDetails,
    places: Places,
    prefix: Path_,
    root: type[BaseModel],
    also: Iterable[str] = (),
) -> ExperimentError:
    """One of pydantic's errors in our words, at its line.

    `prefix` is where `root` stands in the file; `also` are keys that may stand there beside its own.
    """
    location = tuple(part for part in detail["loc"] if isinstance(part, int) or not _is_branch(part))
    path = (*prefix, *location)
    kind = detail["type"]
    context = detail.get("ctx", {})
    value: object = detail["input"]
    remedy = ""
    if kind == "extra_forbidden":
        name = str(path[-1])
        owner = _owner(location, root)
        message = f"unknown key {name!r}"
        remedy = did_you_mean(name, [*_aliases(owner), *(also if owner is root else ())]) if owner else ""
        value = None
    elif kind == "missing":
        message, value = f"the key {path[-1]!r} is missing", None
        remedy = f"Add `{path[-1]}:`."
        path = path[:-1] if len(path) > 1 else path
    elif kind == "literal_error":
        message = f"must be one of {context.get('expected', '')}"
        remedy = did_you_mean(str(value), re.findall(r"'([^']*)'", str(context.get("expected", ""))))
        remedy = remedy if remedy.startswith("Did") else ""
    elif kind in _TYPES:
        message = f"must be {_TYPES[kind]}"
        if kind in ("int_type", "float_type") and isinstance(value, str):
            remedy = "Write it without quotes."
        elif kind == "string_type":
            remedy = "Put quotes around it." if not isinstance(value, (list, dict)) else ""
    else:
        message = (
            str(context["error"]) if "error" in context else detail["msg"][:1].lower() + detail["msg"][1:]
        )
        message = message.rstrip(".")
    return places.error(path, message, value=value, remedy=remedy)


def explain_all(
    error: ValidationError, places: Places, prefix: Path_, root: type[BaseModel], also: Iterable[str] = ()
) -> list[ExperimentError]:
    """All of them, in the order of the file: typos before what is missing because of them."""
    found = error.errors(include_url=False)
    found.sort(key=lambda each: each["type"] == "missing")
    return [explain(each, places, prefix, root, also) for each in found]


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def _is_branch(part: str) -> bool:
    """pydantic names the branch of a union in the location; the file has no such key."""
    return "[" in part or part in ("str", "int", "float", "bool", "list", "dict")


def _owner(location: Path_, root: type[BaseModel]) -> type[BaseModel] | None:
    """The class whose keys stand where the last part of `location` stands; None where keys are free."""
    owner: type[BaseModel] | None = root
    for part in location[:-1]:
        if owner is None or isinstance(part, int):
            continue
        fields = {info.alias or name: info for name, info in owner.model_fields.items()}
        owner = _model_in(fields[part].annotation) if part in fields else None
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model inside `list[X]`, `X | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _aliases(owner: type[BaseModel]) -> list[str]:
    names = [info.alias or name for name, info in owner.model_fields.items()]
    return [*names, "dataset", "matrix"] if owner is ExperimentSpec else names
