"""A provider on loopback: the OpenAI, Anthropic and Gemini protocols, with faults on demand.

    python tests/servers/fake_provider.py --port 0        prints its address, serves until it is ended

Replies are functions of the request alone, the same over all protocols. A fault is asked for by a mark in
the prompt or the model's name, `[[500]]`, `[[429:2]]` (Retry-After 2 s), `[[reset*3]]` (the first three times
this body comes), or by POST /_control:

    {"latency_ms": 5, "jitter_ms": 2, "seed": 1, "rules": [{"fault": "429:1", "p": 0.1}],
     "sequence": ["500", "ok"], "answers": [{"contains": "2 + 2", "reply": "4"}], "labels": ["good", "bad"],
     "key": "sk-1", "limit": {"per_s": 20, "burst": 40, "in_flight": 8}, "reset": true}

What goes over `limit` (a token bucket; requests at once; each may be left out) gets 429. `rules` strike by
chance (seeded by body and how often it came), `sequence` is consumed in order. An answer may have a `regex`
for `contains`, whose groups the reply may hold (\\1), and `top`, {"4": 0.7, "5": 0.3}: probabilities at the
reply's last word, for who asks for log probabilities. GET /_count tells how many requests came, /_log which
(the last 10,000). Faults: see `FAULTS` and any HTTP status.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate
from typing import Any

import orjson
from aiohttp import web
from provider_protocols import ANTHROPIC, GEMINI, OPENAI, Ask, Protocol, Reply

LOG_LENGTH = 10_000
BIG_REPLY_BYTES = 10 * 1024 * 1024
VECTOR_LENGTH = 16
FAULTS = {
    "429": "too many requests; an argument is Retry-After in seconds",
    "429-date": "the same with Retry-After as a date, argument in seconds from now",
    "429-ms": "the same with retry-after-ms",
    "401": "wrong key, repeated in the message",
    "quota": "429 with insufficient_quota",
    "overflow": "400 with context_length_exceeded",
    "filter400": "400 with content_filter",
    "error200": "an error inside a 200; the argument is its code",
    "hang": "no answer for an argument of seconds (default: for ever)",
    "slow": "answers after an argument of milliseconds",
    "reset": "the connection is reset before an answer",
    "truncated": "the connection ends inside the body",
    "trickle": "the body comes byte by byte (a stream event by event), an argument of milliseconds apart",
    "malformed": "a body that is no JSON",
    "html": "a web page with status 200 (argument: another status)",
    "text": "the right JSON with content type text/plain",
    "big": "10 MB of text",
    "usage": "odd usage: the argument is missing, negative, text or huge",
    "null": "null content",
    "empty": "an empty text",
    "nochoices": "a reply without choices",
    "length": "stopped by length",
    "filter": "stopped by the content filter",
    "tool": "a call of the first tool",
    "cutstream": "the stream ends half-way",
    "errorstream": "an error inside the stream",
    "say": "the argument is the reply",
}
_MARK = re.compile(rb"\[\[([a-z0-9-]+)(?::([^\]*]*))?(?:\*(\d+))?\]\]")
_ERRORS = {
    401: ("invalid_api_key", "authentication_error", "Incorrect API key provided: {key}."),
    402: ("insufficient_balance", "billing_error", "Insufficient Balance"),
    403: ("permission_denied", "permission_error", "You are not allowed to do this."),
    404: ("model_not_found", "not_found_error", "The model `{model}` does not exist."),
    429: ("rate_limit_exceeded", "rate_limit_error", "Too many requests."),
}
_HTML = b"<!DOCTYPE html><html><head><title>Hello</title></head><body>Not what you asked for</body></html>"


class FakeProvider:
    """The server's state and its one handler."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets what came and what was ordered."""
        self.latency_ms = 0.0
        self.jitter_ms = 0.0
        self.seed = 0
        self.rules: list[dict[str, Any]] = []
        self.sequence: deque[str] = deque()
        self.answers: list[dict[str, str]] = []
        self.labels: list[str] = []
        self.key = ""
        self.limit: dict[str, float] = {}
        self.tokens = 0.0
        self.filled_at = 0.0
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self.requests = 0
        self.seen: Counter[bytes] = Counter()
        self.peers: set[tuple[str, int]] = set()
        self.outcomes: Counter[str] = Counter()
        self.in_flight = 0
        self.max_in_flight = 0

    def control(self, **orders: Any) -> None:
        """What POST /_control does."""
        if orders.pop("reset", False):
            self.reset()
        for name, value in orders.items():
            if name not in {
                "latency_ms", "jitter_ms", "seed", "rules", "sequence", "answers", "labels", "key", "limit"
            }:  # fmt: skip
                raise ValueError(f"unknown order {name!r}")
            setattr(self, name, deque(value) if name == "sequence" else value)

    def count(self) -> dict[str, Any]:
        """How many requests came, different bodies, connections, requests at once, and how they ended."""
        return {
            "requests": self.requests,
            "distinct": len(self.seen),
            "connections": len(self.peers),
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "outcomes": dict(self.outcomes),
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/_"):
            return await self._own(path, request)
        if request.method == "GET" and path.endswith("/models"):
            return _json({"object": "list", "data": [{"id": "fake-1", "object": "model"}]})
        body = await request.read()
        protocol = next((each for each in (OPENAI, ANTHROPIC, GEMINI) if each.serves(path)), None)
        if protocol is None and not path.endswith("/v1/embeddings"):
            return web.Response(body=_HTML, status=404, content_type="text/html")
        self.requests += 1
        digest = hashlib.blake2b(path.encode() + body, digest_size=16).digest()
        self.seen[digest] += 1
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        entry = {"path": path, "body": body, "headers": request.headers, "at": time.time(), "fault": ""}
        self.log.append(entry)
        outcomes = self.outcomes  # of now: a request that a reset overtakes no longer counts
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            fault, argument = self._fault(path.encode() + body, digest)
            refused = not fault and not self._within_limit()
            if refused:
                fault = "429"
            entry["fault"] = fault
            if (self.latency_ms or self.jitter_ms) and not refused:
                draw = random.Random(digest + bytes([self.seed % 256])).random()
                await asyncio.sleep((self.latency_ms + draw * self.jitter_ms) / 1000)
            answer = await self._answer(request, protocol or OPENAI, path, body, fault, argument)
            outcomes[fault or "ok"] += 1
            return answer
        finally:
            if outcomes is self.outcomes:
                self.in_flight -= 1

    async def _own(self, path: str, request: web.BaseRequest) -> web.Response:
        if path == "/_control":
            try:
                self.control(**orjson.loads(await request.read()))
            except (ValueError, TypeError) as error:
                return _json({"error": str(error)}, status=400)
            return _json({"ok": True})
        if path == "/_count":
            return _json(self.count())
        if path == "/_log":
            return _json([readable(entry) for entry in self.log])
        return _json({"error": "there are /_control, /_count and /_log"}, status=404)

    def _fault(self, asked: bytes, digest: bytes) -> tuple[str, str]:
        """The fault that strikes this request, and its argument; "" is none."""
        if b"[[" in asked:
            for name, argument, times in _MARK.findall(asked):
                if not times or self.seen[digest] <= int(times):
                    return name.decode(), argument.decode()
        if self.sequence:
            name, _, argument = self.sequence.popleft().partition(":")
            return ("" if name == "ok" else name), argument
        if self.rules:
            chance = random.Random(digest + f"{self.seed}:{self.seen[digest]}".encode())
            for rule in self.rules:
                if chance.random() < rule.get("p", 1.0):
                    name, _, argument = str(rule["fault"]).partition(":")
                    return name, argument
        return "", ""

    def _within_limit(self) -> bool:
        if self.in_flight > self.limit.get("in_flight", self.in_flight):
            return False
        if "per_s" not in self.limit:
            return True
        now, rate = time.monotonic(), self.limit["per_s"]
        burst = self.limit.get("burst", rate)
        self.tokens = min(burst, self.tokens + (now - self.filled_at) * rate)
        self.filled_at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    async def _answer(
        self, request: web.BaseRequest, protocol: Protocol, path: str, body: bytes, fault: str, argument: str
    ) -> web.StreamResponse:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = key or request.headers.get("x-api-key") or request.headers.get("x-goog-api-key") or ""
        if fault == "hang":
            await asyncio.sleep(float(argument or 3600))
        elif fault == "slow":
            await asyncio.sleep(float(argument) / 1000)
        elif fault == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()  # to no one
        elif fault == "html":
            return web.Response(body=_HTML, status=int(argument or 200), content_type="text/html")
        elif fault == "malformed":
            return web.Response(body=b'{"choices": [{"mess', content_type="application/json")
        if self.key and key != self.key:
            return _error(protocol, 401, key=key)
        if fault[:3].isdigit() or fault in ("quota", "overflow", "filter400", "error200"):
            return _fault_answer(protocol, fault, argument, key)
        try:
            asked = _parsed(body)
        except orjson.JSONDecodeError:
            return _error(protocol, 400, message="The body is no JSON.")
        if path.endswith("/embeddings"):
            return _json(_embeddings(asked))
        ask = protocol.read(path, asked)
        if ask.model.startswith("missing"):
            return _error(protocol, 404, model=ask.model)
        if protocol is OPENAI and ask.reasoner and (refused := ask.refused_by_reasoner(asked)):
            return _json({"error": refused}, status=400)
        reply = self._reply(ask, fault, argument)
        if ask.stream:
            return await _stream(request, protocol, ask, reply, fault, argument)
        return await _whole(
            request, orjson.dumps(protocol.write(ask, reply, fault, argument)), fault, argument
        )

    def _reply(self, ask: Ask, fault: str, argument: str) -> Reply:
        if fault == "say":
            return Reply.of(ask, argument)
        if fault == "big":
            return Reply.of(ask, "x" * BIG_REPLY_BYTES)
        if fault == "empty":
            return Reply.of(ask, "")
        last = ask.turns[-1][1] if ask.turns else ""
        for rule in self.answers:
            if "contains" in rule and rule["contains"] in last:
                return Reply.of(ask, rule["reply"], top=rule.get("top"))
            if "regex" in rule and (found := re.search(rule["regex"], last)):
                return Reply.of(ask, found.expand(rule["reply"]), top=rule.get("top"))
        digest = hashlib.sha256(orjson.dumps([ask.model, ask.turns])).hexdigest()
        if self.labels:
            return Reply.of(ask, self.labels[int(digest[:8], 16) % len(self.labels)])
        if ask.model.startswith("echo"):
            return Reply.of(ask, last)
        seen = f" with {ask.images} images" if ask.images else ""
        return Reply.of(ask, f"This is reply {digest[:8]}{seen}.", fault)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # Half a surrogate pair: many providers take it, as JSON does.
        return orjson.loads(re.sub(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", b"?", body))


def readable(entry: dict[str, Any]) -> dict[str, Any]:
    """A line of the log as JSON can say it."""
    try:
        body = _parsed(entry["body"])
    except orjson.JSONDecodeError:
        body = entry["body"].decode("utf-8", "replace")
    return {**entry, "body": body, "headers": {name.lower(): each for name, each in entry["headers"].items()}}


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


def _error(
    protocol: Protocol, status: int, *, key: str = "", model: str = "", message: str = "", code: str = "",
    headers: dict[str, str] | None = None,
) -> web.Response:  # fmt: skip
    usual, kind, text = _ERRORS.get(
        status, ("", "invalid_request_error" if status < 500 else "api_error", "")
    )
    text = message or text.format(key=key, model=model) or f"Status {status}, as ordered."
    return _json(protocol.error(status, code or usual, kind, text), status, headers)


def _fault_answer(protocol: Protocol, fault: str, argument: str, key: str) -> web.Response:
    if fault == "quota":
        message = "You exceeded your current quota, please check your plan and billing details."
        return _error(protocol, 429, code="insufficient_quota", message=message)
    if fault == "overflow":
        message = "This model's maximum context length is 100 tokens. Your prompt is too long."
        return _error(protocol, 400, code="context_length_exceeded", message=message)
    if fault == "filter400":
        return _error(protocol, 400, code="content_filter", message="The prompt was filtered.")
    if fault == "error200":
        return _json({"error": {"code": int(argument or 502), "message": "Upstream failed."}})
    headers: dict[str, str] = {}
    if argument and fault == "429-date":
        headers["Retry-After"] = formatdate(time.time() + float(argument), usegmt=True)
    elif argument and fault == "429-ms":
        headers["retry-after-ms"] = argument
    elif argument:
        headers["Retry-After"] = argument
    return _error(protocol, int(fault[:3]), key=key, headers=headers)


async def _whole(request: web.BaseRequest, body: bytes, fault: str, argument: str) -> web.StreamResponse:
    if fault == "text":
        return web.Response(body=body, content_type="text/plain")
    if fault not in ("truncated", "trickle"):
        return web.Response(body=body, content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    if fault == "truncated":
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.close()
        return response
    for byte in body:
        await response.write(bytes([byte]))
        await asyncio.sleep(float(argument or 1) / 1000)
    return response


async def _stream(
    request: web.BaseRequest, protocol: Protocol, ask: Ask, reply: Reply, fault: str, argument: str
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    events = list(protocol.events(ask, reply))
    if fault in ("cutstream", "errorstream"):
        events = events[: len(events) // 2]
    for event in events:
        await response.write(event)
        if fault == "trickle":
            await asyncio.sleep(float(argument or 1) / 1000)
    if fault == "errorstream":
        await response.write(
            b"data: " + orjson.dumps(protocol.error(529, "", "overloaded_error", "Busy.")) + b"\n\n"
        )
    await response.write_eof()
    return response


def _embeddings(asked: dict[str, Any]) -> dict[str, Any]:
    """Bags of hashed words, so that texts that share words are near each other."""
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    data = []
    for index, text in enumerate(texts):
        vector = [0.0] * VECTOR_LENGTH
        for word in text.lower().split() or [""]:
            vector[hashlib.sha256(word.encode()).digest()[0] % VECTOR_LENGTH] += 1.0
        length = sum(number * number for number in vector) ** 0.5
        data.append({"object": "embedding", "index": index, "embedding": [each / length for each in vector]})
    tokens = sum(len(text.split()) for text in texts)
    data.reverse()  # the order is in the index, not in the list
    return {
        "object": "list",
        "data": data,
        "model": asked["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


@asynccontextmanager
async def running(provider: FakeProvider, port: int = 0) -> AsyncIterator[str]:
    """Serves while the block runs; gives the address."""
    runner = web.ServerRunner(web.Server(provider.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _serve(port: int) -> None:
    async with running(FakeProvider(), port) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--port", type=int, default=0)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.parse_args().port))
