"""Programs that try to get out need a machine that can keep them in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from promptlab.sandbox import ProgramResult, SandboxLimits, close_idle, confinement, run_program

sys.path.insert(0, str(Path(__file__).parent))

LIMITS = SandboxLimits(cpu_s=1, wall_s=1.5, memory_mb=256, output_bytes=10_000)


@pytest.fixture
def run(missing: Callable[[str], NoReturn]) -> Callable[..., ProgramResult]:
    """Runs one program, confined."""
    if confinement().gap:
        missing(f"a machine that can confine programs: {confinement().gap}")

    def one(code: str, call: str | None = "solution()", stdin: str = "") -> ProgramResult:
        return asyncio.run(run_program(code, call=call, stdin=stdin, limits=LIMITS))

    return one


@pytest.fixture(autouse=True, scope="module")
def _no_process_stays() -> Iterator[None]:
    close_idle()  # those of other tests in this process
    yield
    close_idle()
