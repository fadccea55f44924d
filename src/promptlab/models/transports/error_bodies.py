"""What a provider's error answer says, in whatever shape it comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.models.transports.error_kinds import FILTER_CODES


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error answer says, whatever shape the provider gives it."""

    message: str
    codes: tuple[str, ...] = ()  # code, type and status word, lower case, the code first
    param: str = ""
    retry_delay: str = ""

    @property
    def filtered(self) -> bool:
        """Whether the provider declined to answer this content: a reply without text, not a fault."""
        return not FILTER_CODES.isdisjoint(self.codes)


class ErrorReply(Exception):
    """An error answer as it came, before it is known whether the request can be asked in another way.

    `headers` finds names in lower case.
    """

    def __init__(self, status: int, error: ErrorBody, headers: Mapping[str, str]) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = headers


def read_error(data: bytes | str) -> ErrorBody:
    """The error in a body: in the shape of OpenAI, Anthropic or Gemini, bare, a web page, or plain text."""
    try:
        parsed: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        return ErrorBody("a web page instead of JSON" if looks_like_html(text) else text.strip())
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    return error_of(parsed)


def error_of(parsed: Any) -> ErrorBody:
    """`read_error` for a body that is parsed already."""
    if not isinstance(parsed, dict):
        return ErrorBody(str(parsed))
    inner = parsed.get("error", parsed)
    if not isinstance(inner, dict):
        inner = {**parsed, "message": inner}
    message = inner.get("message") or inner.get("msg") or inner.get("detail") or parsed.get("message") or ""
    if not isinstance(message, str):
        message = orjson.dumps(message).decode()
    nested = inner.get("innererror")
    codes = [inner.get(name) for name in ("code", "type", "status")]
    codes.append(nested.get("code") if isinstance(nested, dict) else None)
    details = inner.get("details")
    delay = ""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            codes.append(detail.get("reason"))
            delay = delay or str(detail.get("retryDelay", ""))
    metadata = inner.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):  # what stood behind OpenRouter
        message = f"{message}: {metadata['raw']}"
    return ErrorBody(
        message=message.strip() or orjson.dumps(parsed).decode(),
        codes=tuple(str(code).lower() for code in codes if code not in (None, "")),
        param=str(inner.get("param") or ""),
        retry_delay=delay,
    )


def looks_like_html(text: str) -> bool:
    return text.lstrip()[:15].lower().startswith(("<!doctype html", "<html", "<head", "<body"))
