"""Hashes, files, homes and the loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.basics.errors import CallError, CallErrorKind, ExperimentError
from promptlab.basics.files import FileLock, write_atomically
from promptlab.basics.hashing import canonical, digest, seeded
from promptlab.basics.home import find_home, open_home
from promptlab.basics.loop import run_sync, shared_loop

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_never_changes_a_hash(value: dict[str, object]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@given(JSON)
def test_every_json_value_has_canonical_bytes(value: object) -> None:
    assert canonical(value) == canonical(value)


def test_lone_surrogates_and_huge_integers_have_canonical_bytes_too() -> None:
    assert canonical({"a": "\ud800", "b": 10**40}) == canonical({"b": 10**40, "a": "\ud800"})


def test_a_seeded_generator_depends_on_its_parts_alone() -> None:
    assert seeded(1, "a").random() == seeded(1, "a").random() != seeded(1, "b").random()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from promptlab.basics.files import FileLock;"
        "lock = FileLock.acquire(Path(sys.argv[1])); print(lock is not None, flush=True); time.sleep(60)"
    )
    path = tmp_path / "lock"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    assert FileLock.acquire(path) is None
    holder.kill()
    holder.wait()
    lock = FileLock.acquire(path)
    assert lock is not None
    lock.release()


def test_the_home_is_the_nearest_folder_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTLAB_HOME", raising=False)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_home(deep) == deep / ".promptlab"
    made = open_home(tmp_path)
    assert made.stat().st_mode & 0o777 == 0o700
    assert find_home(deep) == made
    monkeypatch.setenv("PROMPTLAB_HOME", str(tmp_path / "elsewhere"))
    assert find_home(deep) == tmp_path / "elsewhere"


def test_there_is_one_loop_and_it_serves_threads_and_running_loops() -> None:
    async def where() -> tuple[int, int]:
        return id(asyncio.get_running_loop()), threading.get_ident()

    async def notebook() -> tuple[int, int]:
        return run_sync(where())

    here = run_sync(where())
    assert here == asyncio.run(notebook()) == (id(shared_loop()), here[1])
    assert here[1] != threading.get_ident()


def test_an_error_says_file_line_field_value_and_fix_in_one_line() -> None:
    error = ExperimentError(
        "unknown key", file="e.yaml", line=3, field="limits.x", value=5, remedy="Remove it."
    )
    assert str(error) == "e.yaml:3: limits.x: unknown key (got 5). Remove it."
    assert len(str(ExperimentError("bad", value="x" * 10_000))) < 200


def test_what_is_tried_again_and_what_ends_a_cell_never_overlap() -> None:
    for kind in CallErrorKind:
        error = CallError(kind, "x")
        assert not (error.transient and error.ends_cell)


def test_the_loops_clock_stands_still_while_the_process_does() -> None:
    code = """
import asyncio, os, signal, time
from promptlab.basics.loop import run_sync

async def main():
    loop = asyncio.get_running_loop()
    began, truly = loop.time(), time.monotonic()
    print("stop me", flush=True)
    try:
        async with asyncio.timeout(2.5):
            while time.monotonic() - truly < 4:
                await asyncio.sleep(0.05)
        print("in time", loop.time() - began < 2.5)
    except TimeoutError:
        print("late")
    before = loop.time()
    await asyncio.sleep(1.5)  # waiting is no standstill
    print("waited", 1.4 < loop.time() - before < 2.4)

run_sync(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "stop me\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=30)[0].splitlines() == ["in time True", "waited True"]
