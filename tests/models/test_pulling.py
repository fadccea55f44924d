"""A download that goes on in the background says how far it is and how it ended."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.models import pulling
from promptlab.models.weights import BUILT_IN, models_folder

NAME = "qwen2.5-0.5b-instruct"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def ended(begun: pulling.Pull) -> pulling.Pull:
    for thread in threading.enumerate():
        if thread.name == f"promptlab-pull-{begun.name}":
            thread.join(20)
    return begun


def test_a_failure_is_told_and_it_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTLAB_OFFLINE", "1")
    begun = ended(pulling.start(NAME))
    assert begun.state == "failed"
    assert "PROMPTLAB_OFFLINE" in begun.error
    assert pulling.under_way(NAME) is begun
    assert ended(pulling.start(NAME)) is not begun


def test_how_far_it_is_is_what_lies_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = pulling.Pull(NAME, BUILT_IN[NAME].size_bytes)
    assert begun.done_bytes() == 0
    part = models_folder() / f".{NAME}-abc" / "inner" / "part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    assert begun.done_bytes() == 1000
    (models_folder() / ".another-abc").mkdir()
    (models_folder() / ".another-abc" / "part").write_bytes(bytes(500))
    assert begun.done_bytes() == 1000
    assert pulling.Pull(NAME, 10).done_bytes() == 10


def test_a_second_start_joins_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first waits for the lock of another process that fetches the same."""
    from promptlab.basics.files import FileLock

    monkeypatch.setenv("PROMPTLAB_OFFLINE", "1")
    models_folder().mkdir(parents=True)
    lock = FileLock.acquire(models_folder() / f"{NAME}.gguf.lock")
    assert lock is not None
    first = pulling.start(NAME)
    assert pulling.start(NAME) is first
    assert first.state == "running"
    lock.release()
    deadline = time.monotonic() + 20
    while first.state == "running" and time.monotonic() < deadline:
        ended(first)
    assert first.state == "failed"


def test_an_unknown_model_is_said_at_once() -> None:
    with pytest.raises(UsageError, match="no local model is named"):
        pulling.start("qwen")
