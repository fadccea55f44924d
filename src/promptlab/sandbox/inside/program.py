"""One program in a process of its own: gives up all rights, runs, writes down what came of it, and ends."""

from __future__ import annotations

import errno
import gc
import io
import json
import os
import random
import resource
import signal
import sys
import traceback
import types
from typing import Any, NoReturn

from . import kernel, seccomp

LONGEST_MESSAGE = 500
_RESULT = 3  # the descriptor that the outcome is written to
_SPELLINGS = ("value", "json")
_REFUSED = (errno.EPERM, errno.EACCES)


def live(request: dict[str, Any], nothing: int, output: int, result: int, template: int) -> NoReturn:
    """Runs the request in this process, a child of the process `template`; never returns.

    `nothing` is /dev/null, `output` takes what is printed, `result` the outcome as JSON.
    """
    try:
        _arrange(nothing, output, result, template)
        outcome: dict[str, Any]
        try:
            _give_up_rights(request)
        except (OSError, ValueError) as error:
            outcome = _failed("unavailable", error)
        else:
            outcome = _run(request["code"], request["call"], request["stdin"], request["name"])
            if any(len(outcome.get(each) or "") > request["limits"]["output_bytes"] for each in _SPELLINGS):
                outcome = {"failure": "output", "message": "a value longer than the limit"}
        _write(json.dumps(outcome).encode())
    finally:
        os._exit(0)


def _arrange(nothing: int, output: int, result: int, template: int) -> None:
    """Leaves only the program's own streams open, and nothing of the template's affairs."""
    os.setpgid(0, 0)
    kernel.die_with_parent(template)
    output, result, nothing = (os.dup(each) for each in (output, result, nothing))  # clear of 0 to 3
    for source, place in ((nothing, 0), (output, 1), (nothing, 2), (result, _RESULT)):
        os.dup2(source, place)
    os.closerange(_RESULT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    random.seed(0)  # the same program gives the same value
    gc.enable()


def _give_up_rights(request: dict[str, Any]) -> None:
    confined, limits = request["confined"], request["limits"]
    cpu_s = limits["cpu_s"]
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),  # one second more for who catches the signal
        (resource.RLIMIT_AS, limits["memory_mb"] << 20, limits["memory_mb"] << 20),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 0, 0),
    ):
        try:
            resource.setrlimit(kind, (soft, hard))
        except (OSError, ValueError):
            if confined:  # elsewhere not every limit exists
                raise
    if confined:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        sys.path.clear()  # nothing can be read there: a module is loaded already, or it is not found
        kernel.no_new_privileges()
        seccomp.confine()


def _run(code: str, call: str | None, stdin: str, name: str) -> dict[str, Any]:
    """What came of the program: its value as text and as JSON, or why it has none."""
    main = types.ModuleType(name)
    sys.modules[name] = main  # where dataclasses and typing look for the program's names
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "replace")), encoding="utf-8")
    sys.stdout = printed = open(  # noqa: SIM115  ends with the process
        1, "w", encoding="utf-8", errors="backslashreplace", closefd=False
    )
    outcome: dict[str, Any] = {}
    try:
        exec(compile(code, "<program>", "exec"), main.__dict__)
        if call is not None:
            value = eval(compile(call, "<call>", "eval"), main.__dict__)
            outcome = {"value": str(value), "json": _json(value)}
    except SystemExit as error:
        outcome = {"failure": "exit", "message": f"the program called exit({error.code!r})"[:LONGEST_MESSAGE]}
    except MemoryError:
        outcome = {"failure": "memory", "message": "MemoryError"}
    except OSError as error:
        outcome = _failed("forbidden" if error.errno in _REFUSED else "error", error)
    except BaseException as error:  # noqa: BLE001  whatever a program may raise is its own failure
        outcome = _failed("error", error)
    printed.flush()
    return outcome


def _json(value: Any) -> str | None:
    """The value as JSON; None where JSON has none for it."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _failed(failure: str, error: BaseException) -> dict[str, Any]:
    """The traceback's last line."""
    lines = traceback.format_exception_only(type(error), error)
    return {"failure": failure, "message": lines[-1].strip()[:LONGEST_MESSAGE]}


def _write(text: bytes) -> None:
    while text:
        text = text[os.write(_RESULT, text) :]
