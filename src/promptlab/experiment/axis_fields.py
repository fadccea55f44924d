"""What may vary in a matrix, and what each of its values may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from promptlab.datasets import DatasetSpec
from promptlab.experiment.form import FormField, fields_of, names_of, settings_of
from promptlab.experiment.spec import ModelSpec, ScorerSpec, VariantSpec

_TASK_KEYS = ("prompt", "system", "answer_instruction")
_NEVER = frozenset({"name", "as", "matrix", "settings", "headers", "extra_body"})
_SCALARS = frozenset({"text", "integer", "number", "boolean", "choice"})


def axis_field(key: str, value: Mapping[str, Any], own: str = "") -> FormField:
    """The field over which an axis of that name goes; `any` where nobody knows it.

    `value` is the file's, `own` the list in whose entry the matrix stands (`variants`), empty for the file's.
    """
    head, *rest = key.split(".")
    if own:
        of, parts = own, [head, *rest]
    elif head in ("models", "datasets", "dataset", "variants", "scorers", "task"):
        of, parts = head.removesuffix("s") + "s", [each for each in rest if not each.isdecimal()]
    else:
        of, parts = "variants", [head, *rest]
    known = _fields(of, value)
    found = FormField(key, "any")
    for part in parts:
        found = known.get(part, FormField(part, "any"))
        known = {each.key: each for each in found.fields}
    return replace(found, required=True, default=None)


def axis_names(value: Mapping[str, Any], own: str = "") -> list[str]:
    """What can vary: of one entry of `own`, or of the whole experiment, its variants first."""
    if own:
        return _keys(own, value)
    found = [f"task.{key}" for key in _TASK_KEYS] + _keys("variants", value)
    for of in ("models", "datasets", "scorers"):
        if of in value or of == "datasets":
            found += [f"{of}.{key}" for key in _keys(of, value)]
    return found


def plain_values(field: FormField) -> bool:
    """Whether an axis over the field is best a list of values, which then give the names."""
    return field.kind in _SCALARS or bool(field.short)


def _keys(of: str, value: Mapping[str, Any]) -> list[str]:
    return [key for key in _fields(of, value) if key not in _NEVER]


def _fields(of: str, value: Mapping[str, Any]) -> dict[str, FormField]:
    """The fields of an entry of that list; of the techniques and scorers in use before all others."""
    if of == "models":
        return {each.key: each for each in fields_of(ModelSpec)}
    if of == "datasets":
        return {each.key: each for each in fields_of(DatasetSpec)}
    found: dict[str, FormField] = {}
    if of == "scorers":
        for name in _used(value, "scorers", "scorer"):
            found |= {each.key: each for each in settings_of("scorer", name)}
        return {**found, **{each.key: each for each in fields_of(ScorerSpec)}}
    for name in _used(value, "variants", "technique"):
        found |= {each.key: each for each in settings_of("technique", name)}
    found |= {each.key: each for each in fields_of(VariantSpec)}
    found["technique"] = FormField("technique", "choice", choices=names_of("technique"))
    return found


def _used(value: Mapping[str, Any], key: str, main: str) -> Iterator[str]:
    entries = value.get(key)
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get(main) if isinstance(entry, dict) else entry
        if isinstance(name, str):
            yield name
