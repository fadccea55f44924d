"""Peak memory of `promptlab compare`, start included: `python benchmarks/memory.py [SMALL LARGE]`.

A run of LARGE trials against one of SMALL, and the same from the cache, each in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from run import PROVIDER, write_experiment

AT_MOST = 1.3


def peak_mb(folder: Path, *options: str) -> float:
    """The largest resident set of one whole process, in MB; it must succeed."""
    command = [sys.executable, "-m", "promptlab", "compare", "exp.yaml", "--json", "--quiet", *options]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROMPTLAB")}
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:3]] or [5_000, 100_000]
    provider = subprocess.Popen([sys.executable, str(PROVIDER)], stdout=subprocess.PIPE, text=True)
    assert provider.stdout is not None
    url = provider.stdout.readline().strip()
    peaks = []
    try:
        for size in sizes:
            with tempfile.TemporaryDirectory() as name:
                write_experiment(Path(name), url, size)
                peaks.append([peak_mb(Path(name)), peak_mb(Path(name), "--fresh"), peak_mb(Path(name))])
    finally:
        provider.terminate()
        provider.wait()
    for what, small, large in zip(("a run", "from the cache", "reprinted"), *peaks, strict=True):
        told = f"peak memory of {sizes[1]:,} trials, {what}"
        print(
            f"{told:<46} {large:5.0f} MB, of {sizes[0]:,} {small:5.0f} MB,"
            f" ratio {large / small:.2f}, at most {AT_MOST}"
        )


if __name__ == "__main__":
    main()
