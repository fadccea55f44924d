"""Values as YAML, in the way in which a person would write them."""

from __future__ import annotations

import json
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.yaml_lines import parse_document

LINE_CHARS = 4096  # so that nothing is folded


def flow(value: Any, inside: bool) -> str:
    """On one line. JSON is YAML; texts go without quotes where they can. `inside`: of brackets."""
    if isinstance(value, dict):
        parts = (f"{scalar(str(key), True)}: {flow(each, True)}" for key, each in value.items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(each, True) for each in value) + "]"
    return scalar(value, inside)


def scalar(value: Any, inside: bool) -> str:
    """A single value: a text without quotes where it is read as that text."""
    if not isinstance(value, str):
        return json.dumps(value)
    if value and value == value.strip() and value.isprintable() and len(value) < LINE_CHARS:
        refused = ",[]{}" if inside else ""
        starts = "-?:,[]{}#&*!|>'\"%@`~=<"
        plain = value[0] not in starts and ": " not in value and " #" not in value and not value.endswith(":")
        if plain and not any(each in value for each in refused) and _reads_as_itself(value, inside):
            return value
    return quoted(value)


def quoted(value: str) -> str:
    """In double quotes."""
    return json.dumps(value, ensure_ascii=not value.replace("\n", "").isprintable())


def block(value: str, indent: int) -> str | None:
    """A literal block whose lines begin at that column; None where only quotes can hold the text."""
    lines = value.split("\n")
    body = value.rstrip("\n")
    strange = any(line != line.rstrip() or not line.isprintable() for line in lines)
    if strange or not body or body[0] in " \n" or len(value) - len(body) > 1:
        return None
    mark = "|-" if value == body else "|"
    shown = "\n".join(" " * indent + line if line else "" for line in body.split("\n"))
    return f"{mark}\n{shown}"


def _reads_as_itself(value: str, inside: bool) -> bool:
    try:
        return bool(parse_document(f"[{value}]" if inside else f"- {value}", "value").value == [value])
    except ExperimentError:
        return False
