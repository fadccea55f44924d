"""What confines programs is found out by trying; where nothing does, nothing runs unless somebody says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from promptlab.sandbox import confinement

REPORTS = """
import asyncio, dataclasses, json, sys
from promptlab.sandbox import confinement, run_program
code = "import os\\ndef solution(): return [1 + 1, len(os.listdir('/'))]"
def told(allow_unsafe):
    return dataclasses.asdict(asyncio.run(run_program(code, allow_unsafe=allow_unsafe)))
found = confinement()
endless = dataclasses.asdict(asyncio.run(run_program("x = bytearray(10**10)", allow_unsafe=True)))
print(json.dumps([found.layers, found.gap, told(False), told(True), endless]))
"""


def on_a_kernel_without(*refused: str) -> list[Any]:
    weaker = str(Path(__file__).parent / "weaker_kernel.py")
    command = [sys.executable, weaker, *refused, "--", sys.executable, "-c", REPORTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def _confines(missing: Callable[[str], NoReturn]) -> None:
    if sys.platform != "linux" or confinement().gap:
        missing(f"a machine that can confine programs: {confinement().gap}")


@pytest.mark.usefixtures("_confines")
def test_without_seccomp_nothing_runs_unless_the_experiment_says_so() -> None:
    _, gap, refused, allowed, endless = on_a_kernel_without("seccomp")
    assert gap == "OSError: [Errno 22] prctl 22: Invalid argument"
    assert (refused["failure"], refused["value"]) == ("unavailable", None)
    assert gap in refused["message"]
    assert "`allow_unsafe_code: true`" in refused["message"]
    assert "\n" not in refused["message"]
    assert allowed["failure"] is None
    assert allowed["data"][0] == 2
    assert allowed["data"][1] > 0, "an unconfined program sees the files: that is what was allowed"
    assert endless["failure"] == "memory", "the limits hold there too"


@pytest.mark.usefixtures("_confines")
@pytest.mark.parametrize("refused", [("namespaces",), ("landlock",), ("namespaces", "landlock")])
def test_seccomp_alone_keeps_a_program_in(refused: tuple[str, ...]) -> None:
    layers, gap, ran, allowed, _ = on_a_kernel_without(*refused)
    assert gap == ""
    assert "seccomp" in layers
    assert ("landlock" in layers) <= ("landlock" not in refused)
    assert ("process" in layers) <= ("namespaces" not in refused)
    assert ran["failure"] == "forbidden"
    assert allowed["failure"] == "forbidden", "where programs can be confined they are, whatever is allowed"
