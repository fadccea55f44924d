"""What every test may use. `PROMPTLAB_NO_SKIPS=1` makes a missing tool a failure instead of a skip."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "servers"))
from provider_fixture import fake_provider, no_own_keys, provider_in_a_thread  # noqa: F401

# The same examples every time; and a busy machine is no failure (hypothesis allows an example 0.2 s).
settings.register_profile("promptlab", deadline=None, derandomize=True)
settings.load_profile("promptlab")
# A journey on a machine ten times slower than usual; what hangs is found sooner, by its own waiting.
JOURNEY_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for each in items:
        if each.get_closest_marker("browser") and not each.get_closest_marker("timeout"):
            each.add_marker(pytest.mark.timeout(JOURNEY_S))


@pytest.fixture
def missing():
    """Called with what this machine lacks: skips the test, or fails it where nothing may be skipped."""

    def say(what: str) -> NoReturn:
        if os.environ.get("PROMPTLAB_NO_SKIPS"):
            pytest.fail(f"needs {what}, and nothing may be skipped here")
        pytest.skip(f"needs {what}")

    return say
