"""A request as the OpenAI protocol spells it, and what each model was found to spell otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from promptlab.models.request import Message, Model, Request
from promptlab.models.transports.error_bodies import ErrorBody

_UNSUPPORTED = re.compile(
    r"unsupported|not supported|n[o']t support|unrecognized|unknown|unexpected|not permitted|not allowed"
    r"|only the default|deprecated|extra inputs|不支持",
    re.IGNORECASE,
)
# Parameters that go by another name at one provider.
_SPELLINGS: dict[str, dict[str, str]] = {"mistral": {"seed": "random_seed"}}


@dataclass(slots=True)
class Dialect:
    """What is known of one model: parameters it refuses, parameters it wants under another name."""

    refused: set[str] = field(default_factory=set)
    spelled: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model) -> Dialect:
        """What is known before the first request."""
        return cls(spelled=dict(_SPELLINGS.get(model.id.partition("/")[0], {})))

    def learn(self, error: ErrorBody, body: Mapping[str, Any], request: Request) -> bool:
        """Takes what to do otherwise from a refusal of `body`; False where it says nothing of the kind.

        Only technique defaults and `stream_options` are ever left out. What a request of the same moment
        has taught already counts: this one is to be built anew too.
        """
        sent = "max_tokens" in request.sampling and "max_tokens" in body
        if sent and "max_completion_tokens" in error.message:
            self.spelled["max_tokens"] = "max_completion_tokens"
            return True
        if not _UNSUPPORTED.search(f"{' '.join(error.codes)} {error.message}"):
            return False
        for name in (*sorted(request.defaults), "stream_options"):
            spelled = self.spelled.get(name, name)
            if spelled in body and _mentions(error, spelled):
                self.refused.add(name)
                return True
        return False


def refused_parameter(error: ErrorBody, names: Iterable[str]) -> str:
    """Which of the parameters an error is about; "" where it is about none."""
    if not error.param and not _UNSUPPORTED.search(error.message):
        return ""
    return next((name for name in names if _mentions(error, name)), "")


def _mentions(error: ErrorBody, parameter: str) -> bool:
    if error.param:
        return error.param == parameter
    return re.search(rf"\b{re.escape(parameter)}\b", error.message) is not None


def request_body(
    request: Request, dialect: Dialect, *, streamed: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The request in the protocol's form, and the names of the defaults that were left out of it."""
    model = request.model
    body: dict[str, Any] = {
        "model": model.wire_name,
        "messages": [message_body(message) for message in request.messages],
    }
    left_out: list[str] = []
    for name, value in request.sampling.items():
        if name in dialect.refused and name in request.defaults:
            left_out.append(name)
        else:
            body[dialect.spelled.get(name, name)] = value
    if request.tools:
        body["tools"] = list(request.tools)
    if request.response_format is not None:
        body["response_format"] = request.response_format
    if streamed:
        body["stream"] = True
        if "stream_options" not in dialect.refused:
            body["stream_options"] = {"include_usage": True}
    body.update(model.extra_body)
    return body, tuple(left_out)


def message_body(message: Message) -> dict[str, Any]:
    """A message in the protocol's form."""
    body: dict[str, Any] = {"role": message.role}
    if isinstance(message.content, str):
        body["content"] = message.content
    else:
        body["content"] = [
            {"type": "text", "text": part}
            if isinstance(part, str)
            else {"type": "image_url", "image_url": {"url": part.url}}
            for part in message.content
        ]
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
        body["content"] = body["content"] or None
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def dumps(body: Mapping[str, Any]) -> bytes:
    """The body's JSON, names in their order: models fill a schema in the order it is written."""
    try:
        return orjson.dumps(body, default=_plain)
    except orjson.JSONEncodeError:
        # Lone surrogates and integers beyond 64 bit are legal in data files but not in orjson.
        return json.dumps(body, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Read-only mappings, as settings come."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
