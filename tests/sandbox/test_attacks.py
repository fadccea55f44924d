"""Programs that try to get out, or to take the machine with them. Each ends typed, and soon."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sandbox_processes as processes

from promptlab.sandbox import ProgramResult

Run = Callable[..., ProgramResult]

# The second and a half by the clock that these programs have, and more for a busy machine.
SOON_S = 4.0
# Objects all the way to the module `os`, with no import and no name that a filter of names would know.
BACK_DOOR = """
loader = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_wrap_close"][0]
found = loader.__init__.__globals__
"""
# The kernel is asked directly, past everything that Python is.
DIRECTLY = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def solution():
    made = [libc.open(b"/etc/passwd", 0), libc.open(b"/dev/shm/promptlab_left", 0o101, 0o644), libc.fork(),
        libc.socket(2, 1, 0), libc.kill(-1, 9), libc.ptrace(16, 1, 0, 0), libc.unshare(0x10000000),
        libc.execve(b"/bin/true", None, None), libc.prctl(1, 0, 0, 0, 0),
        libc.mount(b"a", b"/", b"proc", 0, 0)]
    return [each for each in made if each != -1]
"""
FORBIDDEN = {
    "file read": "open('/etc/passwd').read()",
    "file write": "open({target!r}, 'w').write('x')",
    "file removed": "import os; os.remove({kept!r})",
    "folder listed": "import os; os.listdir('/')",
    "keys of the parent": "import os; open(f'/proc/{{os.getppid()}}/environ').read()",
    "keys of all": "open('/proc/self/environ').read()",
    "socket": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "datagram": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "local socket": "import socket; socket.socket(socket.AF_UNIX).connect('/run/x')",
    "listening": "import socket; socket.create_server(('127.0.0.1', 0))",
    "command": "import subprocess; subprocess.run(['/bin/sh', '-c', 'echo x > {target}'])",
    "shell": "import os; os.posix_spawn('/bin/sh', ['sh', '-c', 'echo x > {target}'], {{}})",
    "other program": "import os; os.execv('/bin/sh', ['sh', '-c', 'echo x > {target}'])",
    "fork": "import os; os.fork()",
    "fork bomb": "import os\nwhile True: os.fork()",
    "signal to the parent": "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
    "signal to all": "import os, signal; os.kill(-1, signal.SIGKILL)",
    "signal to its group": "import os, signal; os.killpg(0, signal.SIGKILL)",
    "timer": "import signal; signal.setitimer(signal.ITIMER_REAL, 1)",
    "pipe": "import os; os.pipe()",
    "open through the back door": BACK_DOOR + "found['open']('/etc/passwd', 0)",
    "os through the back door": BACK_DOOR + "found['listdir']('/')",
    "os by its name in pieces": "__import__('o' + 's').__dict__['unli' + 'nk']({kept!r})",
}
OTHERS = {
    "endless loop": ("while True: pass", "timeout"),
    "endless loop that ignores the signal": (
        "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
        "timeout",
    ),
    "endless loop that catches everything": (
        "while True:\n try:\n  while True: pass\n except BaseException: pass",
        "timeout",
    ),
    "endless computation inside C": ("x = 7 ** (7 ** 9)", "timeout"),
    "sleep": ("import time; time.sleep(1000)", "timeout"),
    "silent sleep": ("import os, time; os.close(1); os.close(3); time.sleep(1000)", "timeout"),
    "ten gigabytes": ("x = bytearray(10 * 1024**3)", "memory"),
    "list that grows": ("x = []\nwhile True: x.append([0] * 1000000)", "memory"),
    "huge output": ("while True: print('x' * 100000)", "output"),
    "huge output past Python": ("import os\nwhile True: os.write(1, b'x' * 100000)", "output"),
    "huge outcome": ("import os\nwhile True: os.write(3, b'x' * 100000)", "output"),
    "huge value": ("def solution(): return 'x' * 1000000", "output"),
    "sys.exit": ("import sys; sys.exit(0)", "exit"),
    "quit at once": ("import os; os._exit(0)", "exit"),
    "exit inside the call": ("def solution(): raise SystemExit", "exit"),
    "abort": ("import os; os.abort()", "error"),
    "crash": ("import ctypes; ctypes.string_at(0)", "error"),
    "deep recursion": ("def f(): f()\nf()", "error"),
    "interrupt": ("raise KeyboardInterrupt", "error"),
    "threads": ("import threading\nwhile True: threading.Thread(target=print).start()", "error"),
    "forged outcome": ("import os; os.write(3, b'no outcome'); os._exit(0)", "exit"),
    "broken text": ("raise ValueError('\\ud800')", "error"),
}


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert len(processes.of(os.getpid())) in (0, 2), "beside the template and its keeper something runs"


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_the_kernel_refuses(attack: str, run: Run, tmp_path: Path) -> None:
    target, kept = tmp_path / "made", tmp_path / "kept"
    kept.write_text("mine")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        started = time.monotonic()
        port = listening.getsockname()[1]
        result = run(FORBIDDEN[attack].format(target=str(target), kept=str(kept), port=port))
        assert time.monotonic() - started < SOON_S
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert result.failure == "forbidden", result
    assert "Operation not permitted" in result.message
    assert result.value is None
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("attack", OTHERS)
def test_an_attack_ends_typed_in_bounded_time(attack: str, run: Run) -> None:
    code, failure = OTHERS[attack]
    started = time.monotonic()
    result = run(code)
    assert time.monotonic() - started < SOON_S
    assert result.failure == failure, result
    assert result.message
    assert "\n" not in result.message
    assert len(result.stdout) <= 10_000


def test_not_even_machine_code_gets_past_the_kernel(run: Run) -> None:
    assert run(DIRECTLY).data == []
    assert not Path("/dev/shm/promptlab_left").exists()


def test_a_program_that_catches_the_refusal_goes_on_without_the_file(run: Run) -> None:
    result = run(
        "def solution():\n try: return open('/etc/passwd').read()\n except OSError: return 'no file'"
    )
    assert (result.failure, result.value) == (None, "no file")


def test_no_key_of_the_surroundings_can_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-mine")
    assert "secret" not in (run("import os", call="dict(os.environ)").value or "")


def test_what_one_program_leaves_behind_the_next_one_does_not_meet(run: Run) -> None:
    spoiled = "import math, builtins\nmath.pi = 3\nbuiltins.print = None\ndef solution(): return math.pi"
    assert run(spoiled).value == "3"
    assert run("import math\ndef solution(): return print is not None and math.pi > 3").data is True
