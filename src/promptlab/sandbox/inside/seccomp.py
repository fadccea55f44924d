"""The system calls that a program may make; the kernel refuses all others (seccomp, Linux 3.5 and later).

What is allowed works on memory, clocks and open pipes. Nothing that is given a path, an address or another
process is: no opening, no socket, no fork, no thread, no signal to anybody.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from .kernel import prctl

_PR_SET_SECCOMP, _FILTER_MODE = 22, 2
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4

# Per architecture: its audit number, and the allowed calls by name.
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
    "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24,
    "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "exit": 60, "gettimeofday": 96,
    "getrusage": 98, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110,
    "sigaltstack": 131, "gettid": 186, "time": 201, "futex": 202, "restart_syscall": 219,
    "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231,
    "getrandom": 318,
}  # fmt: skip
_AARCH64 = {
    "read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222, "mprotect": 226,
    "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139,
    "sched_yield": 124, "mremap": 216, "madvise": 233, "nanosleep": 101, "getpid": 172, "exit": 93,
    "gettimeofday": 169, "getrusage": 165, "getuid": 174, "getgid": 176, "geteuid": 175, "getegid": 177,
    "getppid": 173, "sigaltstack": 132, "gettid": 178, "futex": 98, "restart_syscall": 128,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94, "getrandom": 278,
}  # fmt: skip
_KNOWN = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine() -> None:
    """From here on this process can compute, write to what is open, and end. Needs `no_new_privileges`.

    A refused call fails with EPERM. OSError where the kernel has no such filter or does not take it.
    """
    machine = platform.machine()
    if machine not in _KNOWN:
        raise OSError(errno.ENOSYS, f"no list of system calls for {machine}")
    code = _filter(*_KNOWN[machine])
    program = _Program(len(code) // 8, code)
    prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program))


def _filter(architecture: int, calls: dict[str, int]) -> bytes:
    """The filter's instructions. A call by another architecture's numbers ends the process."""
    numbers = sorted(calls.values())
    listed = [
        _instruction(_JUMP_IF_EQUAL, number, len(numbers) - at) for at, number in enumerate(numbers)
    ]  # each jumps over the rest of the list and the refusal
    return b"".join(
        [
            _instruction(_LOAD, _ARCHITECTURE_AT),
            _instruction(_JUMP_IF_EQUAL, architecture, 1),
            _instruction(_RETURN, _KILL),
            _instruction(_LOAD, _NUMBER_AT),
            *listed,
            _instruction(_RETURN, _ERRNO | errno.EPERM),
            _instruction(_RETURN, _ALLOW),
        ]
    )


def _instruction(code: int, value: int, skip_if_equal: int = 0) -> bytes:
    return struct.pack("=HBBI", code, skip_if_equal, 0, value)
