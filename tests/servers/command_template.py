"""`promptlab` without waiting for its imports: a process that has them forks for every command.

A command is a process of its own as ever (its own memory, signals, exit code, standard streams); only what
Python does before the first line of a command is done once. Tests of start-up, of signals and of several
commands at once start the real thing (`RealCommand.start`).

As a program (the template): one JSON object a line on standard input, {args, cwd, env, out, err}; answers
with the child's number, then with its exit code.
"""

from __future__ import annotations

import atexit
import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

PRELOADED = (
    "aiohttp",
    "promptlab.analysis",
    "promptlab.api",
    "promptlab.cli.compare",
    "promptlab.cli.look",
    "promptlab.cli.progress",
    "promptlab.cli.stored_runs",
    "promptlab.experiment.planning",
    "promptlab.export",
    "promptlab.models.client",
    "promptlab.models.transports.openai_chat",
    "promptlab.models.transports.scripted",
    "promptlab.runs.estimating",
    "promptlab.runs.execution",
    "promptlab.runs.unchanged",
)
TIMEOUT_S = 110.0

_lock = threading.Lock()
_template: subprocess.Popen[str] | None = None


def run_command(args: tuple[str, ...], folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`promptlab ARGS` in `folder` with exactly that environment, to its end."""
    if os.name != "posix" or _own_python(env) or not _lock.acquire(blocking=False):
        command = [sys.executable, "-m", "promptlab", *args]
        return subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
    try:
        with tempfile.TemporaryDirectory() as kept:
            out, err = Path(kept) / "out", Path(kept) / "err"
            code = _forked({"args": args, "cwd": str(folder), "env": env, "out": str(out), "err": str(err)})
            return subprocess.CompletedProcess(
                args, code, out.read_text(errors="replace"), err.read_text(errors="replace")
            )
    finally:
        _lock.release()


def _own_python(env: dict[str, str]) -> bool:
    """Whether Python itself is to start in another way than here."""
    return any(
        env.get(name) != os.environ.get(name) for name in {*env, *os.environ} if name.startswith("PYTHON")
    )


def _forked(asked: dict[str, Any]) -> int:
    global _template
    if _template is None or _template.poll() is not None:
        _template = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(_template.kill)
    assert _template.stdin is not None
    assert _template.stdout is not None
    _template.stdin.write(json.dumps(asked) + "\n")
    _template.stdin.flush()
    child = int(_template.stdout.readline())
    # Whoever waits too long ends the child, and with it the wait.
    clock = threading.Timer(TIMEOUT_S, os.kill, (child, signal.SIGKILL))
    clock.start()
    try:
        return int(_template.stdout.readline())
    finally:
        clock.cancel()


def _serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
            from promptlab.cli.main import main

            main(list(asked["args"]))
        print(child, flush=True)
        status = os.waitpid(child, 0)[1]
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(asked: dict[str, Any]) -> None:
    """This process, as the operating system would have started it."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["promptlab", *asked["args"]]
    streams = (os.devnull, os.O_RDONLY), *((asked[name], os.O_WRONLY | os.O_CREAT) for name in ("out", "err"))
    for number, (path, flags) in enumerate(streams):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    # A command that hangs says where, before it is ended.
    faulthandler.dump_traceback_later(TIMEOUT_S - 10)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  a descriptor


if __name__ == "__main__":
    _serve()
