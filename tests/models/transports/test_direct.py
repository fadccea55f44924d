"""Replies as servers may frame them, byte for byte: what is read whole, and what is refused."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from promptlab.models.transports import connection
from promptlab.models.transports.connection import Broken, Reply
from promptlab.models.transports.direct import Connections, Origin, head_of, origin_of
from promptlab.models.transports.replies import MalformedReply

Work = Callable[["Server", Connections], Awaitable[Any]]
OK = b"HTTP/1.1 200 OK\r\n"


class Server:
    """Answers each request with the next of `replies`, as it stands; None hangs up without a word."""

    def __init__(self, *replies: bytes | None, closes: bool = False) -> None:
        self.replies = list(replies)
        self.closes = closes
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.replies:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [int(each.split(b":")[1]) for each in head.split(b"\r\n") if b"-Length" in each]
                self.requests.append(head + await reader.readexactly(sum(length)))
                reply = self.replies.pop(0)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def ask(self, connections: Connections, body: bytes | None = b"{}", timeout_s: float = 10) -> Reply:
        url = URL(f"http://127.0.0.1:{self.port}/v1/x")
        head = head_of("POST", url, {"X-Team": "a"})
        assert head is not None
        return await connections.ask(Origin(False, "127.0.0.1", self.port), head, body, timeout_s)


def during(server: Server, work: Work) -> Any:
    async def run() -> Any:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        connections = Connections()
        try:
            return await work(server, connections)
        finally:
            await connections.close()
            listening.close()

    return asyncio.run(run())


def reply(*pieces: bytes, closes: bool = False) -> Reply:
    found = during(
        Server(b"".join(pieces), closes=closes), lambda server, connections: server.ask(connections)
    )
    assert isinstance(found, Reply)
    return found


def sized(body: bytes, *headers: bytes) -> bytes:
    lines = [*headers, b"Content-Length: %d" % len(body)]
    return OK + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def test_the_request_goes_out_as_one_message() -> None:
    server = Server(sized(b"[]"))
    during(server, lambda server, connections: server.ask(connections, b'{"a":1}'))
    assert server.requests == [
        b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
        b'X-Team: a\r\nContent-Length: 7\r\n\r\n{"a":1}' % server.port
    ]


def test_a_connection_serves_again_and_chunks_come_whole() -> None:
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
    server = Server(chunked, sized(b""), b"HTTP/1.1 204 No Content\r\n\r\n", sized(b"last"))

    async def work(server: Server, connections: Connections) -> list[bytes]:
        return [(await server.ask(connections)).body for _ in range(4)]

    assert during(server, work) == [b"abcde", b"", b"", b"last"]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("packing", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"Deflate", zlib.compress),
        (b"deflate", lambda body: zlib.compress(body, wbits=-15)),
        (b"identity", lambda body: body),
    ],
)
def test_packed_bodies_are_unpacked(packing: bytes, pack: Callable[[bytes], bytes]) -> None:
    assert reply(sized(pack(b"text" * 100), b"content-encoding: " + packing)).body == b"text" * 100


def test_a_small_body_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptlab.models.transports.replies.MAX_REPLY_BYTES", 1000)
    with pytest.raises(MalformedReply, match="longer than 1000 bytes"):
        reply(sized(gzip.compress(b"0" * 100_000), b"Content-Encoding: gzip"))


@pytest.mark.parametrize("packing", [b"br", b"gzip, gzip"])
def test_a_packing_that_nobody_asked_for_is_refused(packing: bytes) -> None:
    with pytest.raises(Broken, match="not asked for"):
        reply(sized(b"abc", b"Content-Encoding: " + packing))


def test_early_hints_are_not_the_reply() -> None:
    assert reply(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", sized(b"then")).body == b"then"


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    assert reply(OK, b"\r\nall of it", closes=True).body == b"all of it"


def test_headers_of_an_error_are_found_in_lower_case() -> None:
    found = reply(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")
    assert (found.status, found.headers["retry-after"]) == (429, "3")


BROKEN = {
    "short body": OK + b"Content-Length: 10\r\n\r\nshort",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "half a header": OK + b"Content-Len",
    "no chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nfive\r\nabcde\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "no gzip": OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    "half a gzip": OK
    + b"Content-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"
    + gzip.compress(b"a" * 99)[:12],
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_a_reply_that_is_broken_off_or_no_http_is_refused(sent: bytes) -> None:
    with pytest.raises(Broken):
        reply(sent, closes=True)


@pytest.mark.parametrize("before", [b"", b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"])
def test_headers_without_end_are_refused(monkeypatch: pytest.MonkeyPatch, before: bytes) -> None:
    monkeypatch.setattr(connection, "MAX_HEAD_BYTES", 10_000)
    with pytest.raises(Broken, match="longer than 10000 bytes"):
        reply(OK, before, b"X: y\r\n" * 9000)


def test_many_replies_on_one_connection_are_no_long_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_HEAD_BYTES", 1000)

    async def work(server: Server, connections: Connections) -> None:
        for _ in range(20):
            await server.ask(connections)

    server = Server(*[sized(b"x" * 500)] * 20)
    during(server, work)
    assert server.connections == 1


@pytest.mark.parametrize(
    "first",
    [sized(b"1", b"Connection: close"), sized(b"1") + b"HTTP/1.1 408 Late\r\n"],
    ids=["ends", "says more"],
)
def test_a_connection_that_ends_or_says_more_than_it_was_asked_is_not_used_again(first: bytes) -> None:
    async def work(server: Server, connections: Connections) -> list[bytes]:
        return [(await server.ask(connections)).body for _ in range(2)]

    server = Server(first, sized(b"2"))
    assert during(server, work) == [b"1", b"2"]
    assert server.connections == 2


def test_a_request_on_a_connection_that_breaks_is_not_sent_again() -> None:
    async def work(server: Server, connections: Connections) -> None:
        await server.ask(connections)
        with pytest.raises(Broken):
            await server.ask(connections)

    server = Server(sized(b"1"), None, sized(b"3"))
    during(server, work)
    assert len(server.requests) == 2


def test_who_is_late_is_hung_up_on_and_the_next_request_is_served() -> None:
    async def work(server: Server, connections: Connections) -> bytes:
        with pytest.raises(TimeoutError):
            await server.ask(connections, timeout_s=0.2)
        return (await server.ask(connections)).body

    assert during(Server(OK + b"Content-Length: 9\r\n\r\nnot all", sized(b"2")), work) == b"2"


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nY: b"}, {"X Y": "a"}, {"X": "é"}, {"Host": "other"}, {"connection": "close"}]
)
def test_unusual_headers_are_left_to_aiohttp(headers: dict[str, str]) -> None:
    assert head_of("POST", URL("http://127.0.0.1/v1"), headers) is None


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("http://127.0.0.1/v1", Origin(False, "127.0.0.1", 80)),
        ("https://[::1]:8443/v1", Origin(True, "::1", 8443)),
        ("https://bücher.example/v1", Origin(True, "xn--bcher-kva.example", 443)),
        ("https://user:word@host/v1", None),
        ("unix:///run/x", None),
    ],
)
def test_where_an_address_leads(address: str, origin: Origin | None) -> None:
    assert origin_of(URL(address)) == origin


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_must_be_one_that_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: Any, *, trusted: bool
) -> None:
    if shutil.which("openssl") is None:
        missing("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *[
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ],
            *["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"],
            *["-addext", "subjectAltName=DNS:localhost"],
        ],
        check=True,
        capture_output=True,
    )
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def run() -> list[bytes]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        server = Server(sized(b"1"), sized(b"2"))
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
        origin = Origin(True, "localhost", listening.sockets[0].getsockname()[1])
        connections = Connections()
        try:
            bodies = [(await connections.ask(origin, b"POST / HTTP/1.1\r\n", b"", 10)).body for _ in range(2)]
            assert server.connections == 1
            return bodies
        finally:
            await connections.close()
            listening.close()

    if trusted:
        assert asyncio.run(run()) == [b"1", b"2"]
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            asyncio.run(run())
