"""What goes through the door and what comes back. Values only; nothing here sends anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "content_filter", "tool_calls", "other"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Image:
    """A picture inside a message: an https address or a `data:` address."""

    url: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asks for. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `content` is a text, or texts and images in order."""

    role: Role
    content: str | tuple[str | Image, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Prices of one model, in `currency` per token (and per request). None is unknown, never 0.

    `source` says where the figures come from, `date` of which day they are. They hold for prompts of at most
    `up_to_prompt_tokens` tokens, where that is stated: longer ones have another price, which is unknown here.
    """

    input: float | None
    output: float | None
    cached_input: float | None = None
    reasoning: float | None = None
    request: float = 0.0
    currency: str = "USD"
    source: str = ""
    date: str = ""
    up_to_prompt_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A provider's model with its endpoint and default sampling, fully resolved.

    `id` is litellm's ("openai/gpt-4o-mini", "local/smollm2-135m"); `name` is what rows show.
    `endpoint` is the identity of where it runs: the base address without user info or query; for `local`
    the GGUF's SHA-256 and context size, so that a new port changes nothing. `api_base` is the address to
    call ("" where the transport knows it by itself). `key_env` names the variable that holds the key.
    `sampling` holds only what was given. `seed` is sent only if it stands in `sampling`.
    """

    id: str
    name: str
    transport: str
    endpoint: str
    api_base: str = ""
    key_env: str = ""
    sampling: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    extra_body: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    price: Price | None = None
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def wire_name(self) -> str:
        """The model's name on the wire: the id without the provider."""
        return self.id.partition("/")[2] or self.id

    def identity(self) -> dict[str, Any]:
        """What makes this model another one in a trial's identity: no key, no name, no timeout."""
        parts: dict[str, Any] = {"id": self.id, "endpoint": self.endpoint, "sampling": dict(self.sampling)}
        if self.headers:
            parts["headers"] = dict(self.headers)
        if self.extra_body:
            parts["extra_body"] = dict(self.extra_body)
        return parts


@dataclass(frozen=True, slots=True)
class Draw:
    """Which of several equal requests this is: (repeat, ordinal among identical ones in its trial).

    `sample` is the sample's id; it counts unless temperature is explicitly 0. `scope` sets apart draws
    inside an optimization (optimizer hash, step, candidate, row).
    """

    repeat: int = 0
    ordinal: int = 0
    sample: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model. `sampling` is final: only what is to be sent; absent is not zero.

    `defaults` names the entries of `sampling` that are no one's wish, only a technique's default: a model
    that does not take one is asked without it, and the completion says so in `left_out`. `name` says what
    the call is for ("reason", "answer"); `cell` names the budget and statistics bucket.
    None of the three is in the cache key.
    """

    model: Model
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    defaults: frozenset[str] = frozenset()
    tools: Sequence[Mapping[str, Any]] = ()
    response_format: Mapping[str, Any] | None = None
    draw: Draw = field(default_factory=Draw)
    name: str = "answer"
    cell: str = ""
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None where it said nothing (or nonsense).

    `cached_tokens` are part of `prompt_tokens`, `reasoning_tokens` part of `completion_tokens`.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply. `latency_s` and `cost` are those of the first time, also on a hit.

    `cost` is in `currency`, None where the price or the usage is unknown. `model` and `fingerprint` are
    what the provider returned. `created` is the Unix time of the reply. `cached` says that this call
    was not sent: a hit, or joined to an identical one in flight (or of another process). `left_out` names
    the defaults this model does not take. `attempts` counts what reached the transport for this call.
    """

    text: str
    finish_reason: FinishReason = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: Any = None
    fingerprint: str = ""
    latency_s: float = 0.0
    created: float = 0.0
    cost: float | None = None
    currency: str = "USD"
    left_out: tuple[str, ...] = ()
    key: str = ""
    cached: bool = False
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per text, in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage = field(default_factory=Usage)
    model: str = ""
