"""The OpenAI chat protocol over kept connections: OpenAI and every endpoint that speaks it."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from yarl import URL

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.models.catalog import key_needed, missing_key_remedy
from promptlab.models.keys import find_key
from promptlab.models.request import Completion, Embeddings, Model, Request
from promptlab.models.transports import transports
from promptlab.models.transports.base import Progress, Transport, silent
from promptlab.models.transports.connection import Broken
from promptlab.models.transports.dialect import Dialect, dumps, refused_parameter, request_body
from promptlab.models.transports.direct import Connections, Origin, head_of, origin_of
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

if TYPE_CHECKING:
    from promptlab.models.transports.session import Session

# How long a key counts as looked up: files and the keyring are too slow to ask for every call.
KEY_S = 1.0
_MAX_NEGOTIATIONS = 6  # parameters a model may refuse one after the other before its error stands
# Beginnings of requests that are kept.
_MAX_HEADS = 256


@dataclass(frozen=True, slots=True)
class _Route:
    """Where requests of one kind go. `own_login`: the address brings a user, so no bearer key goes along.

    Without an `origin` they go over aiohttp.
    """

    url: URL
    proxy: str | None
    own_login: bool
    origin: Origin | None


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
        self._connections = Connections()
        self._session: Session | None = None
        self._heads: dict[tuple[str, URL, str | None, tuple[tuple[str, str], ...]], bytes | None] = {}
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
            body = parsed(await self._fetch(model, "embeddings", payload, timeout_s))
            vectors = vectors_of(body, len(texts))
        except ErrorReply as reply:
            raise fault(model, reply) from None
        except MalformedReply as error:
            raise _malformed(model, error) from None
        return Embeddings(vectors, usage_of(body.get("usage")), str(body.get("model") or ""))

    async def offered(self, model: Model, timeout_s: float = 20.0) -> list[Mapping[str, Any]]:
        """The entries of the endpoint's list of models, each with an `id`. Raises CallError like `send`."""
        try:
            entries = parsed(await self._fetch(model, "models", None, timeout_s)).get("data")
        except ErrorReply as reply:
            raise fault(model, reply) from None
        except MalformedReply as error:
            raise _malformed(model, error) from None
        if not isinstance(entries, list):
            raise _malformed(model, MalformedReply("it answered without a list of models"))
        return [each for each in entries if isinstance(each, dict) and isinstance(each.get("id"), str)]

    async def close(self) -> None:
        await self._connections.close()
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
        streamed = StreamedReply(on_delta) if on_delta else None
        data = await self._fetch(request.model, "chat/completions", payload, request.timeout_s, streamed)
        if data.startswith(b"data:"):  # asked for one piece, answered with a stream
            streamed = streamed or StreamedReply()
            for line in data.splitlines():
                streamed.take(line)
            data = b""
        if streamed is None:
            return completion_of(parsed(data), left_out)
        if not data:
            return streamed.completion(left_out)
        completion = completion_of(parsed(data), left_out)  # asked for a stream, answered in one piece
        if on_delta:
            on_delta(completion.text)
        return completion

    async def _fetch(
        self,
        model: Model,
        path: str,
        payload: bytes | None,
        timeout_s: float,
        streamed: StreamedReply | None = None,
    ) -> bytes:
        """The body of a 200. Else ErrorReply; CallError where no answer came. No payload: a GET.

        A stream goes to `streamed`, and leaves no body.
        """
        route = self._routes.get((model.api_base, path)) or self._route(model, path)
        method = "GET" if payload is None else "POST"
        own_login = route.own_login or "authorization" in map(str.lower, model.headers)
        bearer = None if own_login else self._bearer(model)
        try:
            head = None if streamed is not None else self._head(method, route, model, bearer)
            if route.origin is not None and head is not None:
                reply = await self._connections.ask(route.origin, head, payload, timeout_s)
            else:
                headers = _headers(model, bearer)
                session = self._over_aiohttp()
                reply = await session.ask(
                    method, route.url, headers, payload, timeout_s, proxy=route.proxy, streamed=streamed
                )
        except TimeoutError:
            text = f"no reply within {timeout_s:g} s"
            raise CallError(CallErrorKind.TIMEOUT, describe(model, text)) from None
        except ValueError as error:  # an address or headers that cannot be sent, a certificate that is wrong
            text = f"the request cannot be sent ({type(error).__name__}: {error})"
            raise CallError(CallErrorKind.BAD_REQUEST, describe(model, text)) from None
        except OSError as error:
            said = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
            text = f"connection failed ({said})"
            raise CallError(CallErrorKind.CONNECTION, describe(model, text)) from None
        if reply.status == 200:
            return reply.body
        raise ErrorReply(reply.status, read_error(reply.body), reply.headers)

    def _head(self, method: str, route: _Route, model: Model, bearer: str | None) -> bytes | None:
        """What goes before the body; None where aiohttp must send it."""
        if route.origin is None:
            return None
        which = (method, route.url, bearer, tuple(model.headers.items()))
        if which not in self._heads:
            if len(self._heads) >= _MAX_HEADS:  # keys and headers that change all the time
                self._heads.clear()
            self._heads[which] = head_of(method, route.url, _headers(model, bearer))
        return self._heads[which]

    def _over_aiohttp(self) -> Session:
        """For what does not go the direct way: most processes never need it."""
        if self._session is None:
            from promptlab.models.transports.session import Session

            self._session = Session()
        return self._session

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
        proxy = _proxy(url)
        origin = None if proxy else origin_of(url)
        route = _Route(url=url, proxy=proxy, own_login=url.user is not None, origin=origin)
        self._routes[model.api_base, path] = route
        return route


def _headers(model: Model, bearer: str | None) -> dict[str, str]:
    """The model's own, and ours where it has none."""
    given = {name.lower() for name in model.headers}
    ours = {"Content-Type": "application/json", "User-Agent": _user_agent(), "Authorization": bearer}
    return {
        **{name: text for name, text in ours.items() if text is not None and name.lower() not in given},
        **model.headers,
    }


@lru_cache(maxsize=1)
def _user_agent() -> str:
    try:
        release = version("promptlab-workbench")
    except PackageNotFoundError:  # run from a source tree
        release = "dev"
    return f"promptlab/{release}"


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


def _malformed(model: Model, error: MalformedReply) -> CallError:
    return CallError(CallErrorKind.MALFORMED, describe(model, str(error)), remedy=error.remedy, status=200)


def _remedy(request: Request, reply: ErrorReply) -> str:
    """Names the parameter of the user's that the model does not take, where that is the fault."""
    name = refused_parameter(reply.error, request.sampling)
    return f"Remove or change {name} ({request.sampling[name]!r}) in the experiment." if name else ""


transports.add(OpenAIChat.name, OpenAIChat)
