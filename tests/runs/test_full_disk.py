"""A disk that fills up in the middle of a run: one line, and after there is room again nothing is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, cached_replies, check_store, model, store_of, wait_until, whole_table

SAMPLES = 120
# The cache keeps 8 MB aside for what is paid already.
SIZES = {"cache": "20m", "runs": "6m", "ledger": "3m"}


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    models = model("fake-1", fake_provider.openai)
    command.write(SAMPLES, models, "zero_shot, zero_shot_cot", "concurrency: 8, budget_calls: 100000")
    return command


@pytest.fixture
def disk(missing: Any) -> Iterator[Callable[[Path, str], None]]:
    """Mounts a small disk on a folder."""
    mounted: list[Path] = []

    def mount(folder: Path, size: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        done = shutil.which("mount") and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
        )
        if not done or done.returncode != 0:
            missing("the right to mount a small disk")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def small_home(home: Path, which: str, disk: Callable[[Path, str], None]) -> Path:
    """A PROMPTLAB_HOME of which one part lies on a small disk: the folder that is that disk."""
    if which != "ledger":
        disk(home / which, SIZES[which])
        return home / which
    disk(home, SIZES[which])
    for name in ("cache", "runs", "datasets"):
        elsewhere = home.with_name(f"{home.name}-{name}")
        elsewhere.mkdir()
        (home / name).symlink_to(elsewhere)
    return home


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(4096))
    return filler


@pytest.mark.parametrize("which", SIZES)
def test_a_disk_that_fills_up_loses_nothing_that_was_paid(
    command: RealCommand, fake_provider: Any, disk: Any, which: str
) -> None:
    undisturbed = whole_table(command.compare(home=command.folder / "roomy"))
    needed = fake_provider.requests
    home = command.folder / "home"
    small = small_home(home, which, disk)
    fake_provider.control(reset=True, latency_ms=10)
    process = command.start("compare", "exp.yaml", "--json", home=home)
    wait_until(lambda: fake_provider.requests >= 40, "the run does not get going")
    filler = fill(small)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("promptlab:")]
    assert "full" in line
    assert "Free space" in line
    assert "Traceback" not in err
    paid = fake_provider.requests
    assert 40 <= paid < needed
    assert cached_replies(home) == paid
    again = command.run("compare", "exp.yaml", "--json", code=1, home=home)[1]  # still full
    assert "Free space" in again
    assert cached_replies(home) == fake_provider.requests
    filler.unlink()
    resumed = command.compare(home=home)
    assert resumed["status"] == "complete"
    assert whole_table(resumed) == undisturbed
    assert fake_provider.requests == needed
    check_store(store_of(home))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_does_not_fit_is_said_in_one_line_and_is_kept(
    command: RealCommand, fake_provider: Any
) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "promptlab", "compare", "exp.yaml", "--json"],
            cwd=command.folder,
            env=command.env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    (line,) = [line for line in process.stderr.splitlines() if "planned" not in line and "price" not in line]
    assert line.startswith("promptlab: the result cannot be written: the disk is full.")
    assert process.returncode == 1
    asked = fake_provider.requests
    assert command.compare()["status"] == "complete"
    assert fake_provider.requests == asked


@pytest.mark.parametrize("which", SIZES)
def test_a_disk_that_is_full_from_the_start_is_said_before_anything_is_paid(
    command: RealCommand, fake_provider: Any, disk: Any, which: str
) -> None:
    home = command.folder / "home"
    filler = fill(small_home(home, which, disk))
    _, err = command.run("compare", "exp.yaml", "--json", code=1, home=home)
    told = [line for line in err.splitlines() if line.startswith("promptlab:")]
    assert len(told) == 1
    assert "Free space" in told[0]
    assert fake_provider.requests == 0
    filler.unlink()
    shown = json.loads(command.run("compare", "exp.yaml", "--json", home=home)[0])
    assert shown["status"] == "complete"
