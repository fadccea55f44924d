"""Signing in with a real provider of identities, in real Chromium: who is not let in sees nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from identity_provider import CLIENT, IdentityProvider, identity_provider

from promptlab.models import endpoints
from promptlab.models.endpoints import Endpoint

pytestmark = pytest.mark.browser

COOKIE_SECRET = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No local model is at hand, whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


def protected(folder: Path, url: str, secret: str, **more: Any) -> None:
    """A workbench with a question in its past, which asks people to sign in."""
    settings = {
        "redirect_uri": "http://127.0.0.1:{port}/oauth2callback",
        "cookie_secret": COOKIE_SECRET,
        "client_id": CLIENT,
        "client_secret": secret,
        "server_metadata_url": f"{url}/.well-known/openid-configuration",
        **more,
    }
    (folder / ".streamlit").mkdir()
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    (folder / ".streamlit" / "secrets.toml").write_text(f"[auth]\n{lines}")


def status(address: str, path: str, method: str = "GET") -> tuple[int, str]:
    asked = urllib.request.Request(address + path, method=method, data=b"x" if method != "GET" else None)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def sign_in(opened: Any, email: str) -> None:
    opened.at("login").locator("button").click()
    opened.page.locator("input[name=email]").fill(email)
    opened.page.get_by_role("button", name="Continue").click()
    opened.page.wait_for_url(f"{opened.address}/**")
    opened.settled()


def test_nobody_sees_anything_before_signing_in_and_after_signing_out(
    workbench: Any, tab: Any, tmp_path: Path, fake_provider: Any, provider: IdentityProvider
) -> None:
    (tmp_path / "home").mkdir()
    endpoints.save(tmp_path / "home", [Endpoint("hidden-relay", fake_provider.openai, "", ("fake-1",))])
    protected(tmp_path, provider.url, provider.client_secret, allowed_emails=["ann@lab.example"])
    with workbench(tmp_path) as (address, _):
        opened = tab(address)
        opened.known.append(provider.url)

        def sees_only_the_door(*pages: str) -> None:
            for name in pages:
                page = opened.open(f"/{name}")
                opened.at("login").locator("button").wait_for()
                assert page.locator("[data-testid='stTopNavLink']").count() == 0
                assert "hidden-relay" not in page.content()

        sees_only_the_door("", "results", "models", "playground?conversation=20260101-000000-abcdef")
        for path, method in (
            ("/_stcore/upload_file/session/file", "PUT"),
            ("/media/0123456789abcdef.png", "GET"),
            ("/component/promptlab/x.js", "GET"),
            ("/_stcore/agent/interact", "POST"),
        ):
            code, _ = status(address, path, method)
            assert 400 <= code < 500, (path, code)
        assert "hidden-relay" not in status(address, "/_stcore/metrics")[1]

        provider.forged = True
        sign_in(opened, "ann@lab.example")
        opened.at("login").wait_for()
        provider.forged = False
        sign_in(opened, "eve@lab.example")
        opened.page.get_by_text("eve@lab.example").first.wait_for()
        assert opened.at("ask").count() == 0
        assert opened.page.locator("[data-testid='stTopNavLink']").count() == 0
        opened.at("logout").locator("button").click()
        opened.at("login").wait_for()
        provider.verified = False
        sign_in(opened, "ann@lab.example")
        opened.at("logout").locator("button").click()
        provider.verified = True
        opened.at("login").wait_for()

        sign_in(opened, "ann@lab.example")
        opened.page.wait_for_url("**/playground*")
        opened.settled()
        opened.at("ask").locator("button").click()
        opened.page.wait_for_url("**/playground?conversation=*")
        opened.at("facts-0-0").get_by_text("done").wait_for()
        link = opened.page.url.removeprefix(f"{address}/")
        assert "conversation=" in link
        opened.page.reload()
        opened.at("facts-0-0").get_by_text("done").wait_for()
        opened.at("logout").locator("button").click()
        opened.at("login").locator("button").wait_for()
        sees_only_the_door("", link)
        assert {"/authorize", "/token", "/keys", "/logout"} <= set(provider.log)
    log = (tmp_path / "workbench.log").read_text()
    for secret in (provider.client_secret, COOKIE_SECRET, *provider.tokens):
        assert secret not in log


def test_a_provider_that_is_away_is_told_on_the_page(workbench: Any, tab: Any, tmp_path: Path) -> None:
    protected(tmp_path, "http://127.0.0.1:9", "x")
    with workbench(tmp_path) as (address, _):
        opened = tab(address, locale="zh-CN", theme="dark")
        opened.open("/results")
        opened.at("login").locator("button").click()
        opened.page.get_by_text("没有响应").wait_for()
        (tmp_path / ".streamlit" / "secrets.toml").write_text("[auth\n")
        page = opened.open("/results")
        page.get_by_text("secrets.toml").wait_for()
        assert opened.at("login").count() == 0, "nobody is let in by a file that is damaged meanwhile"
        assert page.locator("[data-testid='stTopNavLink']").count() == 0


def test_a_setting_that_is_missing_is_one_line_at_the_start(tmp_path: Path) -> None:
    protected(tmp_path, "http://127.0.0.1:9", "the-client-secret", client_id="")
    command = [sys.executable, "-m", "promptlab", "ui", "--no-browser", "--port", "8599"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "secrets.toml: [auth] lacks client_id" in done.stderr or "client_id is no text" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "the-client-secret" not in done.stderr
