"""A job's process: `python -m promptlab.cli.job FOLDER compare …`, as `runs.background` starts it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from promptlab.basics.files import write_atomically
from promptlab.basics.process import this_process
from promptlab.cli.main import run


def main() -> int:
    """Says which process it is, runs the command, and leaves its exit code behind."""
    from promptlab.runs.background import EXIT, PROCESS
    from promptlab.runs.directory import note_of

    # Who starts a process in the background of a script starts it deaf to this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(sys.argv[1])
    write_atomically(folder / PROCESS, note_of(this_process()))
    code = run(sys.argv[2:])
    write_atomically(folder / EXIT, str(code).encode())
    return code


if __name__ == "__main__":
    sys.exit(main())
