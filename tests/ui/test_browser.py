"""`promptlab ui` in real Chromium: the page opens, shows the run, and asks no other host for anything."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from promptlab.basics.home import HOME_VARIABLE

pytestmark = pytest.mark.browser
START_S = 60


@pytest.fixture
def address(tmp_path: Path, hostile_run: Callable[[Path], None]) -> Iterator[str]:
    """The workbench over one run whose names try to be HTML and Markdown."""
    env = {**os.environ, HOME_VARIABLE: str(tmp_path / "home")}
    hostile_run(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "promptlab", "ui", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, server.stderr and server.stderr.read()
                assert time.monotonic() < deadline, "the workbench does not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)
    with socket.socket() as left, pytest.raises(ConnectionRefusedError):
        left.connect(("127.0.0.1", port))


def test_the_workbench_opens_and_hostile_names_ask_nobody(
    address: str, tmp_path: Path, missing: Callable[[str], NoReturn]
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        missing("Chromium on the path")
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        page: Any = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: pytest.fail("a script ran"))
        page.goto(address)
        page.get_by_text("Paired differences").wait_for(timeout=60_000)
        page.get_by_text("not distinguishable").first.wait_for(timeout=20_000)
        page.screenshot(path=str(tmp_path / "page.png"))
        browser.close()
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
