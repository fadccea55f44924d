"""Whether this machine can confine a program: found out once by trying, never assumed."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.sandbox.limits import SandboxLimits
from promptlab.sandbox.process import Template, TemplateGone
from promptlab.sandbox.result import ProgramResult, result_of

REMEDY = (
    "Run it on Linux with seccomp (x86_64 or aarch64), or say `allow_unsafe_code: true` in the experiment, "
    "and they run with your rights: their files, network and keys are yours."
)
_PROBE_S = 20.0
# Each would be a way out; the value names those that were not refused.
_PROBE = """
import os, socket, subprocess
def way_out(attempt):
    try:
        attempt()
    except OSError:
        return False
    return True
ATTEMPTS = {
    "read a file": lambda: open("/proc/self/environ").read(),
    "list a directory": lambda: os.listdir("/"),
    "write a file": lambda: open("/dev/shm/probe", "w"),
    "open a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "send a signal": lambda: os.kill(os.getpid(), 0),
    "start a process": lambda: subprocess.Popen(["/bin/true"]),
    "fork": lambda: os.fork() or os._exit(0),
}
"""
_CALL = "', '.join(name for name, attempt in ATTEMPTS.items() if way_out(attempt))"


@dataclass(frozen=True, slots=True)
class Confinement:
    """`layers` are the kernel's means in use; `gap` says why programs cannot be confined, "" if they are."""

    layers: tuple[str, ...]
    gap: str

    @property
    def confined(self) -> bool:
        return not self.gap

    def refusal(self) -> UsageError:
        """Why nothing is run here."""
        return UsageError(
            f"programs written by a model cannot be confined on this machine: {self.gap}.", remedy=REMEDY
        )


@cache
def confinement() -> Confinement:
    """What a probe met that tried to get out: files, sockets, signals, processes. Once per process; waits."""
    if sys.platform != "linux":
        return Confinement((), f"that takes Linux, and this is {sys.platform}")
    try:
        template = Template(confined=True)
    except TemplateGone as error:
        return Confinement((), str(error))
    try:
        answer = template.ask(
            request_of(_PROBE, _CALL, "", "__main__", SandboxLimits(), confined=True), _PROBE_S
        )
    except TemplateGone as error:
        return Confinement((), f"the process for it did not answer ({error})")
    finally:
        template.close()
    result = result_of(answer, cpu_limit_s=SandboxLimits().cpu_s)
    return Confinement(("seccomp", *(template.layers or ())), _gap(result))


def _gap(result: ProgramResult) -> str:
    if result.failure is not None:
        return result.message
    return f"a probe could {result.value}" if result.value != "" else ""


def check_sandbox(*, allow_unsafe: bool = False) -> None:
    """UsageError where `run_program` would refuse every program. Waits for the probe, once per process."""
    found = confinement()
    if os.name == "nt":
        raise UsageError(found.refusal().message, remedy="Use Linux; WSL is one.")
    if not found.confined and not allow_unsafe:
        raise found.refusal()


def request_of(
    code: str, call: str | None, stdin: str, name: str, limits: SandboxLimits, *, confined: bool
) -> dict[str, Any]:
    """A program as the template is told of it."""
    return {
        "code": code,
        "call": call,
        "stdin": stdin,
        "name": name,
        "limits": asdict(limits),
        "confined": confined,
    }
