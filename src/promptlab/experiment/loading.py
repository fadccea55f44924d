"""From a file to a spec: shorthand unfolded, every mistake named with file, line, field, value and fix."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import did_you_mean
from promptlab.experiment.spec import NOT_BUILT_SOURCES, NOT_BUILT_YET, ExperimentSpec, VariantSpec
from promptlab.experiment.yaml_lines import Document, Path_, dotted, parse_document, read_document

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
VARIANT_KEYS = frozenset(VariantSpec.model_fields) - {"settings"}
_SECRET_KEYS = ("api_key", "apikey", "key", "token", "secret", "password", "authorization")


@dataclass(frozen=True)
class Loaded:
    """A spec and where it came from, so that later findings can still name their line."""

    spec: ExperimentSpec
    document: Document
    path: Path
    renamed: dict[Path_, Path_]

    @property
    def folder(self) -> Path:
        return self.path.parent

    def error(self, path: Path_, message: str, *, value: object = None, remedy: str = "") -> ExperimentError:
        """An error at that place of the file."""
        return _at(self.document, self.renamed, path, message, value=value, remedy=remedy)


def load_spec(path: Path) -> Loaded:
    """Reads an experiment file. ExperimentError for everything that is wrong with the file alone."""
    return _load(read_document(path, str(path)), path.resolve())


def load_text(text: str, path: Path) -> Loaded:
    """The same for a text that stands (or will stand) at `path`."""
    return _load(parse_document(text, str(path)), path.resolve())


def _load(document: Document, path: Path) -> Loaded:
    value = document.value
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"the single value {value!r}"
        raise ExperimentError(
            f"an experiment is a mapping of keys to values, but this file holds {kind}",
            file=document.file,
            line=1,
            remedy="Start with `name:`, `datasets:`, `task:`, `models:` and `variants:`.",
        )
    renamed: dict[Path_, Path_] = {}
    unfolded = _Unfolder(document, renamed).unfold(value)
    try:
        spec = ExperimentSpec.model_validate(unfolded)
    except ValidationError as error:
        raise _first_error(error, document, renamed) from None
    return Loaded(spec, document, path, renamed)


def unfold_scorer(loaded: Loaded, item: Any, path: Path_) -> Any:
    """A scorer's entry that stands outside of the file, in its long form; see `_Unfolder`."""
    return _Unfolder(loaded.document, loaded.renamed)._scorer(item, path)


class _Unfolder:
    """Short forms to long ones; what only looks like an experiment is refused here."""

    def __init__(self, document: Document, renamed: dict[Path_, Path_]) -> None:
        self._document = document
        self._renamed = renamed

    def unfold(self, value: dict[str, Any]) -> dict[str, Any]:
        result = dict(value)
        for key in result:
            if key in NOT_BUILT_YET:
                raise self._wrong(
                    (key,), "this key is planned but not built yet", remedy="Remove it for now."
                )
        if "dataset" in result:
            if "datasets" in result:
                raise self._wrong(
                    ("dataset",), "`dataset` and `datasets` both stand here", remedy="Keep one."
                )
            result["datasets"] = [result.pop("dataset")]
            self._renamed[("datasets", 0)] = ("dataset",)
            self._renamed[("datasets",)] = ("dataset",)
        self._each(result, "datasets", self._dataset)
        self._each(result, "models", self._model)
        self._each(result, "variants", self._variant)
        self._each(result, "scorers", self._scorer)
        if isinstance(result.get("task"), str):
            result["task"] = {"prompt": result["task"]}
        return result

    def _each(self, result: dict[str, Any], key: str, unfold: Any) -> None:
        items = result.get(key)
        if isinstance(items, list):
            result[key] = [unfold(item, (key, index)) for index, item in enumerate(items)]
        elif items is not None and key in result:
            if not isinstance(items, (str, dict)):
                return  # the type error names it better
            raise self._wrong(
                (key,), "this must be a list", value=items, remedy="Put `- ` before each entry."
            )

    def _dataset(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            raise self._wrong(
                path, "presets are not built yet", value=item, remedy="Write `path: FILE` (jsonl, csv, ...)."
            )
        if isinstance(item, dict):
            for key in item:
                if key in NOT_BUILT_SOURCES:
                    raise self._wrong(
                        (*path, key), "this source is not built yet", remedy="Use `path: FILE`."
                    )
        return item

    def _model(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"id": item}
        if not isinstance(item, dict):
            return item
        for key in item:
            if key.lower() in _SECRET_KEYS:
                raise self._wrong(
                    (*path, key),
                    "a key never stands in the file",
                    remedy="Put it into an environment variable or .env and name it: `api_key_env: MY_KEY`.",
                )
        for name, text in (
            (item.get("headers") or {}).items() if isinstance(item.get("headers"), dict) else ()
        ):
            if name.lower() in ("authorization", "x-api-key", "api-key") and "${" not in str(text):
                raise self._wrong(
                    (*path, "headers", name),
                    "a key never stands in the file",
                    remedy="Write `${MY_KEY}` and set that variable, or use `api_key_env`.",
                )
        return item

    def _variant(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"technique": item}
        if not isinstance(item, dict):
            return item
        known = {key: item[key] for key in item if key in VARIANT_KEYS}
        rest = {key: item[key] for key in item if key not in VARIANT_KEYS}
        for key in rest:
            self._renamed[(*path, "settings", key)] = (*path, key)
        return {**known, "settings": rest}

    def _scorer(self, item: Any, path: Path_) -> Any:
        if isinstance(item, str):
            return {"scorer": item}
        if not isinstance(item, dict):
            return item
        known = {key: item[key] for key in item if key in ("scorer", "as")}
        rest = {key: item[key] for key in item if key not in known}
        if isinstance(rest.get("model"), dict):  # a judge's
            rest["model"] = self._model(rest["model"], (*path, "model"))
        for key in rest:
            self._renamed[(*path, "settings", key)] = (*path, key)
        return {**known, "settings": rest}

    def _wrong(self, path: Path_, message: str, *, value: object = None, remedy: str = "") -> ExperimentError:
        return _at(self._document, self._renamed, path, message, value=value, remedy=remedy)


def _at(
    document: Document,
    renamed: dict[Path_, Path_],
    path: Path_,
    message: str,
    *,
    value: object = None,
    remedy: str = "",
) -> ExperimentError:
    for length in range(len(path), 0, -1):
        if path[:length] in renamed:
            path = (*renamed[path[:length]], *path[length:])
            break
    return ExperimentError(
        message, file=document.file, line=document.line(path), field=dotted(path), value=value, remedy=remedy
    )


def _first_error(error: ValidationError, document: Document, renamed: dict[Path_, Path_]) -> ExperimentError:
    """The first mistake in the order of the file: typos before what is missing because of them."""
    found = error.errors(include_url=False)
    found.sort(key=lambda each: each["type"] == "missing")
    return explain(found[0], document, renamed, (), ExperimentSpec)


def explain(
    detail: ErrorDetails,
    document: Document,
    renamed: dict[Path_, Path_],
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
    return _at(document, renamed, path, message, value=value, remedy=remedy)


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
    return [*names, "dataset"] if owner is ExperimentSpec else names


def expand_variables(text: str, env: dict[str, str] | None = None) -> str:
    """`${NAME}` from the environment. KeyError names what is not set."""
    values = os.environ if env is None else env

    def value(match: re.Match[str]) -> str:
        return values[match.group(1)]

    return _VARIABLE.sub(value, text)
