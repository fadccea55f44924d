"""How a Linux process gives up rights for good: privileges, capabilities, namespaces, a life of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_CLONE_NEWIPC = 0x08000000
_CAPABILITY_VERSION_3 = 0x20080522

# PyDLL keeps the interpreter's lock: these calls are short, and nothing else runs in these processes.
libc: Any = ctypes.PyDLL(None, use_errno=True) if sys.platform == "linux" else None


def checked(returned: int, what: str) -> int:
    """What a C function returned; OSError with its errno where that is -1."""
    if returned == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return returned


def prctl(option: int, value: int, pointer: Any = None) -> None:
    """The system call of that name. OSError where the kernel refuses."""
    checked(libc.prctl(option, ctypes.c_ulong(value), pointer, None, None), f"prctl {option}")


def no_new_privileges() -> None:
    """Neither this process nor a child gains rights by running a program."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(parent: int) -> None:
    """The kernel kills this process when the parent dies; at once if `parent` is dead already."""
    if libc is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def drop_capabilities() -> None:
    """Root keeps its name only."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def unshare() -> tuple[str, ...]:
    """Leaves the machine's network, processes and shared memory for empty ones, where the kernel lets it.

    Returns which. The next child is the first process of the new process namespace, and takes all others
    there along when it dies.
    """
    flags = _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC
    if libc is None or libc.unshare(flags) == -1:
        return ()
    return ("user", "network", "process", "ipc")
