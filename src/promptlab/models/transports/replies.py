"""From a provider's reply in OpenAI's form to a Completion: whole, or put together from a stream's pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from promptlab.models.request import Completion, FinishReason, ToolCall, Usage
from promptlab.models.transports.error_bodies import ErrorReply, error_of, looks_like_html

MAX_REPLY_BYTES = 64 * 1024 * 1024
MAX_TOKENS_COUNT = 1_000_000_000  # a count above is a slip of the provider's

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
# Finish reasons with which a provider says that it failed half-way: what came is no reply.
BROKEN_FINISH = frozenset({"error", "network_error", "insufficient_system_resource", "abort"})


class MalformedReply(Exception):
    """The reply is not what the protocol says; the transport makes a CallError of it."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def check_size(size_bytes: int) -> None:
    """MalformedReply above MAX_REPLY_BYTES."""
    if size_bytes > MAX_REPLY_BYTES:
        raise MalformedReply(f"the reply is longer than {MAX_REPLY_BYTES} bytes")


def parsed(data: bytes) -> Any:
    """The JSON of a 200. MalformedReply where it is none, ErrorReply where it is an error."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        if looks_like_html(data[:200].decode("utf-8", "replace")):
            raise MalformedReply(
                "a web page came instead of JSON",
                remedy="If this happens every time, check api_base: it usually ends in /v1.",
            ) from None
        raise MalformedReply(f"the reply is no JSON ({len(data)} bytes)") from None
    if isinstance(body, dict) and body.get("error") and not body.get("choices"):
        raise ErrorReply(200, error_of(body), {})
    return body


def completion_of(body: Any, left_out: tuple[str, ...] = ()) -> Completion:
    """The Completion in a parsed `chat.completion` body. MalformedReply where there is none."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text, reasoning = _texts(message)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise MalformedReply("the reply has no choices[0].message") from None
    finish = choice.get("finish_reason")
    if finish in BROKEN_FINISH:
        raise MalformedReply(f"the provider broke off ({finish})")
    calls = tuple(_tool_call(call) for call in message.get("tool_calls") or ())
    if finish is None:
        reason: FinishReason = "tool_calls" if calls else "stop" if text else "other"
    else:
        reason = _FINISH.get(str(finish).lower(), "other")
    refusal = message.get("refusal")
    if refusal and not text:
        # OpenAI's own field for declined structured outputs; the reason it gives is "stop".
        text, reason = str(refusal), "content_filter"
    return Completion(
        text=text,
        finish_reason=reason,
        usage=usage_of(body.get("usage")),
        model=str(body.get("model") or ""),
        reasoning=reasoning,
        tool_calls=calls,
        logprobs=choice.get("logprobs"),
        fingerprint=str(body.get("system_fingerprint") or ""),
        left_out=left_out,
    )


def filtered(left_out: tuple[str, ...] = ()) -> Completion:
    """The completion of a prompt the provider declined before generating: asked, and no answer."""
    return Completion(text="", finish_reason="content_filter", left_out=left_out)


def usage_of(usage: Any) -> Usage:
    """Token counts as the provider gave them; what is missing, negative or absurd is None, never a guess."""
    if not isinstance(usage, dict):
        return Usage()
    prompt = _count(usage.get("prompt_tokens"))
    completion = _count(usage.get("completion_tokens"))
    prompt_details = usage.get("prompt_tokens_details")
    completion_details = usage.get("completion_tokens_details")
    cached = _count(prompt_details.get("cached_tokens")) if isinstance(prompt_details, dict) else None
    if cached is None:  # DeepSeek's and Moonshot's spellings
        cached = _count(usage.get("prompt_cache_hit_tokens", usage.get("cached_tokens")))
    reasoning = (
        _count(completion_details.get("reasoning_tokens")) if isinstance(completion_details, dict) else None
    )
    reasoning = reasoning or 0
    if (
        completion is not None
        and prompt is not None
        and reasoning
        and usage.get("total_tokens") == (prompt + completion + reasoning)
    ):
        completion += reasoning  # xAI counts them beside the completion, as its total shows
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached if cached is not None and prompt is not None and cached <= prompt else 0,
        reasoning_tokens=reasoning if completion is not None and reasoning <= completion else 0,
    )


def vectors_of(body: Any, count: int) -> tuple[tuple[float, ...], ...]:
    """The embeddings in a parsed body, in the order of the texts. MalformedReply unless there are `count`."""
    try:
        rows = sorted(body["data"], key=lambda row: int(row["index"]))
        vectors = tuple(tuple(float(number) for number in row["embedding"]) for row in rows)
    except (KeyError, TypeError, ValueError):
        raise MalformedReply("the reply has no embeddings") from None
    if len(vectors) != count or not all(vectors):
        raise MalformedReply(f"{len(vectors)} embeddings came for {count} texts")
    return vectors


class StreamedReply:
    """Puts the lines of one stream together; `on_delta` is told each piece of text."""

    def __init__(self, on_delta: Callable[[str], None] = lambda piece: None) -> None:
        self._on_delta = on_delta
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._tools: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] = []
        self._head: dict[str, Any] = {}
        self._finish: str | None = None

    def take(self, line: bytes) -> bool:
        """One line of server-sent events; True where it says that it was the last."""
        if not line.startswith(b"data:"):
            return False
        data = line[5:].strip()
        if data == b"[DONE]":
            return True
        try:
            piece = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise MalformedReply("a piece of the stream is no JSON") from None
        if not isinstance(piece, dict):
            raise MalformedReply("a piece of the stream is no object")
        if piece.get("error"):
            raise ErrorReply(200, error_of(piece), {})
        self.add(piece)
        return False

    def add(self, piece: Mapping[str, Any]) -> None:
        """One `chat.completion.chunk`."""
        for name in ("model", "system_fingerprint", "usage"):
            if piece.get(name):
                self._head[name] = piece[name]
        choices = piece.get("choices")
        if not choices:
            return
        choice = choices[0]
        delta = choice.get("delta") or {}
        text, reasoning = _texts(delta)
        if text:
            self._text.append(text)
            self._on_delta(text)
        if reasoning:
            self._reasoning.append(reasoning)
        if delta.get("refusal"):
            self._refusal.append(delta["refusal"])
        for position, call in enumerate(delta.get("tool_calls") or ()):
            self._add_tool(call.get("index", position), call)
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict) and logprobs.get("content"):
            self._logprobs.extend(logprobs["content"])
        self._finish = choice.get("finish_reason") or self._finish

    def _add_tool(self, index: int, call: Mapping[str, Any]) -> None:
        known = self._tools.setdefault(index, {"id": "", "function": {"name": "", "arguments": ""}})
        known["id"] = call.get("id") or known["id"]
        function = call.get("function") or {}
        known["function"]["name"] += function.get("name") or ""
        known["function"]["arguments"] += function.get("arguments") or ""

    def completion(self, left_out: tuple[str, ...]) -> Completion:
        """The reply as if it had come in one piece. A stream that ended without a reason broke off."""
        if self._finish is None:
            raise MalformedReply("the stream broke off")
        message = {
            "content": "".join(self._text),
            "reasoning_content": "".join(self._reasoning),
            "refusal": "".join(self._refusal),
            "tool_calls": [self._tools[index] for index in sorted(self._tools)],
        }
        logprobs = {"content": self._logprobs} if self._logprobs else None
        choice = {"message": message, "finish_reason": self._finish, "logprobs": logprobs}
        return completion_of({**self._head, "choices": [choice]}, left_out)


def _texts(message: Mapping[str, Any]) -> tuple[str, str]:
    """The text and the reasoning of a message or a delta. Null content is an empty text."""
    content = message.get("content")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(reasoning, str):
        reasoning = ""
    if isinstance(content, str):
        return content, reasoning
    if not isinstance(content, list):
        return "", reasoning
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:  # Mistral's reasoning models answer in parts
        if part.get("type") == "thinking":
            thinking = part.get("thinking")
            inner = thinking if isinstance(thinking, list) else [{"text": thinking}]
            thoughts.extend(str(each.get("text") or "") for each in inner)
        else:
            texts.append(str(part.get("text") or ""))
    return "".join(texts), reasoning or "".join(thoughts)


def _tool_call(call: Any) -> ToolCall:
    try:
        function = call["function"]
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):  # Ollama gives the object itself
            arguments = orjson.dumps(arguments).decode()
        return ToolCall(id=str(call.get("id") or ""), name=str(function["name"]), arguments=arguments)
    except (KeyError, TypeError, AttributeError):
        raise MalformedReply("a tool call has no function name") from None


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value <= MAX_TOKENS_COUNT or value != int(value):
        return None
    return int(value)
