"""The same conversation gives the same Completion, whatever the transport and the provider's protocol."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.basics.loop import run_sync
from promptlab.models.catalog import resolve
from promptlab.models.request import Completion, Image, Message, Model, Request, Usage
from promptlab.models.transports import Transport, make_transport

# One that litellm knows to take system messages and schemas; the fake provider answers to any.
MODEL = "gemini-2.5-flash"
KEY = "sk-secret-0123456789abcdef"
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
CONVERSATION = (
    Message("system", "You are a careful linguist."),
    Message("user", "The plural of mouse?"),
    Message("assistant", "mice"),
    Message("user", "And of ox?"),
)
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a word up.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "schema": {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True)
class Way:
    """One way to the fake provider."""

    transport: Transport
    model: Model
    provider: Any

    def ask(self, *messages: Message | str, **fields: Any) -> Completion:
        told = tuple(Message("user", each) if isinstance(each, str) else each for each in messages)
        return run_sync(self.transport.send(Request(self.model, told, **fields)))

    def hear(self, text: str, **fields: Any) -> tuple[Completion, list[str]]:
        """The completion of a stream, and what was told of it on the way."""
        pieces: list[str] = []
        request = Request(self.model, (Message("user", text),), **fields)
        return run_sync(self.transport.stream(request, pieces.append)), pieces

    def fails(self, *messages: Message | str, **fields: Any) -> CallError:
        with pytest.raises(CallError) as failed:
            self.ask(*messages, **fields)
        return failed.value

    def fails_to_stream(self, text: str, **fields: Any) -> CallError:
        with pytest.raises(CallError) as failed:
            self.hear(text, **fields)
        return failed.value


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[str, Transport]]:
    transports = {name: make_transport(name) for name in ("openai_chat", "litellm")}
    yield transports
    for transport in transports.values():
        run_sync(transport.close())


@pytest.fixture(params=["openai_chat openai", "litellm openai", "litellm anthropic", "litellm gemini"])
def way(
    request: pytest.FixtureRequest,
    opened: dict[str, Transport],
    fake_provider: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Way:
    transport, provider = request.param.split()
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
    model = resolve(f"{provider}/{MODEL}", api_base=getattr(fake_provider, provider), transport=transport)
    return Way(opened[transport], model, fake_provider)


def test_system_message_and_turns_arrive_in_order(way: Way) -> None:
    completion = way.ask(*CONVERSATION, sampling={"temperature": 0, "max_tokens": 50})
    # The number is a hash of model and turns, as the provider understood them.
    assert completion.text == f"This is reply {digest_of(CONVERSATION)}."
    assert completion.finish_reason == "stop"
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (13, 4)
    assert completion.model == MODEL
    assert completion.left_out == ()
    assert way.provider.requests == 1


def test_a_stop_text_ends_the_reply(way: Way) -> None:
    assert way.ask("[[say:one two three]]", sampling={"stop": [" three"]}).text == "one two"


def test_the_token_limit_is_told_from_a_normal_end(way: Way) -> None:
    completion = way.ask("[[say:one two three]]", sampling={"max_tokens": 2})
    assert (completion.text, completion.finish_reason) == ("one two", "length")


def test_sampling_goes_out_only_as_given(way: Way) -> None:
    way.ask("hi", sampling={"temperature": 0.7, "top_p": 0.9})
    body = way.provider.log[0]["body"]
    sent = {**body, **body.get("generationConfig", {})}
    assert sent["temperature"] == 0.7
    assert 0.9 in (sent.get("top_p"), sent.get("topP"))
    assert not {"seed", "stop", "stop_sequences", "presence_penalty"} & set(sent)


def test_seed_and_penalties_arrive_and_logprobs_come_back_where_the_protocol_has_them(way: Way) -> None:
    wished = {"seed": 3, "presence_penalty": 0.5, "frequency_penalty": -0.25, "logprobs": True}
    if way.model.id.startswith("anthropic/"):
        for name, value in wished.items():
            assert name in str(way.fails("hi", sampling={name: value}))
        assert way.provider.requests == 0
        return
    completion = way.ask("[[say:one two]]", sampling=wished)
    body = way.provider.log[0]["body"]
    sent = {**body, **body.get("generationConfig", {})}
    assert sent["seed"] == 3
    assert 0.5 in (sent.get("presence_penalty"), sent.get("presencePenalty"))
    assert -0.25 in (sent.get("frequency_penalty"), sent.get("frequencyPenalty"))
    assert [(each["token"], each["logprob"]) for each in completion.logprobs["content"]] == [
        ("one ", -0.5),
        ("two", -0.5),
    ]


def test_what_a_model_thinks_first_is_kept_apart_from_what_it_says(way: Way) -> None:
    thinking = replace_model(way, replace(way.model, id=f"{way.model.id}-reasoner"))
    for completion in (thinking.ask("[[say:yes]]"), thinking.hear("[[say:yes]]")[0]):
        assert completion.text == "yes"
        assert completion.reasoning == "Let me think about it."
        assert completion.usage.completion_tokens == 6
        # Anthropic bills thinking as output, does not say how much it was, and nobody counts in its place.
        told = 0 if way.model.id.startswith("anthropic/") else 5
        assert completion.usage.reasoning_tokens == told


def test_a_filtered_reply_is_a_completion(way: Way) -> None:
    assert way.ask("[[filter]]").finish_reason == "content_filter"


def test_an_empty_reply_is_an_empty_text(way: Way) -> None:
    completion = way.ask("[[empty]]")
    assert (completion.text, completion.usage.completion_tokens) == ("", 0)


def test_null_content_is_an_empty_text(way: Way) -> None:
    assert way.ask("[[null]]").text == ""


def test_tool_calls_come_back_with_their_arguments(way: Way) -> None:
    completion = way.ask("[[tool]]", tools=[TOOL])
    assert completion.finish_reason == "tool_calls"
    (call,) = completion.tool_calls
    assert call.name == "look_up"
    assert orjson.loads(call.arguments)["word"].startswith("This is reply")


def test_a_json_schema_is_kept(way: Way) -> None:
    completion = way.ask("[[say:oxen]]", response_format=SCHEMA)
    assert orjson.loads(completion.text) == {"answer": "oxen"}
    assert completion.finish_reason == "stop"


def test_images_arrive(way: Way) -> None:
    completion = way.ask(Message("user", ("What is this?", Image(PIXEL))))
    assert completion.text.endswith("with 1 images.")


@pytest.mark.parametrize(
    ("mark", "kind", "status"),
    [
        ("401", CallErrorKind.AUTH, 401),
        ("402", CallErrorKind.NO_QUOTA, 402),
        ("403", CallErrorKind.AUTH, 403),
        ("404", CallErrorKind.NO_MODEL, 404),
        ("400", CallErrorKind.BAD_REQUEST, 400),
        ("overflow", CallErrorKind.CONTEXT_OVERFLOW, 400),
        ("429", CallErrorKind.RATE_LIMITED, 429),
        ("500", CallErrorKind.SERVER, 500),
        ("503", CallErrorKind.SERVER, 503),
        ("html:502", CallErrorKind.SERVER, 502),
        ("reset", CallErrorKind.CONNECTION, None),
        ("truncated", CallErrorKind.CONNECTION, None),
        ("malformed", CallErrorKind.MALFORMED, 200),
        ("html", CallErrorKind.MALFORMED, 200),
    ],
)
def test_every_fault_has_its_kind_and_is_sent_once(
    way: Way, mark: str, kind: CallErrorKind, status: int | None
) -> None:
    error = way.fails(f"[[{mark}]]")
    assert (error.kind, error.status) == (kind, status)
    assert way.provider.requests == 1
    assert "\n" not in str(error)


def test_silence_is_a_timeout(way: Way) -> None:
    error = way.fails("[[hang:5]]", timeout_s=0.3)
    assert error.kind is CallErrorKind.TIMEOUT


def test_retry_after_is_passed_on(way: Way) -> None:
    assert way.fails("[[429:7]]").retry_after_s == 7.0
    assert way.fails("[[429]]").retry_after_s is None


def test_the_key_is_named_and_never_shown(way: Way) -> None:
    error = way.fails("[[401]]")
    assert KEY not in repr(error) + str(error) + error.remedy
    assert "***" in str(error)
    assert way.model.key_env in error.remedy


def test_a_missing_key_is_found_before_sending(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(way.model.key_env)
    public = replace(way.model, api_base="https://provider.example/v1")
    error = replace_model(way, public).fails("hi")
    assert error.kind is CallErrorKind.AUTH
    assert way.model.key_env in error.remedy
    assert way.provider.requests == 0


def test_a_server_of_ones_own_needs_no_key(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(way.model.key_env)
    assert way.ask("hi").text.startswith("This is reply")


def test_a_default_the_model_refuses_is_left_out_and_a_wish_is_an_error(way: Way) -> None:
    name, value = {
        "openai": ("temperature", 0.7),
        "anthropic": ("seed", 3),
        "gemini": ("logit_bias", {"7": 1}),
    }[way.model.id.partition("/")[0]]
    if name == "temperature":
        way = replace_model(way, replace(way.model, id="openai/o3-mini-reasoner"))
    completion = way.ask("hi", sampling={name: value}, defaults=frozenset({name}))
    assert completion.left_out == (name,)
    error = way.fails("hi", sampling={name: value})
    assert error.kind is CallErrorKind.BAD_REQUEST
    assert name in str(error)
    assert repr(value) in str(error)


class TestStreams:
    """`stream` gives the same Completion as `send`, and the text as it comes."""

    @pytest.mark.parametrize("text", ["[[say:one two three]]", "[[length]]", "[[empty]]"])
    def test_the_completion_is_that_of_send(self, way: Way, text: str) -> None:
        completion, pieces = way.hear(text)
        assert completion == way.ask(text)
        assert completion.usage.completion_tokens == len(completion.text.split())
        # Word by word, as the provider sent it.
        assert [piece.strip() for piece in pieces] == completion.text.split()
        assert "".join(pieces) == completion.text
        assert way.provider.requests == 2

    def test_a_filtered_reply_is_a_completion(self, way: Way) -> None:
        assert way.hear("[[filter]]")[0].finish_reason == "content_filter"

    def test_tool_calls_are_put_together(self, way: Way) -> None:
        completion, pieces = way.hear("[[tool]]", tools=[TOOL])
        assert (completion.finish_reason, pieces) == ("tool_calls", [])
        (call,) = completion.tool_calls
        assert call.name == "look_up"
        assert orjson.loads(call.arguments)["word"].startswith("This is reply")

    @pytest.mark.parametrize(
        ("mark", "kind"),
        [
            ("cutstream", CallErrorKind.MALFORMED),
            ("errorstream", CallErrorKind.SERVER),
            ("html", CallErrorKind.MALFORMED),
            ("reset", CallErrorKind.CONNECTION),
            ("401", CallErrorKind.AUTH),
            ("overflow", CallErrorKind.CONTEXT_OVERFLOW),
        ],
    )
    def test_a_broken_stream_is_an_error_whatever_came_before(
        self, way: Way, mark: str, kind: CallErrorKind
    ) -> None:
        error = way.fails_to_stream(f"[[{mark}]]")
        assert error.kind is kind
        assert way.provider.requests == 1
        assert KEY not in str(error)
        assert "litellm" not in str(error)

    def test_retry_after_is_passed_on(self, way: Way) -> None:
        error = way.fails_to_stream("[[429:7]]")
        assert (error.kind, error.retry_after_s) == (CallErrorKind.RATE_LIMITED, 7.0)

    def test_the_time_limit_is_that_of_the_whole_stream(self, way: Way) -> None:
        error = way.fails_to_stream("[[trickle:200]]", timeout_s=0.5)
        assert error.kind is CallErrorKind.TIMEOUT

    def test_cancelling_hangs_up(self, way: Way) -> None:
        async def cancelled() -> None:
            begun = asyncio.Event()
            request = Request(way.model, (Message("user", "[[trickle:50]]"),))
            asking = asyncio.create_task(way.transport.stream(request, lambda piece: begun.set()))
            await asyncio.wait_for(begun.wait(), 10)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            async with asyncio.timeout(10):
                while way.provider.count()["in_flight"]:  # noqa: ASYNC110  it counts in another thread
                    await asyncio.sleep(0.01)

        run_sync(cancelled())
        assert way.provider.count()["outcomes"] == {}  # it could not send its reply to the end

    def test_an_error_of_the_listeners_own_stays_its_own(self, way: Way) -> None:
        def listen(piece: str) -> None:
            raise LookupError(piece)

        with pytest.raises(LookupError, match="one"):
            run_sync(way.transport.stream(Request(way.model, (Message("user", "[[say:one two]]"),)), listen))


def test_tokens_are_never_counted_for_a_provider_that_does_not(
    opened: dict[str, Transport], fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    mute = {"stream_options": {"include_usage": False}}
    for name, transport in opened.items():
        model = resolve(f"openai/{MODEL}", api_base=fake_provider.openai, transport=name, extra_body=mute)
        completion, _ = Way(transport, model, fake_provider).hear("[[say:yes]]")
        assert (completion.text, completion.usage) == ("yes", Usage())


def digest_of(messages: tuple[Message, ...]) -> str:
    turns = [[message.role, message.content] for message in messages]
    return hashlib.sha256(orjson.dumps([MODEL, turns])).hexdigest()[:8]


def replace_model(way: Way, model: Model) -> Way:
    return replace(way, model=model)


@pytest.mark.parametrize("name", ["openai_chat", "litellm"])
def test_embeddings_come_in_the_order_of_the_texts(
    name: str, opened: dict[str, Transport], fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model = resolve("openai/embed-1", api_base=fake_provider.openai, transport=name)
    found = run_sync(opened[name].embed(model, ["red fox", "blue sea", "red fox"]))
    assert found.vectors[0] == found.vectors[2] != found.vectors[1]
    assert len(found.vectors[0]) == 16
    assert found.usage.prompt_tokens == 6
    with pytest.raises(CallError) as failed:
        run_sync(opened[name].embed(model, ["[[429:2]]"]))
    assert fake_provider.requests == 2
    assert (failed.value.kind, failed.value.retry_after_s) == (CallErrorKind.RATE_LIMITED, 2.0)


def test_azure_is_asked_once_too(
    opened: dict[str, Transport], fake_provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_API_KEY", KEY)
    model = resolve("azure/mine", api_base=fake_provider.url, extra_body={"api_version": "2024-10-21"})
    way = Way(opened["litellm"], model, fake_provider)
    assert way.ask("[[say:yes]]").text == "yes"
    assert way.fails("[[500]]").kind is CallErrorKind.SERVER
    assert fake_provider.requests == 2
