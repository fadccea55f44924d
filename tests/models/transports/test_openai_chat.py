"""What only the OpenAI protocol has: streams, negotiation, odd bodies, one pool of connections."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.models.catalog import resolve
from promptlab.models.request import Completion, Message, Model, Request, ToolCall, Usage
from promptlab.models.transports import make_transport
from promptlab.models.transports.openai_chat import OpenAIChat

TOOL = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    return "sk-secret-0123456789"


@pytest.fixture
def model(fake_provider: Any) -> Model:
    return resolve("openai/fake-1", api_base=fake_provider.openai)


def during(work: Callable[[OpenAIChat], Awaitable[Any]]) -> Any:
    """Runs `work` with a transport of its own, which is closed afterwards."""

    async def run() -> Any:
        transport = make_transport("openai_chat")
        assert isinstance(transport, OpenAIChat)
        try:
            return await work(transport)
        finally:
            await transport.close()

    return asyncio.run(run())


def ask(model: Model, text: str, **fields: Any) -> Completion:
    completion = during(lambda chat: chat.send(Request(model, (Message("user", text),), **fields)))
    assert isinstance(completion, Completion)
    return completion


def failure(model: Model, text: str, **fields: Any) -> CallError:
    with pytest.raises(CallError) as failed:
        ask(model, text, **fields)
    return failed.value


def test_the_body_holds_what_was_given_and_nothing_else(model: Model, fake_provider: Any) -> None:
    sampling = {"temperature": 0, "seed": 7, "stop": ("x", "y"), "top_k": 5}
    ask(model, "hi", sampling=sampling)
    entry = fake_provider.log[0]
    assert entry["body"] == {
        "model": "fake-1",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0,
        "seed": 7,
        "stop": ["x", "y"],
        "top_k": 5,
    }
    assert entry["headers"]["authorization"] == "Bearer sk-secret-0123456789"


def test_headers_and_extra_body_of_the_model_are_sent(fake_provider: Any) -> None:
    model = resolve(
        "openai/fake-1",
        api_base=fake_provider.openai,
        headers={"X-Team": "a"},
        extra_body={"enable_thinking": False},
    )
    ask(model, "hi")
    entry = fake_provider.log[0]
    assert entry["headers"]["x-team"] == "a"
    assert entry["body"]["enable_thinking"] is False


def test_tool_results_and_lone_surrogates_can_be_sent(model: Model, fake_provider: Any) -> None:
    call = ToolCall(id="c1", name="look_up", arguments="{}")
    messages = (
        Message("user", "half a smile \ud83d"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "oxen", tool_call_id="c1"),
    )
    during(lambda chat: chat.send(Request(model, messages, tools=[TOOL])))
    sent = fake_provider._provider.log[0]["body"]
    assert b"\\ud83d" in sent
    assert b'"tool_call_id": "c1"' in sent


def test_a_hundred_requests_share_a_few_connections(model: Model, fake_provider: Any) -> None:
    async def work(chat: OpenAIChat) -> None:
        for batch in range(10):
            asks = (chat.send(Request(model, (Message("user", f"{batch} {each}"),))) for each in range(10))
            await asyncio.gather(*asks)

    during(work)
    assert fake_provider.count()["connections"] <= 10


def test_log_probabilities_come_as_they_are(model: Model) -> None:
    found = ask(model, "[[say:one two]]", sampling={"logprobs": True}).logprobs
    assert [each["token"] for each in found["content"]] == ["one ", "two"]


def test_a_reasoning_model_gets_its_own_spelling_and_its_reasoning_is_kept(fake_provider: Any) -> None:
    model = resolve("openai/fake-reasoner", api_base=fake_provider.openai)

    async def work(chat: OpenAIChat) -> list[Completion]:
        request = Request(
            model,
            (Message("user", "hi"),),
            sampling={"temperature": 0.7, "top_p": 0.9, "max_tokens": 50},
            defaults=frozenset({"temperature", "top_p"}),
        )
        return [await chat.send(request) for _ in range(2)]

    first, second = during(work)
    assert first == second
    assert first.left_out == ("temperature", "top_p")
    assert first.reasoning == "Let me think about it."
    assert first.usage.reasoning_tokens == 5
    assert fake_provider.log[-1]["body"]["max_completion_tokens"] == 50
    # Three refusals taught it once; the second request knew.
    assert fake_provider.requests == 5


def test_a_parameter_the_user_set_is_never_dropped(fake_provider: Any) -> None:
    model = resolve("openai/fake-reasoner", api_base=fake_provider.openai)
    error = failure(model, "hi", sampling={"temperature": 0.7})
    assert error.kind is CallErrorKind.BAD_REQUEST
    assert "Remove or change temperature (0.7)" in error.remedy
    assert fake_provider.requests == 1


def test_mistral_gets_its_seed_under_its_own_name(fake_provider: Any) -> None:
    ask(resolve("mistral/fake-1", api_base=fake_provider.openai), "hi", sampling={"seed": 3})
    assert fake_provider.log[0]["body"]["random_seed"] == 3


@pytest.mark.parametrize("odd", ["missing", "negative", "text", "huge"])
def test_absurd_usage_is_unknown_and_never_a_guess(model: Model, odd: str) -> None:
    completion = ask(model, f"[[usage:{odd}]]")
    assert completion.usage == Usage(None, None, 0, 0)
    assert completion.text


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("quota", CallErrorKind.NO_QUOTA),
        ("nochoices", CallErrorKind.MALFORMED),
        ("error200:429", CallErrorKind.RATE_LIMITED),
        ("error200:502", CallErrorKind.SERVER),
        ("html:403", CallErrorKind.AUTH),
        ("302", CallErrorKind.BAD_REQUEST),
        ("408", CallErrorKind.TIMEOUT),
        ("409", CallErrorKind.SERVER),
        ("425", CallErrorKind.SERVER),
        ("422", CallErrorKind.BAD_REQUEST),
        ("529", CallErrorKind.SERVER),
    ],
)
def test_faults_are_told_apart_by_status_and_code(model: Model, mark: str, kind: CallErrorKind) -> None:
    assert failure(model, f"[[{mark}]]").kind is kind


def test_a_filtered_prompt_is_a_completion_and_ends_no_cell(model: Model) -> None:
    completion = ask(model, "[[filter400]]")
    assert (completion.text, completion.finish_reason) == ("", "content_filter")


def test_json_is_read_under_a_wrong_content_type(model: Model) -> None:
    assert ask(model, "[[text]]").text.startswith("This is reply")


def test_ten_megabytes_arrive_and_a_bound_is_kept(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ask(model, "[[big]]").text) == 10 * 1024 * 1024
    monkeypatch.setattr("promptlab.models.transports.replies.MAX_REPLY_BYTES", 1_000_000)
    error = failure(model, "[[big]]")
    assert error.kind is CallErrorKind.MALFORMED
    assert "longer than 1000000 bytes" in str(error)


def test_a_trickle_ends_at_the_timeout(model: Model) -> None:
    began = time.monotonic()
    error = failure(model, "[[trickle:20]]", timeout_s=0.5)
    assert error.kind is CallErrorKind.TIMEOUT
    assert time.monotonic() - began < 3


def test_retry_after_is_read_in_every_form(model: Model) -> None:
    assert failure(model, "[[429-ms:1500]]").retry_after_s == 1.5
    from_date = failure(model, "[[429-date:30]]").retry_after_s
    assert from_date is not None
    assert 25 < from_date <= 31


def test_a_wrong_path_hints_at_v1(fake_provider: Any) -> None:
    error = failure(resolve("openai/fake-1", api_base=fake_provider.url), "hi")
    assert error.kind is CallErrorKind.NO_MODEL
    assert "/v1" in error.remedy


def test_an_address_where_nobody_answers_is_a_connection_fault(unused_address: str) -> None:
    assert failure(resolve("openai/fake-1", api_base=unused_address), "hi").kind is CallErrorKind.CONNECTION


@pytest.fixture
def unused_address() -> str:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_cancelling_leaves_the_transport_usable(model: Model) -> None:
    async def work(chat: OpenAIChat) -> Completion:
        waiting = asyncio.ensure_future(chat.send(Request(model, (Message("user", "[[hang:30]]"),))))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await chat.send(Request(model, (Message("user", "[[say:here]]"),)))

    assert during(work).text == "here"


def test_user_and_password_in_the_address_replace_the_key(fake_provider: Any) -> None:
    address = fake_provider.openai.replace("http://", "http://me:hunter22@")
    model = resolve("openai/fake-1", api_base=address)
    error = failure(model, "[[401]]")
    assert fake_provider.log[0]["headers"]["authorization"].startswith("Basic ")
    assert "hunter22" not in str(error) + model.endpoint


def test_the_environments_proxy_is_used(fake_provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", fake_provider.url)
    monkeypatch.setenv("http_proxy", fake_provider.url)
    model = resolve("openai/fake-1", api_base="http://provider.invalid/v1")
    assert ask(model, "[[say:by proxy]]").text == "by proxy"
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UsageError, match="socks5"):
        ask(model, "hi")


def test_a_key_cut_off_by_the_message_limit_is_masked_all_the_same(fake_provider: Any, key: str) -> None:
    fake_provider.control(sequence=["401"])
    model = resolve("openai/fake-1", name="n" * 230, api_base=fake_provider.openai)
    assert key[:6] not in str(failure(model, "hi")).replace(model.name, "")


class TestStreams:
    """`stream` gives the same Completion as `send`, and the text as it comes."""

    def stream(self, model: Model, text: str, **fields: Any) -> tuple[Completion, list[str]]:
        pieces: list[str] = []
        request = Request(model, (Message("user", text),), **fields)
        completion = during(lambda chat: chat.stream(request, pieces.append))
        return completion, pieces

    @pytest.mark.parametrize("text", ["hello", "[[say:one two three]]", "[[length]]", "[[empty]]"])
    def test_the_completion_is_that_of_send(self, model: Model, text: str) -> None:
        completion, pieces = self.stream(model, text, sampling={"logprobs": True} if text == "hello" else {})
        assert completion == ask(model, text, sampling={"logprobs": True} if text == "hello" else {})
        assert "".join(pieces) == completion.text
        assert completion.usage.completion_tokens == len(completion.text.split())

    def test_tool_calls_are_put_together(self, model: Model) -> None:
        completion, pieces = self.stream(model, "[[tool]]", tools=[TOOL])
        assert completion.tool_calls == (ToolCall("call_1", "look_up", "{}"),)
        assert pieces == []

    def test_reasoning_is_kept_apart(self, fake_provider: Any) -> None:
        model = resolve("openai/fake-reasoner", api_base=fake_provider.openai)
        completion, pieces = self.stream(model, "[[say:yes]]")
        assert (completion.reasoning, pieces) == ("Let me think about it.", ["yes"])

    @pytest.mark.parametrize(
        ("mark", "kind"),
        [
            ("cutstream", CallErrorKind.MALFORMED),
            ("errorstream", CallErrorKind.SERVER),
            ("429", CallErrorKind.RATE_LIMITED),
            ("html", CallErrorKind.MALFORMED),
        ],
    )
    def test_a_broken_stream_is_an_error_whatever_came_before(
        self, model: Model, mark: str, kind: CallErrorKind
    ) -> None:
        with pytest.raises(CallError) as failed:
            self.stream(model, f"[[{mark}]]")
        assert failed.value.kind is kind
