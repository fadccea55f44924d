"""The fake provider as a fixture, and an environment without the keys of who runs the tests."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from fake_provider import FakeProvider, readable, running


class ProviderInAThread:
    """The fake provider for tests: `url`, the base of each protocol, its orders, counts and log."""

    def __init__(self, provider: FakeProvider, url: str) -> None:
        self._provider = provider
        self.url = url
        self.openai = f"{url}/v1"
        self.anthropic = url
        self.gemini = f"{url}/v1beta"

    def reset(self) -> None:
        """Forgets what came and what was ordered."""
        self._provider.reset()

    def control(self, **orders: Any) -> None:
        """As POST /_control takes them."""
        self._provider.control(**orders)

    def count(self) -> dict[str, Any]:
        """As GET /_count gives it."""
        return self._provider.count()

    @property
    def requests(self) -> int:
        return self._provider.requests

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was asked: path, body, headers (lower case), at, fault."""
        return [readable(entry) for entry in list(self._provider.log)]


@pytest.fixture(scope="session")
def provider_in_a_thread() -> Iterator[ProviderInAThread]:
    provider = FakeProvider()
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with running(provider) as url:
            started.set_result((url, lambda: loop.call_soon_threadsafe(ended.set)))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    url, end = started.result(60)
    yield ProviderInAThread(provider, url)
    end()
    thread.join(10)


@pytest.fixture
def fake_provider(provider_in_a_thread: ProviderInAThread) -> ProviderInAThread:
    """A provider on loopback that has forgotten the test before."""
    provider_in_a_thread.reset()
    return provider_in_a_thread


@pytest.fixture(autouse=True)
def no_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees, or pays with, the keys and addresses of who runs it; the keyring stays closed."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "_API_BASE", "_API_TOKEN")) or name == "OLLAMA_HOST":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
