"""How the fake provider reads and writes each protocol; what it says is decided elsewhere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

_ODD_USAGE: dict[str, Any] = {"negative": -5, "text": "many", "huge": 10**12}


@dataclass(slots=True)
class Ask:
    """A request without its protocol's clothes. `turns` are (role, text), the system message first."""

    model: str
    turns: list[tuple[str, str]] = field(default_factory=list)
    images: int = 0
    stop: list[str] = field(default_factory=list)
    max_tokens: int | None = None
    stream: bool = False
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)  # name to the schema of its arguments
    forced_tool: str = ""
    schema: dict[str, Any] | None = None
    logprobs: bool = False
    usage_in_stream: bool = True

    @property
    def reasoner(self) -> bool:
        """Whether the model's name says that it thinks first, and is as choosy as such models are."""
        return "reasoner" in self.model

    def refused_by_reasoner(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The error for a parameter such models refuse."""
        if "max_tokens" in asked:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. "
            message += "Use 'max_completion_tokens' instead."
            return _refusal("max_tokens", "unsupported_parameter", message)
        for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty"):
            if asked.get(name, 1) != 1:
                message = f"Unsupported value: '{name}' does not support {asked[name]} with this model. "
                message += "Only the default (1) value is supported."
                return _refusal(name, "unsupported_value", message)
        return None


def _refusal(param: str, code: str, message: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


@dataclass(slots=True)
class Reply:
    """What is said: a text or a tool call, why it ended, and its tokens, which are words."""

    text: str
    finish: str = "stop"
    tool: str = ""
    arguments: Any = None
    reasoning: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    top: dict[str, float] | None = None  # probabilities at the last word

    @classmethod
    def of(cls, ask: Ask, text: str, fault: str = "", *, top: dict[str, float] | None = None) -> Reply:
        reply = cls(text, top=top, prompt_tokens=sum(len(turn.split()) for _, turn in ask.turns))
        tool = ask.forced_tool or (next(iter(ask.tools), "") if fault == "tool" else "")
        if tool:
            reply.arguments = instance_of(ask.tools[tool], text)
            reply.text, reply.tool, reply.finish = "", tool, "tool_calls"
        elif ask.schema is not None:
            reply.text = orjson.dumps(instance_of(ask.schema, text)).decode()
        for stop in ask.stop:
            reply.text = reply.text.partition(stop)[0]
        words = reply.text.split(" ")
        if ask.max_tokens is not None and len(words) > ask.max_tokens:
            reply.text, reply.finish = " ".join(words[: ask.max_tokens]), "length"
        if fault in ("length", "filter"):
            reply.finish = {"length": "length", "filter": "content_filter"}[fault]
        reply.completion_tokens = len(reply.text.split())
        if ask.reasoner:
            reply.reasoning = "Let me think about it."
            reply.completion_tokens += len(reply.reasoning.split())
        return reply

    @property
    def reasoning_tokens(self) -> int:
        return len(self.reasoning.split())

    def logprobs(self) -> list[dict[str, Any]]:
        """A token for each piece; alternatives at the last one only."""
        tokens: list[dict[str, Any]] = [{"token": word, "logprob": -0.5} for word in self.pieces()]
        if tokens and self.top is not None:
            tops = [{"token": each, "logprob": math.log(p)} for each, p in self.top.items()]
            tokens[-1]["top_logprobs"] = tops
        return tokens

    def pieces(self) -> list[str]:
        """The text as a stream brings it: word by word."""
        return re.findall(r"\S+\s*|\s+", self.text)


def instance_of(schema: dict[str, Any], text: str) -> Any:
    """A value that fits a JSON schema, with `text` in its strings."""
    kind = str(schema.get("type")).lower()  # Gemini shouts
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {name: instance_of(each, text) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {}), text)]
    return {"integer": len(text), "number": len(text) / 2, "boolean": True}.get(kind, text)


class Protocol:
    """One protocol: its paths, how a request is read, how a reply, a stream and an error are written."""

    paths: ClassVar[re.Pattern[str]]

    def serves(self, path: str) -> bool:
        return self.paths.search(path) is not None

    def read(self, path: str, asked: dict[str, Any]) -> Ask:
        raise NotImplementedError

    def write(self, ask: Ask, reply: Reply, fault: str, argument: str) -> Any:
        raise NotImplementedError

    def events(self, ask: Ask, reply: Reply) -> Iterator[bytes]:
        raise NotImplementedError

    def error(self, status: int, code: str, kind: str, message: str) -> dict[str, Any]:
        raise NotImplementedError


class OpenAI(Protocol):
    paths = re.compile(r"(/v1|/deployments/[^/]+)/chat/completions$")

    def read(self, path: str, asked: dict[str, Any]) -> Ask:
        stop = asked.get("stop") or []
        form = asked.get("response_format") or {}
        ask = Ask(
            model=asked.get("model") or "deployed",  # Azure names it in the path
            stop=[stop] if isinstance(stop, str) else stop,
            max_tokens=asked.get("max_tokens") or asked.get("max_completion_tokens"),
            stream=bool(asked.get("stream")),
            tools={
                tool["function"]["name"]: tool["function"].get("parameters", {})
                for tool in asked.get("tools") or ()
            },
            schema=form["json_schema"]["schema"] if form.get("type") == "json_schema" else None,
            logprobs=bool(asked.get("logprobs")),
            usage_in_stream=bool((asked.get("stream_options") or {}).get("include_usage")),
        )
        for message in asked["messages"]:
            _add_turn(ask, message["role"], message.get("content"), "image_url")
        return ask

    def write(self, ask: Ask, reply: Reply, fault: str, argument: str) -> Any:
        message: dict[str, Any] = {"role": "assistant", "content": None if fault == "null" else reply.text}
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        if reply.tool:
            message["tool_calls"] = [_openai_call(reply)]
            message["content"] = None
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": reply.finish}
        if ask.logprobs:
            choice["logprobs"] = {"content": reply.logprobs()}
        body = {
            **self._head(ask),
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(reply),
        }
        if fault == "nochoices":
            body["choices"] = []
        if fault == "usage":
            if argument == "missing":
                del body["usage"]
            else:
                odd = _ODD_USAGE[argument]
                body["usage"] = {"prompt_tokens": odd, "completion_tokens": odd, "total_tokens": odd}
        return body

    def events(self, ask: Ask, reply: Reply) -> Iterator[bytes]:
        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
            if ask.logprobs and delta.get("content"):
                choice["logprobs"] = {"content": [{"token": delta["content"], "logprob": -0.5}]}
            return _data({**self._head(ask), "object": "chat.completion.chunk", "choices": [choice]})

        yield event({"role": "assistant", "content": ""})
        if reply.reasoning:
            yield event({"reasoning_content": reply.reasoning})
        if reply.tool:
            call = _openai_call(reply)
            arguments = call["function"].pop("arguments")
            yield event(
                {"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]}
            )
            for half in (arguments[:5], arguments[5:]):
                yield event({"tool_calls": [{"index": 0, "function": {"arguments": half}}]})
        for piece in reply.pieces():
            yield event({"content": piece})
        yield event({}, reply.finish)
        if ask.usage_in_stream:
            yield _data({**self._head(ask), "choices": [], "usage": self._usage(reply)})
        yield b"data: [DONE]\n\n"

    def error(self, status: int, code: str, kind: str, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "param": None, "code": code or None}}

    def _head(self, ask: Ask) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "created": 1, "model": ask.model, "system_fingerprint": "fp_fake"}

    def _usage(self, reply: Reply) -> dict[str, Any]:
        return {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        }


class Anthropic(Protocol):
    paths = re.compile(r"/v1/messages$")
    _finish: ClassVar = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}

    def read(self, path: str, asked: dict[str, Any]) -> Ask:
        ask = Ask(
            model=asked["model"],
            stop=asked.get("stop_sequences") or [],
            max_tokens=asked["max_tokens"],
            stream=bool(asked.get("stream")),
            tools={tool["name"]: tool["input_schema"] for tool in asked.get("tools") or ()},
            forced_tool=(asked.get("tool_choice") or {}).get("name", ""),
            schema=((asked.get("output_format") or {}).get("schema")),
        )
        if asked.get("system"):
            _add_turn(ask, "system", asked["system"], "image")
        for message in asked["messages"]:
            _add_turn(ask, message["role"], message["content"], "image")
        return ask

    def write(self, ask: Ask, reply: Reply, fault: str, argument: str) -> Any:
        content: list[dict[str, Any]] = []
        if reply.reasoning:
            content.append({"type": "thinking", "thinking": reply.reasoning, "signature": "c2ln"})
        if reply.tool:
            content.append({"type": "tool_use", "id": "call_1", "name": reply.tool, "input": reply.arguments})
        elif fault != "null":
            content.append({"type": "text", "text": reply.text})
        usage = {"input_tokens": reply.prompt_tokens, "output_tokens": reply.completion_tokens}
        return {
            **self._head(ask),
            "content": content,
            "stop_reason": self._finish.get(reply.finish, "refusal"),
            "usage": usage,
        }

    def events(self, ask: Ask, reply: Reply) -> Iterator[bytes]:
        def event(kind: str, **rest: Any) -> bytes:
            return f"event: {kind}\n".encode() + _data({"type": kind, **rest})

        usage = {"input_tokens": reply.prompt_tokens, "output_tokens": 0}
        yield event("message_start", message={**self._head(ask), "content": [], "usage": usage})
        if reply.reasoning:
            thought = {"type": "thinking", "thinking": "", "signature": ""}
            yield event("content_block_start", index=0, content_block=thought)
            for delta in (
                {"type": "thinking_delta", "thinking": reply.reasoning},
                {"type": "signature_delta", "signature": "c2ln"},
            ):
                yield event("content_block_delta", index=0, delta=delta)
            yield event("content_block_stop", index=0)
        place = int(bool(reply.reasoning))
        if reply.tool:
            block = {"type": "tool_use", "id": "call_1", "name": reply.tool, "input": {}}
            arguments = orjson.dumps(reply.arguments).decode()
            deltas = [
                {"type": "input_json_delta", "partial_json": half} for half in (arguments[:5], arguments[5:])
            ]
        else:
            block = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in reply.pieces()]
        yield event("content_block_start", index=place, content_block=block)
        for delta in deltas:
            yield event("content_block_delta", index=place, delta=delta)
        yield event("content_block_stop", index=place)
        reason = self._finish.get(reply.finish, "refusal")
        yield event(
            "message_delta",
            delta={"stop_reason": reason, "stop_sequence": None},
            usage={"output_tokens": reply.completion_tokens},
        )
        yield event("message_stop")

    def error(self, status: int, code: str, kind: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _head(self, ask: Ask) -> dict[str, Any]:
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": ask.model}


class Gemini(Protocol):
    paths = re.compile(r"/models/[^/]+:(generateContent|streamGenerateContent)$")
    _finish: ClassVar = {
        "stop": "STOP",
        "length": "MAX_TOKENS",
        "content_filter": "SAFETY",
        "tool_calls": "STOP",
    }
    _status: ClassVar = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
                         404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}  # fmt: skip

    def read(self, path: str, asked: dict[str, Any]) -> Ask:
        config = asked.get("generationConfig") or {}
        declared = [
            each for tool in asked.get("tools") or () for each in _either(tool, "function_declarations")
        ]
        ask = Ask(
            model=path.rpartition("/models/")[2].partition(":")[0],
            stop=_either(config, "stop_sequences"),
            max_tokens=_either(config, "max_output_tokens") or None,
            stream="streamGenerateContent" in path,
            tools={each["name"]: each.get("parameters", {}) for each in declared},
            schema=_either(config, "response_schema") or _either(config, "response_json_schema") or None,
            logprobs=bool(_either(config, "response_logprobs")),
        )
        system = _either(asked, "system_instruction")
        if system:
            _add_turn(ask, "system", system["parts"], "inline_data")
        for content in asked["contents"]:
            role = "assistant" if content.get("role") == "model" else "user"
            _add_turn(ask, role, content["parts"], "inline_data")
        return ask

    def write(self, ask: Ask, reply: Reply, fault: str, argument: str) -> Any:
        parts: list[dict[str, Any]] = []
        if reply.reasoning:
            parts.append({"text": reply.reasoning, "thought": True})
        if reply.tool:
            parts.append({"functionCall": {"name": reply.tool, "args": reply.arguments}})
        elif fault != "null":
            parts.append({"text": reply.text})
        return self._body(ask, reply, parts, self._finish[reply.finish])

    def events(self, ask: Ask, reply: Reply) -> Iterator[bytes]:
        if reply.reasoning:
            yield _data(self._body(ask, reply, [{"text": reply.reasoning, "thought": True}], None))
        if reply.tool:
            call = {"functionCall": {"name": reply.tool, "args": reply.arguments}}
            yield _data(self._body(ask, reply, [call], None))
        for piece in reply.pieces():
            yield _data(self._body(ask, reply, [{"text": piece}], None))
        yield _data(self._body(ask, reply, [{"text": ""}], self._finish[reply.finish]))

    def error(self, status: int, code: str, kind: str, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": self._status.get(status, "UNKNOWN")}}

    def _body(
        self, ask: Ask, reply: Reply, parts: list[dict[str, Any]], finish: str | None
    ) -> dict[str, Any]:
        candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": parts}}
        if finish:
            candidate["finishReason"] = finish
        if ask.logprobs:
            chosen = [
                {"token": each["token"], "logProbability": each["logprob"]} for each in reply.logprobs()
            ]
            candidate["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": []}
        usage = {
            "promptTokenCount": reply.prompt_tokens,
            "candidatesTokenCount": reply.completion_tokens - reply.reasoning_tokens,
            "thoughtsTokenCount": reply.reasoning_tokens,
            "totalTokenCount": reply.prompt_tokens + reply.completion_tokens,
        }
        return {"candidates": [candidate], "modelVersion": ask.model, "usageMetadata": usage}


def _add_turn(ask: Ask, role: str, content: Any, image: str) -> None:
    if not isinstance(content, list):
        ask.turns.append((role, content or ""))
        return
    for part in content:
        ask.images += image in (part.get("type"), *part) or "inlineData" in part
    ask.turns.append((role, "".join(part.get("text") or "" for part in content)))


def _either(values: dict[str, Any], snake: str) -> Any:
    """Gemini takes both spellings of a name."""
    head, *rest = snake.split("_")
    camel = head + "".join(word.capitalize() for word in rest)
    return values.get(snake) or values.get(camel) or []


def _openai_call(reply: Reply) -> dict[str, Any]:
    arguments = orjson.dumps(reply.arguments).decode()
    return {"id": "call_1", "type": "function", "function": {"name": reply.tool, "arguments": arguments}}


def _data(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


OPENAI = OpenAI()
ANTHROPIC = Anthropic()
GEMINI = Gemini()
