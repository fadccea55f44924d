"""What came of a program."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from typing import Any, Literal

ProgramFailure = Literal["timeout", "memory", "output", "forbidden", "error", "exit", "unavailable"]


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """A program's value, or how it failed.

    | failure | the program |
    | --- | --- |
    | timeout | used up its computing time, or did not end in time |
    | memory | wanted more memory than it may have |
    | output | printed, or has a value, beyond the limit |
    | forbidden | did what the system refuses: a file, a connection, a process, a signal |
    | error | raised an exception, or crashed; `message` is the traceback's last line |
    | exit | ended before it had a value |
    | unavailable | was not run: this machine cannot confine it |

    `value` is `str()` of what the call gave, `data` the same through JSON (lists for tuples), None where JSON
    has nothing for it. `stdout` is what it printed, cut to the limit. Times are in seconds.
    """

    failure: ProgramFailure | None = None
    message: str = ""
    value: str | None = None
    data: Any = None
    stdout: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def ok(self) -> bool:
        return self.failure is None


def result_of(answer: dict[str, Any], *, cpu_limit_s: int) -> ProgramResult:
    """What the template's answer says. Its `outcome` comes from the program's process: it is not trusted."""
    used = {"stdout": answer["stdout"], "cpu_s": answer["cpu_s"], "wall_s": answer["wall_s"]}
    if answer["why"] == "timeout":
        return ProgramResult("timeout", f"not ended after {answer['wall_s']:.0f} s", **used)
    if answer["why"] == "output":
        return ProgramResult("output", "more output than the limit", **used)
    status = answer["status"]
    if os.WIFSIGNALED(status):
        return ProgramResult(*_killed(os.WTERMSIG(status), answer["cpu_s"], cpu_limit_s), **used)
    outcome = _read(answer["outcome"])
    if outcome is None:
        return ProgramResult("exit", "the program ended before its call had a value", **used)
    failure = outcome.get("failure")
    if failure is not None:
        known: tuple[ProgramFailure, ...] = ("memory", "output", "forbidden", "exit", "unavailable")
        kind: ProgramFailure = next((each for each in known if each == failure), "error")
        return ProgramResult(kind, _clean(str(outcome.get("message", ""))), **used)
    value = outcome.get("value")
    return ProgramResult(
        value=None if value is None else _clean(str(value)), data=_data(outcome.get("json")), **used
    )


def _killed(number: int, cpu_s: float, limit_s: int) -> tuple[ProgramFailure, str]:
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_s >= limit_s):
        return "timeout", f"{limit_s} s of computing used up"
    if number == signal.SIGKILL:
        return "memory", "killed by the system, which was short of memory"
    if number == signal.SIGSYS:
        return "forbidden", "a system call of another architecture"
    return "error", f"killed by {signal.Signals(number).name}"


def _read(text: str) -> dict[str, Any] | None:
    """The outcome; None where the program's process did not write a whole one."""
    found = _loads(text)
    return found if isinstance(found, dict) else None


def _data(text: Any) -> Any:
    """The value that was written as JSON; None where it is none, or holds characters that no file can."""
    found = _loads(text)
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found


def _clean(text: str) -> str:
    """Without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _loads(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
