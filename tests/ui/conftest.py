"""The workbench as a process, real Chromium, single pages without a browser, and a run with hostile names."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest

import promptlab
from promptlab.basics import registry
from promptlab.ui.language import Texts

sys.path.insert(0, str(Path(__file__).parent))  # hostile_runs

NAME = "<script>alert(1)</script> :red[x]"
# What a machine ten times slower than usual needs.
START_S = 180
WAIT_MS = 120_000
STILL_MS = 500
BROWSER_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")


def run_experiment(folder: Path) -> None:
    """Runs it with PROMPTLAB_HOME at `folder/home`."""
    rows = [{"q": str(number), "a": "yes" if number % 2 else "no"} for number in range(30)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text("- {default: 'yes'}\n")
    (folder / "exp.yaml").write_text(
        f"name: {json.dumps(NAME)}\n"
        "dataset: {path: data.jsonl, target: a}\n"
        'task: {prompt: "Is {{ q }} odd?", answer: yes_no}\n'
        "models: [scripted/script.yaml]\n"
        'variants: [zero_shot, {name: "![x](http://evil/x.png)", technique: zero_shot, mode: paper}]\n'
    )
    assert promptlab.load(folder / "exp.yaml", home=folder / "home").run().status == "complete"


@pytest.fixture
def hostile_run() -> Callable[[Path], None]:
    return run_experiment


@pytest.fixture(autouse=True)
def only_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that refuses files of Python does so for this test, not for those after it in the process."""
    monkeypatch.setattr(registry, "_refused", "")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, whose `home` is PROMPTLAB_HOME."""
    monkeypatch.setenv("PROMPTLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def open_page(home: Path) -> Callable[[str], AppTest]:
    """One page by its name, run once, without a browser."""

    def opened(name: str, **query: str) -> AppTest:
        page = AppTest.from_string(f"from promptlab.ui.{name}.page import page\npage()\n", default_timeout=60)
        for key, value in query.items():
            page.query_params[key] = value
        return page.run()

    return opened


@contextmanager
def serving(
    folder: Path, *options: str, port: int | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`promptlab ui` started in `folder`, over `folder/home`: its address and its process."""
    with reserved(port or 0) as found, started(folder, found, *options) as server:
        yield f"http://127.0.0.1:{found}", server


@contextmanager
def reserved(port: int) -> Iterator[int]:
    """A port (0: any that is free) that the system gives nobody else. Who asks for it by its number gets it:
    a socket that is bound and does not listen is no hindrance to one with SO_REUSEADDR."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        yield holder.getsockname()[1]


@contextmanager
def started(folder: Path, port: int, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The process, once it answers; ended with the block."""
    env = {**os.environ, "PROMPTLAB_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "promptlab", "ui", "--no-browser", "--port", str(port), *options]
    with (folder / "workbench.log").open("a") as log:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, text=True)
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "workbench.log").read_text()
                assert time.monotonic() < deadline, "the workbench does not start"
                time.sleep(0.1)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=START_S)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of one file."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("PROMPTLAB_NO_SKIPS"):
            pytest.fail("needs Chromium on the path, and nothing may be skipped here")
        pytest.skip("needs Chromium on the path")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(BROWSER_FLAGS), timeout=1000 * START_S
        )
        yield browser
        browser.close()


# Streamlit draws what it has not loaded yet as a grey bar.
AT_REST = """() => document.querySelector("[data-testid='stApp'][data-test-script-state='notRunning']")
  && !document.querySelector("[data-testid='stSkeleton']")"""
# Two frames: what was pressed has been worked off, and the script asked for where it had to be.
WORKED_OFF = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""


class Tab:
    """A page of the browser that notes each address it asked."""

    def __init__(self, browser: Any, address: str, *, locale: str = "en-US", theme: str = "light") -> None:
        self.address = address
        self.known = [address]  # whom it may ask
        self.locale = locale
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale=locale, color_scheme=theme
        )
        self.page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.awaits_script = False
        self.page.on("websocket", self._listen)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _listen(self, socket: Any) -> None:
        """Notes that the script was asked for and that it began."""

        def sent(frame: bytes) -> None:
            message = BackMsg.FromString(frame)
            if message.HasField("rerun_script") and not message.rerun_script.is_auto_rerun:
                self.awaits_script = True

        def received(frame: bytes) -> None:
            if ForwardMsg.FromString(frame).HasField("new_session"):
                self.awaits_script = False

        socket.on("framesent", sent)
        socket.on("framereceived", received)

    def open(self, path: str = "/") -> Any:
        """Goes there and waits until Streamlit has drawn the page."""
        self.page.goto(self.address + path)
        self.settled()
        return self.page

    def settled(self) -> None:
        """Waits until what was just done has been answered: the script has run to its end and is drawn."""
        deadline = time.monotonic() + WAIT_MS / 1000
        self.page.wait_for_function(WORKED_OFF)
        while self.awaits_script:
            assert time.monotonic() < deadline, "the script does not begin"
            self.page.wait_for_timeout(20)  # lets the messages in
        self.page.wait_for_function(WORKED_OFF)  # what has arrived is seen by the page
        self.page.wait_for_function(AT_REST)

    def still(self, script: str) -> Any:
        """What the script finds, once it finds the same twice: charts and tables draw themselves."""
        before, found = None, self.page.evaluate(script)
        while found != before:
            self.page.wait_for_timeout(STILL_MS)
            before, found = found, self.page.evaluate(script)
        return found

    def words(self, texts: Texts, name: str, **values: object) -> str:
        """One of the workbench's texts as this tab shows it."""
        return texts.texts[name][self.locale.startswith("zh")].format(**values)

    def at(self, key: str) -> Any:
        """The element with that widget key."""
        return self.page.locator(f".st-key-{key}")

    def elsewhere(self) -> list[str]:
        """What it asked of any other host."""
        return [url for url in self.asked if not url.startswith((*self.known, "data:", "blob:", "ws:"))]


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Tab]]:
    """`tab(address, locale="zh-CN", theme="dark")`: a page of its own that asks only the workbench."""
    made: list[Tab] = []

    def opened(address: str, **settings: str) -> Tab:
        made.append(Tab(chromium, address, **settings))
        return made[-1]

    yield opened
    for each in made:
        each.page.context.close()
        assert not each.elsewhere()
        assert not each.dialogs, "a script of a text ran"


@pytest.fixture(scope="session")
def workbench() -> Any:
    """`with workbench(folder) as (address, process)`: the real command, over `folder/home`."""
    return serving
