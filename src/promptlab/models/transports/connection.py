"""One HTTP/1.1 connection of ours: a request goes out whole, and its reply is put together."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from promptlab.models.transports.replies import MAX_REPLY_BYTES, MalformedReply, check_size

MAX_HEAD_BYTES = 256 * 1024


class Broken(OSError):
    """No connection, or it ended before the reply did, or what came is no HTTP."""


@dataclass(frozen=True)
class Reply:
    """A whole reply; its body is unpacked."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case."""
        return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in self.fields}


class Connection(asyncio.Protocol):
    """One connection: one exchange after the other. The parser calls the methods named on_..."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._in_body = False
        self._goes_on = True

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: both sides are done with the last one."""
        transport = self._transport
        return (
            self._goes_on
            and transport is not None
            and not transport.is_closing()
            and not transport.get_write_buffer_size()
        )

    async def ask(self, message: bytes) -> Reply:
        """Sends a request and waits for the whole reply. Who does not wait to the end must `abort`."""
        if self._transport is None or self._transport.is_closing():
            raise Broken("the server closed the connection")
        self._waiting = asyncio.get_running_loop().create_future()
        self._head_bytes = 0
        self._transport.write(message)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def abort(self) -> None:
        """Ends it at once."""
        self._goes_on = False
        if self._transport is not None:
            self._transport.abort()

    # What comes from the network

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(Broken(f"what came is no HTTP/1.1 reply ({error})"))
            return
        if not self._in_body:
            self._bound_head(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._goes_on = False
        if self._waiting is None or self._waiting.done():
            return
        names = {name.lower() for name, _ in self._fields}
        if exc is None and self._in_body and not names & {b"content-length", b"transfer-encoding"}:
            self._complete()  # its end is that of the connection
        else:
            self._fail(Broken(str(exc) if exc else "the server closed the connection before its reply ended"))

    # What the parser finds

    def on_message_begin(self) -> None:
        if self._waiting is None or self._waiting.done():  # nobody asked
            self._goes_on = False
        self._fields, self._pieces = [], []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))
        if self._in_body:  # behind the last chunk
            self._bound_head(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_body = True
        self._head_bytes = self._body_bytes = 0

    def on_body(self, piece: bytes) -> None:
        self._body_bytes += len(piece)
        try:
            check_size(self._body_bytes)
        except MalformedReply as error:
            self._fail(error)
        else:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._parser.get_status_code() >= 200:  # else the reply is still to come
            self._goes_on = self._goes_on and self._parser.should_keep_alive()
            self._complete()

    def _bound_head(self, more_bytes: int) -> None:
        self._head_bytes += more_bytes
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail(Broken(f"the reply's headers are longer than {MAX_HEAD_BYTES} bytes"))

    def _complete(self) -> None:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Reply(self._parser.get_status_code(), tuple(self._fields), body))
        self._pieces = []

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
        self.abort()


def unpacked(reply: Reply) -> Reply:
    """With its body as it was before it was packed for the way."""
    for name, value in reply.fields:
        if len(name) == 16 and name.lower() == b"content-encoding":
            packing = value.decode("latin-1").strip().lower()
            if packing not in ("", "identity"):
                return Reply(reply.status, reply.fields, _unpack(reply.body, packing))
    return reply


def _unpack(body: bytes, packing: str) -> bytes:
    if not body:
        return body
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise Broken(f"the reply is packed in a way that was not asked for ({packing})")
    # Servers that say "deflate" may mean it with zlib's header or without.
    raw = packing == "deflate" and body[0] & 0x0F != 8
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32)
    try:
        plain = unpacking.decompress(body, MAX_REPLY_BYTES + 1)
    except zlib.error as error:
        raise Broken(f"the reply cannot be unpacked ({error})") from None
    check_size(len(plain))
    if not unpacking.eof:
        raise Broken("the packed reply ends too early")
    return plain
