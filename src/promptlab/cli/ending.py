"""How a command ends: what is said of an error, with which exit code, and which of several codes counts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

import click

from promptlab.basics.errors import ExitCode, PromptlabError

# Of several experiments the first of these that any of them ended with is the command's own exit code.
WORST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.BUDGET,
    ExitCode.TRIAL_ERRORS,
    ExitCode.GATE,
    ExitCode.DONE,
)


def worst(codes: Iterable[int]) -> int:
    """The exit code of a command over several experiments."""
    return min(codes, key=WORST_FIRST.index, default=ExitCode.DONE)


def told(error: BaseException) -> tuple[str, int]:
    """One message for people, and the exit code. What is not ours is raised again under PROMPTLAB_DEBUG."""
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return "interrupted", ExitCode.INTERRUPTED
    if isinstance(error, PromptlabError):
        return str(error), error.exit_code
    if os.environ.get("PROMPTLAB_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{error.filename or 'the result'} cannot be written: the disk is full. "
            "Free space and run the same command again: paid answers are in the cache.",
            ExitCode.INTERNAL,
        )
    return (
        f"internal error: {type(error).__name__}: {error}\n"
        "Nothing paid is lost: the cache keeps it. PROMPTLAB_DEBUG=1 shows where it happened.",
        ExitCode.INTERNAL,
    )
