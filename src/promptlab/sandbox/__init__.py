"""Running untrusted code: the kernel keeps a program away from files, network and other processes."""

from __future__ import annotations

from promptlab.sandbox.confinement import Confinement, check_sandbox, confinement
from promptlab.sandbox.limits import SandboxLimits
from promptlab.sandbox.result import ProgramFailure, ProgramResult
from promptlab.sandbox.running import close_idle, run_program

__all__ = [
    "Confinement",
    "ProgramFailure",
    "ProgramResult",
    "SandboxLimits",
    "check_sandbox",
    "close_idle",
    "confinement",
    "run_program",
]
