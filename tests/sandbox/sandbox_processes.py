"""The sandbox's processes as the system lists them."""

from __future__ import annotations

import os
import time
from pathlib import Path

LONG_ENOUGH_S = 10.0


def of(owner: int) -> list[int]:
    """All processes that the sandbox of `owner` has: templates, their keepers, programs. Not the dead."""
    found = []
    for each in Path("/proc").iterdir():
        if not each.name.isdigit():
            continue
        try:
            words = (each / "cmdline").read_bytes().split(b"\0")
            state = (each / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # it ended meanwhile
        if str(owner).encode() in words and any(b"from inside import" in word for word in words):
            found += [int(each.name)] if state != "Z" else []
    return found


def wait_until_running(owner: int | None = None) -> None:
    """Until a program runs: beside the template there is its child."""
    _wait(lambda count: count >= 3, owner or os.getpid())


def wait_until_none(owner: int | None = None) -> None:
    """Until nothing is left of the sandbox. AssertionError where something stays."""
    _wait(lambda count: count == 0, owner or os.getpid())


def _wait(enough: object, owner: int) -> None:
    assert callable(enough)
    deadline = time.monotonic() + LONG_ENOUGH_S
    while not enough(len(left := of(owner))):
        assert time.monotonic() < deadline, f"{len(left)} processes of the sandbox: {left}"
        time.sleep(0.01)
