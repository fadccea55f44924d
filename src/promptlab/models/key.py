"""The canonical form of a request and its hash: two requests have one key when they mean the same."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import canonical
from promptlab.models.request import Message, Request

# Raise it whenever the canonical form changes: old answers are then no longer found.
KEY_VERSION = 1

# Floats beyond this have no exact whole-number spelling worth sharing.
_WHOLE_LIMIT = 2.0**53

# Headers that say who calls or how it is carried, never what is answered.
_SILENT_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "http-referer",
        "openai-organization",
        "openai-project",
        "referer",
        "user-agent",
        "x-request-id",
        "x-title",
    }
)
_SECRET_HEADER_WORDS = ("auth", "cookie", "key", "secret", "token")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`text` is 64 hex characters: the SHA-256 of `canonical`, the request as JSON without secrets."""

    text: str
    canonical: bytes


def request_key(request: Request) -> RequestKey:
    """The key of a request.

    In it: model id, endpoint, messages, sampling as given (absent is not zero), tools, response format,
    extra body, headers that can change an answer, and the draw. Not in it: keys, timeouts, names, the
    address a local server happens to have. The sample counts unless temperature is explicitly 0.

    Numbers that are equal are one (0 and 0.0, 1 and 1.0), and the order of names does not count; but
    the order of a schema's `properties` does, since models write fields in that order.
    """
    model, draw = request.model, request.draw
    form: dict[str, Any] = {
        "v": KEY_VERSION,
        "model": model.id,
        "endpoint": model.endpoint,
        "messages": [_message(each) for each in request.messages],
        "sampling": _plain(request.sampling),
        "draw": {"repeat": draw.repeat, "ordinal": draw.ordinal},
    }
    if draw.scope:
        form["draw"]["scope"] = draw.scope
    if not _is_greedy(request):
        form["draw"]["sample"] = draw.sample
    if request.tools:
        form["tools"] = _schema(request.tools)
    if request.response_format is not None:
        form["response_format"] = _schema(request.response_format)
    if model.extra_body:
        form["extra_body"] = _plain(model.extra_body)
    if model.headers:
        spoken = {
            name.lower(): value for name, value in model.headers.items() if _changes_answers(name.lower())
        }
        if spoken:
            form["headers"] = spoken
    text = canonical(form)
    return RequestKey(hashlib.sha256(text).hexdigest(), text)


def _is_greedy(request: Request) -> bool:
    """Whether every temperature that is sent is 0, and one is."""
    given = [
        part["temperature"] for part in (request.sampling, request.model.extra_body) if "temperature" in part
    ]
    return bool(given) and all(not isinstance(each, bool) and each == 0 for each in given)


def _changes_answers(header: str) -> bool:
    return header not in _SILENT_HEADERS and not any(word in header for word in _SECRET_HEADER_WORDS)


def _message(message: Message) -> dict[str, Any]:
    content = message.content
    form: dict[str, Any] = {
        "role": message.role,
        "content": content
        if isinstance(content, str)
        else [part if isinstance(part, str) else {"image": part.url} for part in content],
    }
    if message.tool_calls:
        form["tool_calls"] = [
            {"id": each.id, "name": each.name, "arguments": each.arguments} for each in message.tool_calls
        ]
    if message.tool_call_id is not None:
        form["tool_call_id"] = message.tool_call_id
    return form


def _plain(value: Any) -> Any:
    """Plain JSON in which equal numbers are spelt alike."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"a sampling parameter is {value}.", remedy="Give a finite number.")
        return int(value) if value.is_integer() and abs(value) < _WHOLE_LIMIT else value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _schema(value: Any) -> Any:
    """Plain JSON in which `properties` keep their order, as a list of pairs."""
    if isinstance(value, Mapping):
        return {
            str(name): [[str(inner), _schema(part)] for inner, part in each.items()]
            if name == "properties" and isinstance(each, Mapping)
            else _schema(each)
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_schema(each) for each in value]
    return value
