"""Runs a command where the kernel refuses what confines programs: `weaker_kernel.py WHAT… -- COMMAND`.

The refusal is real: a seccomp filter that children inherit.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

# Name -> the system call's number by architecture, and its first argument where only that is refused.
REFUSABLE = {
    "seccomp": ({"x86_64": 157, "aarch64": 167}, 22),  # prctl(PR_SET_SECCOMP)
    "namespaces": ({"x86_64": 272, "aarch64": 97}, None),
    "landlock": ({"x86_64": 444, "aarch64": 444}, None),
}
LOAD, EQUAL, RETURN, ALLOW, REFUSE = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000 | errno.EINVAL
FIRST_ARGUMENT = 16


def refuse(names: list[str]) -> None:
    """From here on this process and its children get EINVAL."""
    steps: list[tuple[int, int, int, int]] = []
    for name in names:
        numbers, argument = REFUSABLE[name]
        number = numbers[platform.machine()]
        if argument is None:
            steps += [(LOAD, 0, 0, 0), (EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
        else:
            steps += [(LOAD, 0, 0, 0), (EQUAL, 0, 3, number), (LOAD, 0, 0, FIRST_ARGUMENT)]
            steps += [(EQUAL, 0, 1, argument), (RETURN, 0, 0, REFUSE)]
    code = b"".join(
        struct.pack("=HBBI", op, yes, no, value) for op, yes, no, value in [*steps, (RETURN, 0, 0, ALLOW)]
    )

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    program = Program(len(code) // 8, code)
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, os.strerror(ctypes.get_errno())


if __name__ == "__main__":
    end = sys.argv.index("--")
    refuse(sys.argv[1:end])
    os.execv(sys.argv[end + 1], sys.argv[end + 1 :])
