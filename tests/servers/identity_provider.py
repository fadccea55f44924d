"""An OpenID Connect provider on loopback: discovery, authorize, token, keys and logout of the true protocol.

The code flow with PKCE (S256), client authentication, `state`, `nonce`, and ID tokens signed with RS256. Who
signs in is asked on a page with a field and a button.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "promptlab-test"
FORM = """<!doctype html><html lang="en"><title>Identity</title>
<form method="post" action="/authorize?{query}"><label>E-mail <input name="email"></label>
<button>Continue</button></form>"""


class IdentityProvider:
    """`url` once it runs; `verified`: what its tokens say of addresses; `forged`: another key signs them."""

    def __init__(self) -> None:
        self.url = ""
        self.client_secret = secrets.token_hex(16)
        self.verified = True
        self.forged = False
        self.log: list[str] = []
        self.tokens: list[str] = []
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self._codes: dict[str, dict[str, str]] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.log.append(request.path)
        match request.method, request.path:
            case "GET", "/.well-known/openid-configuration":
                return web.json_response(self._discovery())
            case "GET", "/keys":
                return web.json_response({"keys": [self._key.as_dict(private=False)]})
            case "GET", "/authorize":
                return self._ask(request)
            case "POST", "/authorize":
                return self._allow(request, str((await request.post()).get("email")))
            case "POST", "/token":
                return self._token(request, {name: str(v) for name, v in (await request.post()).items()})
            case "GET", "/logout":
                raise web.HTTPFound(request.query["post_logout_redirect_uri"])
        raise web.HTTPNotFound

    def _discovery(self) -> dict[str, Any]:
        places = {"authorization": "authorize", "token": "token", "end_session": "logout"}
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            **{f"{name}_endpoint": f"{self.url}/{path}" for name, path in places.items()},
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def _ask(self, request: web.BaseRequest) -> web.Response:
        asked = request.query
        right = asked.get("client_id") == CLIENT and asked.get("response_type") == "code"
        challenged = asked.get("code_challenge_method") == "S256"
        if not right or not challenged or "openid" not in asked.get("scope", ""):
            return web.Response(status=400, text="invalid_request")
        form = FORM.format(query=html.escape(request.query_string))
        return web.Response(text=form, content_type="text/html")

    def _allow(self, request: web.BaseRequest, email: str) -> web.Response:
        code, asked = secrets.token_urlsafe(16), request.query
        self._codes[code] = {**asked, "email": email}
        back = urlencode({"code": code, "state": asked["state"]})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{back}")

    def _token(self, request: web.BaseRequest, given: dict[str, str]) -> web.Response:
        basic = base64.b64encode(f"{CLIENT}:{self.client_secret}".encode()).decode()
        in_body = (given.get("client_id"), given.get("client_secret")) == (CLIENT, self.client_secret)
        if request.headers.get("Authorization") != f"Basic {basic}" and not in_body:
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self._codes.pop(given.get("code", ""), None)
        hashed = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if (
            asked is None
            or given.get("grant_type") != "authorization_code"
            or given.get("redirect_uri") != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": asked["email"],
            "email": asked["email"],
            "email_verified": self.verified,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
        }
        key = RSAKey.generate_key(2048) if self.forged else self._key
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        self.tokens.append(token)
        access = secrets.token_hex(8)
        return web.json_response({"id_token": token, "access_token": access, "token_type": "Bearer"})


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """One that runs in a thread while the block does."""
    provider = IdentityProvider()
    started: Future[Any] = Future()

    async def serve() -> None:
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        runner = web.ServerRunner(web.Server(provider.handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set_result(lambda: loop.call_soon_threadsafe(ended.set))
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    end = started.result(60)
    yield provider
    end()
    thread.join(10)
