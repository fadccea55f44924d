"""JSON as data files hold it: exact integers, no NUL, and mistakes in a sentence."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_FIRST_INEXACT_FLOAT = 2.0**53


def parse_document(text: str) -> Any:
    """A JSON value, with integers of any size kept exactly. ValueError says what is wrong."""
    try:
        value = orjson.loads(text)
        # orjson turns integers beyond 64 bit into floats: read what may be one again, exactly.
        return json.loads(text) if _holds_large_float(value) else value
    except orjson.JSONDecodeError as error:
        raise ValueError(_json_problem(text, error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object. ValueError where it is something else, or holds a NUL character."""
    value = parse_document(text)
    if not isinstance(value, dict):
        raise ValueError(f"a row is {_json_type(value)}, not an object")
    if "\\u0000" in text and _holds_nul(value):
        raise ValueError("there is a NUL character (\\u0000)")
    return value


def _json_problem(text: str, error: orjson.JSONDecodeError) -> str:
    for name in ("NaN", "Infinity"):
        if re.search(rf"[:\[,]\s*-?{name}\b", text):
            return f"it is not valid JSON: {name} is no JSON value, write null"
    return f"it is not valid JSON: {error.msg} (character {error.pos + 1})"


def _holds_large_float(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return any(_holds_large_float(each) for each in value.values() if type(each) is not str)
    if kind is list:
        return any(_holds_large_float(each) for each in value if type(each) is not str)
    return kind is float and abs(value) >= _FIRST_INEXACT_FLOAT


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(each) for pair in value.items() for each in pair)
    return isinstance(value, list) and any(_holds_nul(each) for each in value)


def _json_type(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
