"""What really happened when litellm raises: the provider's own answer, found below litellm's classes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import orjson

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.request import Model
from promptlab.models.transports.error_bodies import ErrorBody, ErrorReply, error_of, read_error
from promptlab.models.transports.faults import describe

_PREFIX = re.compile(r"^(litellm\.)?(\w+: )*(litellm\.)?(\w+Exception( \w+)? - )?")
_SUFFIX = re.compile(r"(\.? Handle with `litellm\.|Traceback \(most recent).*", re.DOTALL)


def error_behind(model: Model, error: Exception) -> ErrorReply | CallError:
    """What really happened: litellm's own classes and statuses mislead, the causes below them do not.

    A 401 comes as BadRequestError, no quota as RateLimitError, a cut-off body as status 500 or 422.
    """
    import httpx

    error = getattr(error, "original_exception", None) or error  # in a stream, litellm wraps once more
    causes = list(_causes(error))
    for cause in causes:
        said_inside = getattr(cause, "body", None)
        if isinstance(said_inside, dict) and not hasattr(cause, "status_code"):  # a stream's piece
            return ErrorReply(200, error_of(said_inside), {})
        if isinstance(cause, httpx.HTTPStatusError):  # the provider's own words
            answer = cause.response
            try:
                return ErrorReply(answer.status_code, read_error(answer.content), answer.headers)
            except httpx.StreamError:  # its body was not read
                break
    said = _without_prefix(str(getattr(error, "message", "") or error))
    if any(isinstance(cause, httpx.TimeoutException) for cause in causes):
        return CallError(CallErrorKind.TIMEOUT, describe(model, said))
    if any(isinstance(cause, httpx.TransportError) for cause in causes):
        return CallError(CallErrorKind.CONNECTION, describe(model, f"connection failed ({said})"))
    if (
        any(isinstance(cause, json.JSONDecodeError) for cause in causes)
        or "invalid response from LLM" in said
    ):
        return CallError(CallErrorKind.MALFORMED, describe(model, "the reply is no JSON"), status=200)
    status = getattr(error, "status_code", None)
    headers = getattr(error, "litellm_response_headers", None) or {}
    lower = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    return ErrorReply(status if isinstance(status, int) else 500, _quoted(said), lower)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, outermost first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _without_prefix(said: str) -> str:
    """Without the names of litellm's exceptions before the message, and its advice or stack trace behind."""
    return _SUFFIX.sub("", _PREFIX.sub("", said)).strip()


def _quoted(said: str) -> ErrorBody:
    """The provider's error, where litellm's message quotes it as JSON."""
    start, end = said.find("{"), said.rfind("}")
    try:
        return error_of(orjson.loads(said[start : end + 1])) if 0 <= start < end else ErrorBody(said)
    except orjson.JSONDecodeError:
        return ErrorBody(said)
