"""Error bodies as providers really write them, and the kind each one is."""

from __future__ import annotations

import orjson
import pytest

from promptlab.basics.errors import CallErrorKind
from promptlab.models.catalog import resolve
from promptlab.models.transports.error_bodies import ErrorReply, read_error
from promptlab.models.transports.error_kinds import classify
from promptlab.models.transports.faults import fault
from promptlab.models.transports.retry_after import retry_after_s


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # DeepSeek, Moonshot, Zhipu, DashScope, SiliconFlow, relays, Anthropic, Gemini, vLLM, Ollama, FastAPI
        (400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}, "no_model"),
        (402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}, "no_quota"),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "suspended"}}, "no_quota"),
        (429, {"error": {"code": "1113", "message": "您的账户已欠费"}}, "no_quota"),
        (400, {"error": {"code": "1211", "message": "模型不存在，请检查模型代码。"}}, "no_model"),
        (400, {"code": "Arrearage", "message": "Access denied."}, "no_quota"),
        (401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key"}}, "auth"),
        (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, "no_quota"),
        (503, {"error": {"code": "model_not_found", "message": "无可用渠道"}}, "no_model"),
        (403, {"error": {"code": "insufficient_user_quota", "message": "用户额度不足"}}, "no_quota"),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "Your credit balance is too low to access the API."}}, "no_quota"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server"),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "prompt is too long: 210000 tokens > 200000 maximum"}}, "context_overflow"),
        (400, [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid.",
                "details": [{"reason": "API_KEY_INVALID"}]}}], "auth"),
        (429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded"}},
         "rate_limited"),
        (400, {"object": "error", "type": "BadRequestError", "code": 400,
               "message": "This model's maximum context length is 2048 tokens."}, "context_overflow"),
        (404, {"error": "model 'nope' not found, try pulling it first"}, "no_model"),
        (422, {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}, "bad_request"),
        (500, {"error": {"message": "context length mentioned, but the server failed"}}, "server"),
    ],
)  # fmt: skip
def test_bodies_are_understood(status: int, body: object, kind: str) -> None:
    error = read_error(orjson.dumps(body))
    assert classify(status, error.codes, error.message) == CallErrorKind(kind)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e12"}, 604_800.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        (
            {"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"},
            30.0,
        ),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
    ],
)
def test_waiting_times_are_seconds_or_nothing(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(headers) == expected


def test_geminis_delay_stands_in_the_body() -> None:
    body = {"error": {"code": 429, "message": "slow down", "details": [{"retryDelay": "31s"}]}}
    error = fault(resolve("gemini/x"), ErrorReply(429, read_error(orjson.dumps(body)), {}))
    assert error.retry_after_s == 31.0


def test_every_spelling_of_a_secret_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a/b+c=d")
    model = resolve("openai/x", headers={"Authorization-2": "Bearer other-secret"})
    echoed = "sk-a/b+c=d sk-a%2Fb%2Bc%3Dd c2stYS9iK2M9ZA== other-secret"
    error = fault(model, ErrorReply(400, read_error(echoed), {}))
    for secret in echoed.split():
        assert secret not in str(error)


def test_messages_are_one_short_line() -> None:
    error = fault(resolve("openai/x"), ErrorReply(500, read_error("word\n" * 10_000), {}))
    assert "\n" not in str(error)
    assert len(str(error)) < 500
