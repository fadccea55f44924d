"""What providers' codes, words and statuses mean."""

from __future__ import annotations

import re
from collections.abc import Collection

from promptlab.basics.errors import CallErrorKind

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
FILTER_CODES = frozenset(
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


def classify(status: int, codes: Collection[str], message: str) -> CallErrorKind:
    """The kind: the body's code first (relays wear odd statuses), then its words, then the status."""
    for kind, known in _CODES.items():
        if not known.isdisjoint(codes):
            return kind
    if status < 500 and status not in (401, 402, 429):
        for kind, pattern in _MESSAGES:
            if pattern.search(message):
                return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return CallErrorKind.SERVER if status >= 500 or status < 300 else CallErrorKind.BAD_REQUEST
