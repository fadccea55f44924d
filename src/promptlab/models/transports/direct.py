"""HTTP/1.1 straight to a server: requests of the usual kind, whole replies, connections kept open.

aiohttp can do far more, and costs three times as much for a call and a quarter of a second to import. What
only it can do (proxies, streams, logins and unusual headers) stays with it: see `session`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

from aiohappyeyeballs import start_connection
from yarl import URL

from promptlab.models.transports.connection import Broken, Connection, Reply, unpacked

KEEPALIVE_S = 30.0
DNS_TTL_S = 300.0
# How long one address is tried alone before the next one is tried beside it (RFC 8305).
NEXT_ADDRESS_S = 0.25

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
# Whoever sets one of these wants a message of another form.
_FRAMING = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class Origin(NamedTuple):
    """Where a connection leads to."""

    secure: bool
    host: str
    port: int


def origin_of(url: URL) -> Origin | None:
    """None where the address is none that this module takes."""
    if url.scheme not in ("http", "https") or not url.raw_host or url.port is None or url.user is not None:
        return None
    return Origin(url.scheme == "https", url.raw_host, url.port)


def head_of(method: str, url: URL, headers: Mapping[str, str]) -> bytes | None:
    """All of a request but its length and body; None where a header is none that this module sends."""
    if any(
        name.lower() in _FRAMING or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value)
        for name, value in headers.items()
    ):
        return None
    given = {name.lower() for name in headers}
    lines = [
        f"{method} {url.raw_path_qs} HTTP/1.1",
        f"Host: {url.host_port_subcomponent}",
        *([] if "accept" in given else ["Accept: */*"]),
        "Accept-Encoding: gzip, deflate",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


class Connections:
    """Connections to any number of servers, kept for the next request. For one event loop."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[tuple[Connection, float]]] = {}
        self._addresses: dict[tuple[str, int], tuple[asyncio.Task[list[Any]], float]] = {}
        self._tls: ssl.SSLContext | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def ask(self, origin: Origin, head: bytes, body: bytes | None, timeout_s: float) -> Reply:
        """One exchange, sent once: no redirect is followed and nothing is tried again.

        TimeoutError: no whole reply in time. OSError: no connection, or it broke. MalformedReply: too long.
        """
        message = head + (b"\r\n" if body is None else b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        async with asyncio.timeout(timeout_s):
            connection = self._kept(origin) or await self._connect(origin)
            try:
                reply = await connection.ask(message)
            except BaseException:
                connection.abort()
                raise
        if connection.reusable:
            self._keep(origin, connection)
        else:
            connection.abort()
        return unpacked(reply)

    async def close(self) -> None:
        """Ends the idle connections; those in use end with their request."""
        if self._sweep is not None:
            self._sweep.cancel()
        idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection, _ in connections:
                connection.abort()
        for task, _ in self._addresses.values():
            task.cancel()

    def _kept(self, origin: Origin) -> Connection | None:
        """The one that was used last: the others may end."""
        idle = self._idle.get(origin)
        since = asyncio.get_running_loop().time() - KEEPALIVE_S
        while idle:
            connection, used = idle.pop()
            if connection.reusable and used > since:
                return connection
            connection.abort()
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        self._idle.setdefault(origin, []).append((connection, loop.time()))
        if self._sweep is None:
            self._sweep = loop.call_later(KEEPALIVE_S, self._end_idle)

    def _end_idle(self) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time() - KEEPALIVE_S
        for origin, connections in list(self._idle.items()):
            left = [each for each in connections if each[0].reusable and each[1] > since]
            for each in connections:
                if each not in left:
                    each[0].abort()
            self._idle[origin] = left
            if not left:
                del self._idle[origin]
        self._sweep = loop.call_later(KEEPALIVE_S, self._end_idle) if self._idle else None

    async def _connect(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        if origin.secure and self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        try:
            addresses = await self._resolved(origin)
            connected = await start_connection(
                addresses, happy_eyeballs_delay=NEXT_ADDRESS_S, interleave=1, loop=loop
            )
            _, connection = await loop.create_connection(
                Connection,
                sock=connected,
                ssl=self._tls if origin.secure else None,
                server_hostname=origin.host if origin.secure else None,
            )
        except ssl.SSLError:
            raise
        except OSError as error:  # among them a TimeoutError of the system's, which is not ours
            raise Broken(f"cannot connect to {origin.host} port {origin.port}: {error}") from error
        return connection

    async def _resolved(self, origin: Origin) -> list[Any]:
        """The addresses of a host, asked for once for all who want to go there."""
        loop = asyncio.get_running_loop()
        which = (origin.host, origin.port)
        task, until = self._addresses.get(which, (None, 0.0))
        if task is None or loop.time() > until:
            task = loop.create_task(loop.getaddrinfo(*which, type=socket.SOCK_STREAM))
            self._addresses[which] = (task, loop.time() + DNS_TTL_S)
            task.add_done_callback(lambda done: self._forget(which, done))
        return await asyncio.shield(task)

    def _forget(self, which: tuple[str, int], done: asyncio.Task[list[Any]]) -> None:
        """A failure is for those who waited for it; the next one asks again."""
        if done.cancelled() or done.exception() is not None:
            self._addresses.pop(which, None)
