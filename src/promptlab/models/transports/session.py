"""Requests over one aiohttp session: through proxies, as streams, and with what is unusual about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import aiohttp
from yarl import URL

from promptlab.models.transports.connection import Broken, Reply
from promptlab.models.transports.direct import DNS_TTL_S, KEEPALIVE_S
from promptlab.models.transports.replies import StreamedReply, check_size


class Session:
    """As `Connections`, over aiohttp. For one event loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        *,
        proxy: str | None,
        streamed: StreamedReply | None,
    ) -> Reply:
        """One exchange, sent once. A stream goes to `streamed`, line by line; then the reply has no body.

        Raises as `Connections.ask`, and ValueError where the request cannot be sent.
        """
        if self._session is None:
            self._session = _new_session()
        if streamed is not None:
            # llama.cpp's server hangs up after a stream without saying so: not back into the pool.
            headers = {**headers, "Connection": "close"}
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=_timeout(timeout_s),
                proxy=proxy,
                allow_redirects=False,  # a redirected POST becomes a GET, and the key would go along
            ) as response:
                listens = streamed is not None and response.status == 200
                read = await (_listen(response, streamed) if listens and streamed else _read(response))
                fields = tuple(response.raw_headers)
                return Reply(response.status, fields, read)
        except aiohttp.ClientError as error:
            if isinstance(error, TimeoutError | ValueError):
                raise
            raise Broken(f"{type(error).__name__}{f': {error}' if str(error) else ''}") from error

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        # No limit: the client's limiter decides how many are in flight.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=int(DNS_TTL_S)),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, unless it is too long."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        check_size(size)
        chunks.append(chunk)
    return b"".join(chunks)


async def _listen(response: aiohttp.ClientResponse, streamed: StreamedReply) -> bytes:
    """Feeds a stream to `streamed`, line by line; returns the body where it is no stream but JSON."""
    if response.content_type == "application/json":
        return await _read(response)
    rest = b""
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        check_size(size)
        *lines, rest = (rest + chunk).split(b"\n")
        if any(streamed.take(line) for line in lines):
            return b""
    streamed.take(rest)
    return b""
