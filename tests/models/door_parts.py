"""What the tests of the client share: a transport made of a function, requests, a counting HTTP server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.models.request import Completion, Draw, Message, Model, Request, Usage
from promptlab.models.transports.base import Transport

MODEL = Model(id="scripted/x", name="x", transport="scripted", endpoint="test://one")


def request(text: str = "hello", **more: Any) -> Request:
    """A request at temperature 0 (so that the sample does not count), unless `sampling` says otherwise."""
    more.setdefault("sampling", {"temperature": 0})
    more.setdefault("model", MODEL)
    return Request(messages=(Message("user", text),), **more)


def drawn(sample: str, **more: Any) -> Request:
    return request(draw=Draw(sample=sample), sampling={"temperature": 0.7}, **more)


def refusal(retry_after_s: float | None = None) -> CallError:
    return CallError(CallErrorKind.RATE_LIMITED, "429", status=429, retry_after_s=retry_after_s)


async def until(holds: Callable[[], object]) -> None:
    """Lets others run until the condition holds; 10 s are too long."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  what is looked at has no event to set
            await asyncio.sleep(0.001)


class Answering(Transport):
    """Asks a function for the reply, and counts."""

    name = "scripted"

    def __init__(self, answer: Callable[[Request], Awaitable[str]] | None = None) -> None:
        self.answer = answer
        self.sent: list[Request] = []
        self.opened: list[Model] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def open(self, model: Model) -> None:
        self.opened.append(model)

    async def send(self, request: Request) -> Completion:
        self.sent.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            text = "fine" if self.answer is None else await self.answer(request)
        finally:
            self.in_flight -= 1
        return Completion(text=text, usage=Usage(prompt_tokens=10, completion_tokens=5), model="x-1")


class Posting(Transport):
    """Real HTTP, just enough of it: posts the text to `api_base`, the reply is the answer."""

    name = "posting"

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request) -> Completion:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(
            request.model.api_base, json={"text": request.messages[-1].content}
        ) as reply:
            return Completion(text=await reply.text(), usage=Usage(prompt_tokens=10, completion_tokens=5))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class CountingServer:
    """How often each text was asked; `gate` holds the replies back while it is not set."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.first = threading.Event()
        self.url = ""


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    state, lock = CountingServer(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
            with lock:
                state.asked[text] += 1
            state.first.set()
            state.gate.wait(30)
            body = f"reply to {text}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
