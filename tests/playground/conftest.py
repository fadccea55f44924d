"""An asker over a home of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptlab.basics.loop import run_sync
from promptlab.playground import Asker

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    opened = Asker(tmp_path / "home")
    yield opened
    run_sync(opened.close())
