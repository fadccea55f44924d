"""Two requests have one key exactly when they mean the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.basics.errors import UsageError
from promptlab.models.key import request_key
from promptlab.models.request import Draw, Image, Message, Model, Request, ToolCall

MODEL = Model(
    id="openai/gpt-4o-mini",
    name="mini",
    transport="openai_chat",
    endpoint="https://api.openai.com/v1",
    api_base="https://api.openai.com/v1",
    key_env="OPENAI_API_KEY",
    headers={"anthropic-beta": "a"},
    extra_body={"top_k": 5, "nested": {"a": 1, "b": 2}},
)
BASE = Request(
    model=MODEL,
    messages=(Message("system", "be brief"), Message("user", ("look", Image("https://x/y.png")))),
    sampling={"temperature": 0.7, "max_tokens": 64, "stop": ["\n"], "seed": 3},
    tools=(
        {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {}, "b": {}}}}},
    ),
    response_format={"type": "json_object"},
    draw=Draw(repeat=1, ordinal=2, sample="s1", scope="o1"),
    name="answer",
    cell="c",
    timeout_s=60.0,
)


def key(request: Request) -> str:
    return request_key(request).text


def with_(**changes: Any) -> Request:
    return dataclasses.replace(BASE, **changes)


def with_model(**changes: Any) -> Request:
    return with_(model=dataclasses.replace(MODEL, **changes))


def with_draw(**changes: Any) -> Request:
    return with_(draw=dataclasses.replace(BASE.draw, **changes))


def with_sampling(**changes: Any) -> Request:
    return with_(sampling={**BASE.sampling, **changes})


@pytest.mark.parametrize(
    "changed",
    [
        with_model(id="openai/gpt-4o"),
        with_model(endpoint="https://relay.example/v1"),
        with_model(extra_body={"top_k": 6, "nested": {"a": 1, "b": 2}}),
        with_model(headers={"anthropic-beta": "b"}),
        with_model(headers={}),
        with_(messages=BASE.messages[:1]),
        with_(messages=(*BASE.messages, Message("assistant", ""))),
        with_(messages=(Message("user", "be brief"), *BASE.messages[1:])),
        with_(messages=(BASE.messages[0], Message("user", ("look", Image("https://x/z.png"))))),
        with_(messages=(BASE.messages[0], Message("user", ("look", "https://x/y.png")))),
        with_(messages=(*BASE.messages, Message("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),)))),
        with_(messages=(*BASE.messages, Message("tool", "", tool_call_id="1"))),
        with_sampling(temperature=0.8),
        with_sampling(temperature=0),
        with_sampling(top_p=1),
        with_sampling(seed=4),
        with_sampling(stop=["\n", "."]),
        with_sampling(stop=None),
        with_(sampling={"temperature": 0.7}),
        with_(sampling={}),
        with_(tools=()),
        with_(response_format=None),
        with_draw(repeat=0),
        with_draw(ordinal=0),
        with_draw(sample="s2"),
        with_draw(scope=""),
    ],
)
def test_whatever_can_change_an_answer_changes_the_key(changed: Request) -> None:
    assert key(changed) != key(BASE)


@pytest.mark.parametrize(
    "same",
    [
        with_model(name="another name"),
        with_model(key_env="OTHER_KEY"),
        with_model(api_base="http://127.0.0.1:4711"),
        with_model(settings={"context": 1}),
        with_model(transport="litellm"),
        with_model(headers={"Anthropic-Beta": "a"}),
        with_model(headers={"anthropic-beta": "a", "Authorization": "Bearer secret", "X-My-Token": "t"}),
        with_model(headers={"anthropic-beta": "a", "X-Title": "promptlab"}),
        with_model(extra_body={"nested": {"b": 2, "a": 1}, "top_k": 5.0}),
        with_(name="reason"),
        with_(cell="other"),
        with_(timeout_s=5.0),
        with_(sampling=dict(reversed(BASE.sampling.items()))),
        with_sampling(max_tokens=64.0),
        with_sampling(stop=("\n",)),
    ],
)
def test_names_keys_timeouts_and_spelling_do_not_change_the_key(same: Request) -> None:
    assert key(same) == key(BASE)


def test_no_secret_reaches_the_canonical_form() -> None:
    canonical = request_key(
        with_model(headers={"Authorization": "Bearer hunter2", "x-api-key": "hunter2"})
    ).canonical
    assert b"hunter2" not in canonical


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_at_temperature_zero_equal_prompts_of_two_samples_are_one_request(zero: float) -> None:
    first, second = (with_(sampling={"temperature": zero}, draw=Draw(sample=each)) for each in ("s1", "s2"))
    assert key(first) == key(second) == key(with_(sampling={"temperature": 0}, draw=Draw(sample="s3")))
    assert key(with_(sampling={}, draw=Draw(sample="s1"))) != key(with_(sampling={}, draw=Draw(sample="s2")))


def test_a_temperature_in_the_extra_body_is_a_temperature_too() -> None:
    warm = [with_model(extra_body={"temperature": 1})] * 2
    pair = [
        dataclasses.replace(each, sampling={"temperature": 0}, draw=Draw(sample=s))
        for each, s in zip(warm, "ab", strict=True)
    ]
    assert key(pair[0]) != key(pair[1])


def test_the_order_of_a_schemas_properties_counts() -> None:
    def schema(*names: str) -> Request:
        properties = {name: {"type": "string"} for name in names}
        return with_(response_format={"type": "json_schema", "schema": {"properties": properties}})

    assert key(schema("reason", "answer")) != key(schema("answer", "reason"))


def test_a_parameter_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="nan"):
        key(with_sampling(top_p=float("nan")))


def test_the_key_of_version_1_never_changes() -> None:
    """If this fails, every stored answer is lost to its request: raise KEY_VERSION on purpose, or undo."""
    simple = Request(
        Model(id="openai/m", name="m", transport="openai_chat", endpoint="https://h/v1"),
        (Message("user", "hé 你"),),
        {"temperature": 0, "max_tokens": 8},
    )
    assert request_key(simple).canonical.decode() == (
        '{"draw":{"ordinal":0,"repeat":0},"endpoint":"https://h/v1",'
        '"messages":[{"content":"hé 你","role":"user"}],'
        '"model":"openai/m","sampling":{"max_tokens":8,"temperature":0},"v":1}'
    )


numbers = st.integers(-5, 5) | st.floats(-5, 5).map(lambda x: round(x, 2))
values = st.recursive(
    numbers | st.text(max_size=3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)
samplings = st.dictionaries(
    st.sampled_from(["temperature", "top_p", "max_tokens", "stop", "seed"]), values, max_size=4
)


def means(value: Any) -> Any:
    """What a JSON value means, in Python's own equality; booleans are no numbers."""
    if isinstance(value, dict):
        return ("object", frozenset((name, means(each)) for name, each in value.items()))
    if isinstance(value, list):
        return ("list", tuple(means(each) for each in value))
    return (isinstance(value, bool), value)


@given(samplings, samplings)
def test_keys_are_equal_iff_the_sampling_means_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (key(with_(sampling=one)) == key(with_(sampling=other))) == (means(one) == means(other))


@given(samplings, st.randoms(use_true_random=False))
def test_the_order_of_names_never_counts(sampling: dict[str, Any], random: Any) -> None:
    items = list(sampling.items())
    random.shuffle(items)
    assert key(with_(sampling=dict(items))) == key(with_(sampling=sampling))


messages = st.lists(
    st.builds(
        Message,
        st.sampled_from(["user", "assistant"]),
        st.text(max_size=5) | st.characters(categories=["Cs"]),
    ),
    max_size=3,
).map(tuple)


@given(messages, messages)
def test_keys_are_equal_iff_the_messages_are(one: tuple[Message, ...], other: tuple[Message, ...]) -> None:
    assert (key(with_(messages=one)) == key(with_(messages=other))) == (one == other)
