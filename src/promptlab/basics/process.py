"""Processes, told apart from later ones that got the same number."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from a later one with the same number by the time of its start."""

    host: str
    pid: int
    start: str

    def is_alive(self) -> bool:
        """True only where this machine knows it."""
        return self.host == _host() and not self.is_dead()

    def is_dead(self) -> bool:
        """True only where this machine knows it: no such process, a finished one, or another one."""
        if self.host != _host():
            return False
        if self.pid == os.getpid():
            return self.start != _start(self.pid)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        now = _start(self.pid)
        return now is None or now != self.start


def this_process() -> Owner:
    return process(os.getpid())


def process(pid: int) -> Owner:
    """A process of this machine by its number, as it is now."""
    return Owner(_host(), pid, _start(pid) or "")


@functools.cache
def _host() -> str:
    """This machine and its process table: containers share a name of a machine, but not the table."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # not Linux: the name has to do
        parts += [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            str(Path("/proc/self/ns/pid").readlink()),
        ]
    return " ".join(parts)


def _start(pid: int) -> str | None:
    """When the process began, as the kernel counts; "" where the system does not say, None if it is over."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if Path("/proc/self/stat").exists() else ""
    # The second field is the program's name in parentheses and may hold anything.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else fields[19]
