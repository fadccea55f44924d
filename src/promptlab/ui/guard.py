"""What is refused before a byte of it is read: other names of this host, other sites, and files of strangers.

Streamlit itself takes files from every session, also from one that shows the page of signing in and nothing
else; it looks at the host of websockets only; and where a websocket's origin is not its host, it asks a
server outside for this machine's address, to compare.
"""

from __future__ import annotations

from collections import OrderedDict
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS = "/_stcore/upload_file/"
MOST_SESSIONS = 10_000

_let_in: OrderedDict[str, None] = OrderedDict()  # sessions, the latest last


def let_in(session: str) -> None:
    """From now on files of that session are taken."""
    _let_in[session] = None
    _let_in.move_to_end(session)
    while len(_let_in) > MOST_SESSIONS:
        _let_in.popitem(last=False)


def shut_out(session: str) -> None:
    """Files of that session are not taken any more."""
    _let_in.pop(session, None)


class Guard:
    """Stands before Streamlit's own application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = _refused(scope)
        if not refused:
            await self._app(_as_one_site(scope), receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(refused, status_code=403)(scope, receive, send)


def _refused(scope: Scope) -> str:
    """Why it is, "" where it is not."""
    headers = Headers(scope=scope)
    host, origin = _name(f"//{headers.get('host', '')}"), headers.get("origin")
    if not _is_ours(host):
        return f"This workbench does not answer as {host!r}. Start it with: promptlab ui --allow-host NAME\n"
    if scope["type"] == "websocket" and origin is not None and not _is_ours(_name(origin)):
        return "another site"
    _, found, rest = scope["path"].partition(UPLOADS)
    if found and scope["method"] != "OPTIONS" and rest.partition("/")[0] not in _let_in:
        return "Sign in first: files are taken only from who may enter.\n"
    return ""


def _as_one_site(scope: Scope) -> Scope:
    """A websocket from a page of ours has the page's host, also where a proxy wrote another one into it."""
    origin = Headers(scope=scope).get("origin")
    if scope["type"] != "websocket" or origin is None:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "headers": [*others, (b"host", urlsplit(origin).netloc.encode())]}


def _is_ours(name: str) -> bool:
    allowed = [str(each).lower() for each in st.get_option("server.allowedHosts")]
    return any(name.endswith(each[1:]) if each.startswith("*.") else name == each for each in allowed)


def _name(address: str) -> str:
    """The host's name in an address, "" where it has none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
