"""Who is answered and whose files are taken, by real requests: before anything of them is kept."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from promptlab.ui import guard

pytestmark = pytest.mark.browser

NAMED = "lab.example.org"
SECRETS = """\
[auth]
redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "x"
client_secret = "y"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""
FILE = (
    b'--B\r\nContent-Disposition: form-data; name="f"; filename="x.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nq,a\r\n--B--\r\n"
)


@dataclass
class Visitor:
    """Somebody without a browser: a websocket, a token against forged requests, and no name."""

    port: int

    def asked(
        self, method: str, path: str, body: bytes = b"", *, host: str = "", **headers: str
    ) -> tuple[int, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {"Host": host or f"127.0.0.1:{self.port}", **headers}
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers

    @contextmanager
    def socket(self, *, host: str = "", origin: str = "") -> Iterator[ClientConnection]:
        here = f"127.0.0.1:{self.port}"
        with connect(
            f"ws://{host or here}/_stcore/stream",
            sock=None if not host else http.client.socket.create_connection(("127.0.0.1", self.port)),
            subprotocols=["streamlit", "PLACEHOLDER"],  # type: ignore[list-item]
            origin=origin or f"http://{host or here}",  # type: ignore[arg-type]
            max_size=None,
        ) as opened:
            yield opened

    def session(self, opened: ClientConnection) -> str:
        """Has the script run to its end; the session that it ran in."""
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        opened.send(asked.SerializeToString())
        found = ""
        while True:
            told = ForwardMsg()
            told.ParseFromString(opened.recv(timeout=60))  # type: ignore[arg-type]
            kind = told.WhichOneof("type")
            if kind == "new_session":
                found = told.new_session.initialize.session_id
            ended = told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if kind == "script_finished" and ended and found:
                return found

    def sends(self, session: str) -> int:
        """Sends a file for that session, as its page would."""
        cookie = self.asked("GET", "/_stcore/health")[1]["Set-Cookie"].split(";")[0]
        headers = {
            "Content-Type": "multipart/form-data; boundary=B",
            "X-Xsrftoken": cookie.partition("=")[2],
            "Cookie": cookie,
        }
        return self.asked("PUT", f"/_stcore/upload_file/{session}/file", FILE, **headers)[0]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, workbench: Any) -> Iterator[tuple[Path, Visitor]]:
    folder = tmp_path_factory.mktemp("guarded")
    with workbench(folder, "--allow-host", NAMED.upper()) as (address, _):
        yield folder, Visitor(int(address.rpartition(":")[2]))


def test_a_file_is_taken_only_of_who_may_enter(started: tuple[Path, Visitor]) -> None:
    folder, visitor = started
    secrets = folder / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text(SECRETS)
    with visitor.socket() as opened:
        session = visitor.session(opened)
        assert visitor.sends(session) == 403, "nobody has signed in"
        secrets.unlink()  # nobody has to any more
        assert visitor.session(opened) == session
        assert visitor.sends(session) == 204
        assert visitor.sends("of-nobody") == 403
        secrets.write_text(SECRETS)
        visitor.session(opened)
        assert visitor.sends(session) == 403
        secrets.unlink()


@pytest.mark.parametrize("host", [NAMED, f"{NAMED}:8443", "localhost:1"])
def test_the_named_host_is_answered(started: tuple[Path, Visitor], host: str) -> None:
    _, visitor = started
    assert visitor.asked("GET", "/", host=host)[0] == 200
    with visitor.socket(host=host) as opened:
        assert visitor.session(opened)


def test_a_page_behind_a_proxy_that_changes_host_or_port_is_answered(
    started: tuple[Path, Visitor],
) -> None:
    _, visitor = started
    for host in (NAMED, ""):
        with visitor.socket(host=host, origin=f"https://{NAMED}:8443") as opened:
            assert visitor.session(opened)


@pytest.mark.parametrize("host", ["evil.example", f"{NAMED}.evil.example", f"www.{NAMED}", "[", "a b"])
def test_another_name_is_refused_whatever_it_asks_for(started: tuple[Path, Visitor], host: str) -> None:
    _, visitor = started
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/media/x.png"):
        assert visitor.asked("GET", path, host=host)[0] == 403
    if " " not in host and "[" not in host:
        with pytest.raises(InvalidStatus, match="403"), visitor.socket(host=host):
            pass


def test_a_page_of_another_site_opens_no_session(started: tuple[Path, Visitor]) -> None:
    _, visitor = started
    for origin in ("https://evil.example", "null", f"https://{NAMED}.evil.example"):
        with pytest.raises(InvalidStatus, match="403"), visitor.socket(origin=origin):
            pass


def test_the_sessions_that_were_let_in_are_remembered_up_to_a_bound() -> None:
    for number in range(guard.MOST_SESSIONS + 5):
        guard.let_in(f"test-{number}")
    assert len(guard._let_in) == guard.MOST_SESSIONS
    assert "test-0" not in guard._let_in
    guard._let_in.clear()
