"""What a provider's error answer means: the typed CallError from status and body, for all transports."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.catalog import missing_key_remedy
from promptlab.models.keys import Secret, find_key, mask
from promptlab.models.request import Model

_SHOWN_CHARS = 300
_MAX_RETRY_AFTER_S = 7 * 86_400.0

# Codes and types as providers write them, lower case. Numbers are those of Zhipu (1xxx) and SiliconFlow.
_CODES: dict[CallErrorKind, frozenset[str]] = {
    kind: frozenset(codes)
    for kind, codes in (
        (
            CallErrorKind.NO_QUOTA,
            (
                "1113",
                "30001",
                "accountoverdueerror",
                "allocationquota.freetieronly",
                "arrearage",
                "billing_error",
                "billing_hard_limit_reached",
                "billing_not_active",
                "budget_exceeded",
                "exceeded_current_quota_error",
                "insufficient_balance",
                "insufficient_quota",
                "insufficient_user_quota",
                "pre_consume_token_quota_failed",
            ),
        ),
        (
            CallErrorKind.CONTEXT_OVERFLOW,
            (
                "1261",
                "context_length_exceeded",
                "exceed_context_size_error",
                "request_too_large",
                "string_above_max_length",
            ),
        ),
        (
            CallErrorKind.AUTH,
            (
                "account_deactivated",
                "api_key_invalid",
                "authentication_error",
                "invalid_api_key",
                "invalid_authentication_error",
                "invalidapikey",
                "permission_denied",
                "permission_error",
                "unauthenticated",
                "unauthorized",
            ),
        ),
        (
            CallErrorKind.NO_MODEL,
            (
                "1211",
                "20012",
                "model_not_exist",
                "model_not_found",
                "modelnotfound",
                "not_found",
                "not_found_error",
                "notfounderror",
            ),
        ),
        (
            CallErrorKind.RATE_LIMITED,
            (
                "rate_limit_error",
                "rate_limit_exceeded",
                "rate_limit_reached_error",
                "requests",
                "resource_exhausted",
                "throttling",
                "throttling.allocationquota",
                "throttling.ratequota",
                "tokens",
                "too_many_requests",
            ),
        ),
        (
            CallErrorKind.SERVER,
            ("api_error", "internal_server_error", "overloaded_error", "server_error"),
        ),
    )
}
# Where the code says nothing, the message does. Only with a status that says that the request is at fault.
_MESSAGES: tuple[tuple[CallErrorKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (CallErrorKind.NO_QUOTA, r"insufficient (account )?balance|credit balance is too low|余额不足|欠费"),
        (
            CallErrorKind.CONTEXT_OVERFLOW,
            r"maximum context length|context (length|window|size)|(prompt|input|request) is too long"
            r"|input token count|range of input length|reduce the length of|too many (input )?tokens"
            r"|超长|上下文长度",
        ),
        (CallErrorKind.AUTH, r"api[ _]key not valid|(invalid|incorrect|missing) api[ _-]?key"),
        (
            CallErrorKind.NO_MODEL,
            r"model\b.{0,100}?\b(does not exist|not exist|not found|is not supported)|模型不存在",
        ),
    )
)
_FILTER_CODES = frozenset(
    {
        "1301",
        "content_filter",
        "content_policy_violation",
        "data_inspection_failed",
        "datainspectionfailed",
        "moderation_blocked",
        "responsibleaipolicyviolation",
        "sensitive_words_detected",
    }
)
_BY_STATUS = {
    401: CallErrorKind.AUTH,
    402: CallErrorKind.NO_QUOTA,
    403: CallErrorKind.AUTH,
    404: CallErrorKind.NO_MODEL,
    408: CallErrorKind.TIMEOUT,
    409: CallErrorKind.SERVER,
    413: CallErrorKind.CONTEXT_OVERFLOW,
    425: CallErrorKind.SERVER,
    429: CallErrorKind.RATE_LIMITED,
    501: CallErrorKind.BAD_REQUEST,
    504: CallErrorKind.TIMEOUT,
    524: CallErrorKind.TIMEOUT,
}
_REMEDIES = {
    CallErrorKind.NO_QUOTA: "Add credit to the account, or use another key.",
    CallErrorKind.CONTEXT_OVERFLOW: "Shorten the prompt, use fewer demos, or a model with a longer context.",
    CallErrorKind.NO_MODEL: "Check the model's id and api_base.",
}


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
        return not _FILTER_CODES.isdisjoint(self.codes)


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


def classify(status: int, error: ErrorBody) -> CallErrorKind:
    """The kind: the body's code first (relays wear odd statuses), then its words, then the status."""
    for kind, codes in _CODES.items():
        if not codes.isdisjoint(error.codes):
            return kind
    if status < 500 and status not in (401, 402, 429):
        for kind, pattern in _MESSAGES:
            if pattern.search(error.message):
                return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return CallErrorKind.SERVER if status >= 500 or status < 300 else CallErrorKind.BAD_REQUEST


def fault(model: Model, reply: ErrorReply, *, remedy: str = "") -> CallError:
    """The CallError for an error answer. No secret stands in it, even where the provider repeats it."""
    status, error = reply.status, reply.error
    if status == 200:
        # An error in a 200 says its real status inside, if at all.
        status = next((int(code) for code in error.codes if re.fullmatch(r"[45]\d\d", code)), status)
    kind = classify(status, error)
    # Gemini repeats the status as its code; the word beside it says more.
    said_codes = [each for each in error.codes if each != str(status)]
    code = mask(said_codes[0], secrets_of(model)) if said_codes else None
    if kind is CallErrorKind.AUTH:
        remedy = remedy or key_remedy(model)
    elif 300 <= status < 400:
        remedy = "The address redirects: set api_base to where it leads."
    elif kind is CallErrorKind.NO_MODEL and not error.codes:
        remedy = remedy or "Check api_base: it usually ends in /v1."
    said = f" ({code})" if code else ""
    return CallError(
        kind,
        describe(model, f"HTTP {status}{said}: {error.message}"),
        remedy=remedy or _REMEDIES.get(kind, ""),
        status=status,
        code=code,
        retry_after_s=retry_after_s(reply.headers, error.retry_delay),
    )


def key_remedy(model: Model) -> str:
    """What to do about a refused key: which variable, and where the refused one came from."""
    key = find_key(model)
    found = f" The one used came from {key.source}." if key else ""
    return missing_key_remedy(model) + found


def describe(model: Model, text: str) -> str:
    """One masked line that begins with the model and where it was asked."""
    # Masked before it is cut, or a cut-off key would slip through.
    shown = _one_line(mask(text, secrets_of(model)))
    at = f" at {model.endpoint}" if "://" in model.endpoint else ""
    return f"{model.name}{at}: {shown if shown.endswith(('.', '…')) else f'{shown}.'}"


def secrets_of(model: Model) -> Iterable[Secret | str]:
    """Everything of a model that must not be shown: its key, its headers' values, its address's user info."""
    key = find_key(model)
    if key is not None:
        yield key
    for value in model.headers.values():
        yield value
        yield value.rpartition(" ")[2]
    info, at, _ = model.api_base.partition("://")[2].partition("/")[0].rpartition("@")
    if at:
        yield info
        yield info.partition(":")[2]


def retry_after_s(headers: Mapping[str, str], delay: str = "") -> float | None:
    """The provider's waiting time: `retry-after-ms`, Retry-After in seconds or as a date, Gemini's delay.

    Nonsense is None.
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and (value := _seconds(milliseconds, 1e-3)) is not None:
        return value
    text = headers.get("retry-after") or delay.removesuffix("s")
    if not text:
        return None
    if (value := _seconds(text)) is not None:
        return value
    when = _moment(text)
    if when is None:
        return None
    # By the provider's own clock, where it says what time it is: ours may be off.
    now = _moment(headers.get("date") or "") or time.time()
    return min(max(0.0, when - now), _MAX_RETRY_AFTER_S)


def _moment(date: str) -> float | None:
    """Unix time of an HTTP date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _seconds(text: str, unit_s: float = 1.0) -> float | None:
    try:
        value = float(text) * unit_s
    except ValueError:
        return None
    return min(value, _MAX_RETRY_AFTER_S) if math.isfinite(value) and value >= 0 else None


def looks_like_html(text: str) -> bool:
    return text.lstrip()[:15].lower().startswith(("<!doctype html", "<html", "<head", "<body"))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else line[: _SHOWN_CHARS - 1] + "…"
