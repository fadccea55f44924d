"""Programs that mean well: their values, what they print, how they fail, how many at once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
import sandbox_processes as processes

from promptlab.sandbox import ProgramResult, SandboxLimits, close_idle, run_program

Run = Callable[..., ProgramResult]

STARTS_A_LONG_PROGRAM = """
import asyncio
from promptlab.sandbox import run_program
asyncio.run(run_program("while True: pass"))
"""


@pytest.mark.parametrize(
    ("code", "value", "data"),
    [
        ("def solution():\n    return 3 * 14", "42", 42),
        ("from fractions import Fraction\ndef solution(): return Fraction(1, 3)", "1/3", None),
        ("def solution(): return ['ä', (1, 2.5), None]", "['ä', (1, 2.5), None]", ["ä", [1, 2.5], None]),
        ("def solution(): return 'a\\nb'", "a\nb", "a\nb"),
        ("def solution(): pass", "None", None),
        ("def solution(): return '\\ud800!'", "?!", None),
        (
            "from datetime import datetime\ndef solution(): return datetime.strptime('2024', '%Y').year",
            "2024",
            2024,
        ),
        ("import statistics, math\ndef solution(): return math.floor(statistics.mean([1, 2, 4]))", "2", 2),
        (
            "from dataclasses import dataclass\n@dataclass\nclass P:\n x: int\ndef solution(): return P(1)",
            "P(x=1)",
            None,
        ),
    ],
)
def test_a_program_gives_its_value_as_text_and_as_json(run: Run, code: str, value: str, data: object) -> None:
    result = run(code)
    assert (result.failure, result.value, result.data) == (None, value, data)


def test_any_expression_can_be_the_call_and_printing_can_be_all(run: Run) -> None:
    assert run("ans = 5\nprint('so')", call="ans + 1").data == 6
    printed = run("print(sum(map(int, input().split())))", call=None, stdin="1 2 39\n")
    assert (printed.failure, printed.value, printed.stdout) == (None, None, "42\n")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def solution(): return 1 / 0", "ZeroDivisionError: division by zero"),
        ("def solution(:", "SyntaxError: invalid syntax"),
        ("x = 1", "NameError: name 'solution' is not defined"),
        ("import numpy", "ModuleNotFoundError: No module named 'numpy'"),
        ("assert 1 == 2, 'one is not two'", "AssertionError: one is not two"),
    ],
)
def test_an_error_is_told_by_the_last_line_of_its_traceback(run: Run, code: str, message: str) -> None:
    result = run(code)
    assert (result.failure, result.message) == ("error", message)


def test_the_same_program_gives_the_same_value(run: Run) -> None:
    code = "import random\ndef solution(): return [random.random(), list({'a', 'b', 'c', 'd'})]"
    first = run(code)
    close_idle()
    assert first.ok
    assert run(code).value == first.value


def test_output_is_kept_where_the_program_fails(run: Run) -> None:
    result = run("print('before')\nraise ValueError('then')")
    assert (result.stdout, result.message) == ("before\n", "ValueError: then")


def test_limits_under_which_nothing_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="memory_mb is 1"):
        SandboxLimits(memory_mb=1)
    with pytest.raises(ValueError, match="positive"):
        SandboxLimits(wall_s=0)


def test_programs_run_side_by_side_without_holding_up_the_loop(run: Run) -> None:
    async def many() -> tuple[list[ProgramResult], int]:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.005)
                turns += 1

        counting = asyncio.create_task(count())
        code = "import time\ntime.sleep(0.05)\ndef solution(): return {}"
        found = await asyncio.gather(*(run_program(code.format(number)) for number in range(12)))
        counting.cancel()
        return found, turns

    found, turns = asyncio.run(many())
    assert [each.data for each in found] == list(range(12))
    assert turns >= 10


def test_a_cancelled_program_leaves_nothing_and_the_next_one_runs(run: Run) -> None:
    async def cancelled() -> ProgramResult:
        close_idle()
        working = asyncio.create_task(run_program("while True: pass"))
        await asyncio.to_thread(processes.wait_until_running)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        await asyncio.to_thread(processes.wait_until_none)
        return await run_program("def solution(): return 'next'")

    assert asyncio.run(cancelled()).value == "next"


def test_a_killed_owner_leaves_no_orphan(run: Run) -> None:
    owner = subprocess.Popen([sys.executable, "-c", STARTS_A_LONG_PROGRAM])
    try:
        processes.wait_until_running(owner.pid)
    finally:
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    processes.wait_until_none(owner.pid)


def test_a_template_killed_from_outside_is_replaced(run: Run) -> None:
    assert run("def solution(): return 1").data == 1
    for process in processes.of(os.getpid()):
        os.kill(process, signal.SIGKILL)
    assert run("def solution(): return 2").data == 2


def test_a_program_costs_little_once_the_template_is_there(run: Run) -> None:
    async def fastest() -> float:
        took = []
        for _ in range(20):
            started = time.perf_counter()
            await run_program("def solution(): return 1")
            took.append(time.perf_counter() - started)
        return min(took)  # the machine may be busy with something else

    assert asyncio.run(fastest()) < 0.030
