"""The OpenAI chat protocol over one pooled aiohttp session: OpenAI and every endpoint that speaks it."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import aiohttp
from yarl import URL

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.models.catalog import key_needed, missing_key_remedy
from promptlab.models.keys import find_key
from promptlab.models.request import Completion, Embeddings, Model, Request
from promptlab.models.transports import transports
from promptlab.models.transports.base import Progress, Transport, silent
from promptlab.models.transports.dialect import Dialect, dumps, refused_parameter, request_body
from promptlab.models.transports.faults import ErrorReply, describe, fault, read_error
from promptlab.models.transports.replies import (
    MalformedReply,
    StreamedReply,
    completion_of,
    filtered,
    parsed,
    usage_of,
    vectors_of,
)

MAX_REPLY_BYTES = 64 * 1024 * 1024
KEEPALIVE_S = 30.0
DNS_TTL_S = 300
# How long a key counts as looked up: files and the keyring are too slow to ask for every call.
KEY_S = 1.0
_MAX_NEGOTIATIONS = 6  # parameters a model may refuse one after the other before its error stands

_Read = Callable[[aiohttp.ClientResponse], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class _Route:
    """Where requests of one kind go. `own_login`: the address brings a user, so no bearer key goes along."""

    url: URL
    proxy: str | None
    own_login: bool


class OpenAIChat(Transport):
    """Chat completions and embeddings, in the protocol of OpenAI.

    A model that refuses a default parameter is asked again without it, and one that wants
    `max_completion_tokens` for `max_tokens` gets it; both are remembered. A refused request was not
    answered and costs nothing, so this is no retry.
    """

    name = "openai_chat"
    keeps_time = True

    def __init__(self, *, progress: Progress = silent) -> None:
        super().__init__(progress=progress)
        self._session: aiohttp.ClientSession | None = None
        self._routes: dict[tuple[str, str], _Route] = {}
        self._dialects: dict[tuple[str, str], Dialect] = {}
        self._bearers: dict[tuple[str, str, object], tuple[str | None, float]] = {}

    async def send(self, request: Request) -> Completion:
        return await self._ask(request, None)

    async def stream(self, request: Request, on_delta: Callable[[str], None]) -> Completion:
        return await self._ask(request, on_delta)

    async def embed(self, model: Model, texts: Sequence[str], timeout_s: float = 60.0) -> Embeddings:
        payload = dumps({"model": model.wire_name, "input": list(texts), **model.extra_body})
        try:
            body = parsed(await self._fetch(model, "embeddings", payload, timeout_s, _read))
            vectors = vectors_of(body, len(texts))
        except ErrorReply as reply:
            raise fault(model, reply) from None
        except MalformedReply as error:
            raise _malformed(model, error) from None
        return Embeddings(vectors, usage_of(body.get("usage")), str(body.get("model") or ""))

    async def offered(self, model: Model, timeout_s: float = 20.0) -> list[Mapping[str, Any]]:
        """The entries of the endpoint's list of models, each with an `id`. Raises CallError like `send`."""
        try:
            entries = parsed(await self._fetch(model, "models", None, timeout_s, _read)).get("data")
        except ErrorReply as reply:
            raise fault(model, reply) from None
        except MalformedReply as error:
            raise _malformed(model, error) from None
        if not isinstance(entries, list):
            raise _malformed(model, MalformedReply("it answered without a list of models"))
        return [each for each in entries if isinstance(each, dict) and isinstance(each.get("id"), str)]

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, request: Request, on_delta: Callable[[str], None] | None) -> Completion:
        model = request.model
        dialect = self._dialects.get((model.endpoint, model.id))
        if dialect is None:
            dialect = self._dialects[model.endpoint, model.id] = Dialect.of(model)
        for _ in range(_MAX_NEGOTIATIONS):
            body, left_out = request_body(request, dialect, streamed=on_delta is not None)
            try:
                return await self._exchange(request, dumps(body), left_out, on_delta)
            except ErrorReply as reply:
                if reply.error.filtered:
                    return filtered(left_out)
                if reply.status not in (400, 422) or not dialect.learn(reply.error, body, request):
                    raise fault(model, reply, remedy=_remedy(request, reply)) from None
            except MalformedReply as error:
                raise _malformed(model, error) from None
        raise CallError(CallErrorKind.BAD_REQUEST, describe(model, "it refuses one parameter after another"))

    async def _exchange(
        self,
        request: Request,
        payload: bytes,
        left_out: tuple[str, ...],
        on_delta: Callable[[str], None] | None,
    ) -> Completion:
        streamed = StreamedReply(on_delta) if on_delta else StreamedReply()

        async def listen(response: aiohttp.ClientResponse) -> bytes:
            return await _listen(response, streamed)

        read = listen if on_delta else _read
        data = await self._fetch(request.model, "chat/completions", payload, request.timeout_s, read)
        if data.startswith(b"data:"):  # asked for one piece, answered with a stream
            for line in data.splitlines():
                streamed.take(line)
            data = b""
        elif not on_delta:
            return completion_of(parsed(data), left_out)
        if not data:
            return streamed.completion(left_out)
        completion = completion_of(parsed(data), left_out)  # asked for a stream, answered in one piece
        if on_delta:
            on_delta(completion.text)
        return completion

    async def _fetch(
        self, model: Model, path: str, payload: bytes | None, timeout_s: float, read: _Read
    ) -> bytes:
        """What `read` makes of a 200. Else ErrorReply; CallError where no answer came. No payload: a GET."""
        route = self._routes.get((model.api_base, path)) or self._route(model, path)
        headers = {"Content-Type": "application/json", **model.headers}
        if read is not _read:
            # llama.cpp's server hangs up after a stream without saying so: not back into the pool.
            headers["Connection"] = "close"
        if not route.own_login and "Authorization" not in headers:
            bearer = self._bearer(model)
            if bearer is not None:
                headers["Authorization"] = bearer
        if self._session is None:
            self._session = _new_session()
        try:
            async with self._session.request(
                "GET" if payload is None else "POST",
                route.url,
                data=payload,
                headers=headers,
                timeout=_timeout(timeout_s),
                proxy=route.proxy,
                allow_redirects=False,  # a redirected POST becomes a GET, and the key would go along
            ) as response:
                if response.status == 200:
                    return await read(response)
                raise ErrorReply(response.status, read_error(await _read(response)), response.headers)
        except TimeoutError:
            text = f"no reply within {timeout_s:g} s"
            raise CallError(CallErrorKind.TIMEOUT, describe(model, text)) from None
        except (aiohttp.InvalidURL, ValueError) as error:  # also headers that cannot be sent
            text = f"the request cannot be sent ({type(error).__name__}: {error})"
            raise CallError(CallErrorKind.BAD_REQUEST, describe(model, text)) from None
        except (aiohttp.ClientError, OSError) as error:
            text = f"connection failed ({type(error).__name__}{f': {error}' if str(error) else ''})"
            raise CallError(CallErrorKind.CONNECTION, describe(model, text)) from None

    def _bearer(self, model: Model) -> str | None:
        """The Authorization of a model's requests; None where it needs no key and there is none."""
        which = (model.api_base, model.key_env, model.settings.get("folder"))
        now = asyncio.get_running_loop().time()
        bearer, until = self._bearers.get(which, (None, 0.0))
        if now >= until:
            key = find_key(model)
            if key is None and key_needed(model):
                raise CallError(
                    CallErrorKind.AUTH, f"{model.name} has no key.", remedy=missing_key_remedy(model)
                )
            bearer = None if key is None else f"Bearer {key.reveal()}"
            self._bearers[which] = (bearer, now + KEY_S)
        return bearer

    def _route(self, model: Model, path: str) -> _Route:
        base = URL(model.api_base)
        url = base.with_path(f"{base.path.rstrip('/')}/{path}", keep_query=True)
        route = _Route(url=url, proxy=_proxy(url), own_login=url.user is not None)
        self._routes[model.api_base, path] = route
        return route


def _new_session() -> aiohttp.ClientSession:
    try:
        release = version("promptlab-workbench")
    except PackageNotFoundError:  # run from a source tree
        release = "dev"
    return aiohttp.ClientSession(
        # No limit: the client's limiter decides how many are in flight.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=DNS_TTL_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"promptlab/{release}"},
    )


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


def _proxy(url: URL) -> str | None:
    """The environment's proxy for this address (HTTPS_PROXY, NO_PROXY), looked up once an address."""
    host = url.host or ""
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not proxy.startswith(("http://", "https://")):
        kind = proxy.partition("://")[0]
        raise UsageError(
            f"the proxy for {host} is of a kind that is not supported ({kind}).",
            remedy=f"Give an http:// proxy in {url.scheme.upper()}_PROXY, or list the host in NO_PROXY.",
        )
    return proxy


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, refused above MAX_REPLY_BYTES."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        _check_size(size)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _listen(response: aiohttp.ClientResponse, streamed: StreamedReply) -> bytes:
    """Feeds a stream to `streamed`, line by line; returns the body where it is no stream but JSON."""
    if response.content_type == "application/json":
        return await _read(response)
    rest = b""
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        _check_size(size)
        *lines, rest = (rest + chunk).split(b"\n")
        if any(streamed.take(line) for line in lines):
            return b""
    streamed.take(rest)
    return b""


def _check_size(size_bytes: int) -> None:
    if size_bytes > MAX_REPLY_BYTES:
        raise MalformedReply(f"the reply is longer than {MAX_REPLY_BYTES} bytes")


def _malformed(model: Model, error: MalformedReply) -> CallError:
    return CallError(CallErrorKind.MALFORMED, describe(model, str(error)), remedy=error.remedy, status=200)


def _remedy(request: Request, reply: ErrorReply) -> str:
    """Names the parameter of the user's that the model does not take, where that is the fault."""
    name = refused_parameter(reply.error, request.sampling)
    return f"Remove or change {name} ({request.sampling[name]!r}) in the experiment." if name else ""


transports.add(OpenAIChat.name, OpenAIChat)
