"""The cache keeps what is paid, serves nothing damaged, loads no pickle, and says in a line what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from door_parts import Answering, request
from hypothesis import given
from hypothesis import strategies as st

from promptlab.basics.errors import StorageError, UsageError
from promptlab.models.cache import DiskCache
from promptlab.models.client import Client
from promptlab.models.entry import pack, unpack, unpack_request
from promptlab.models.key import request_key
from promptlab.models.request import Completion, ToolCall, Usage

SRC = Path(__file__).parents[2] / "src"


def run(work: Any) -> Any:
    return asyncio.run(work)


def change(folder: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(folder / "cache.db") as rows:
        assert rows.execute(sql, values).rowcount > 0
    rows.close()


async def fill(folder: Path, **items: bytes) -> None:
    cache = DiskCache(folder)
    for key, value in items.items():
        await cache.put(key, value)
    await cache.close()


async def read(folder: Path, key: str) -> bytes | None:
    cache = DiskCache(folder)
    try:
        return await cache.get(key)
    finally:
        await cache.close()


def test_what_was_put_is_there_for_the_next_process(tmp_path: Path) -> None:
    big = os.urandom(300_000)
    run(fill(tmp_path, small=b"1", big=big))
    assert run(read(tmp_path, "small")) == b"1"
    assert run(read(tmp_path, "big")) == big
    assert run(read(tmp_path, "other")) is None


def test_large_values_are_no_files_that_could_vanish(tmp_path: Path) -> None:
    run(fill(tmp_path, big=b"x" * 100_000))
    assert not list(tmp_path.rglob("*.val"))


def test_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    run(fill(folder, a=b"1"))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_add_and_swap_change_only_what_they_expect(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        assert await cache.add("k", b"first") is None
        assert await cache.add("k", b"second") == b"first"
        assert not await cache.swap("k", b"second", b"third")
        assert await cache.swap("k", b"first", b"third")
        await cache.put("k", b"fourth", over=False)
        assert await cache.get("k") == b"third"
        assert await cache.swap("k", b"third", None)
        assert await cache.get("k") is None
        await cache.close()

    run(main())


def test_many_writes_at_once_are_few_transactions(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        await cache.put("warm", b"")
        sizes = []
        commit = cache._writer._commit
        cache._writer._commit = lambda batch: (sizes.append(len(batch)), commit(batch))[1]  # type: ignore[func-returns-value]
        await asyncio.gather(*(cache.put(str(i), b"x") for i in range(500)))
        assert sum(sizes) == 500
        assert len(sizes) < 50
        await cache.close()

    run(main())


def test_a_write_whose_caller_was_cancelled_still_happens(tmp_path: Path) -> None:
    async def main() -> None:
        cache = DiskCache(tmp_path)
        writing = asyncio.create_task(cache.put("k", b"paid"))
        await asyncio.sleep(0)
        writing.cancel()
        await cache.close()

    run(main())
    assert run(read(tmp_path, "k")) == b"paid"


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("pickled data was loaded",))


def test_a_row_in_pickle_mode_is_refused_and_never_loaded(tmp_path: Path) -> None:
    run(fill(tmp_path, k=b"1"))
    change(tmp_path, "UPDATE Cache SET mode = 4, value = ?", pickle.dumps(Bomb()))
    with pytest.raises(StorageError, match=r"pickled data, which is never loaded.*--no-cache"):
        run(read(tmp_path, "k"))


def test_a_row_of_another_kind_is_refused(tmp_path: Path) -> None:
    run(fill(tmp_path, k=b"1"))
    change(tmp_path, "UPDATE Cache SET value = 'text'")
    with pytest.raises(StorageError, match="foreign value"):
        run(read(tmp_path, "k"))


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"this is no database at all, not even a small one" * 100)
    with pytest.raises(StorageError, match="cannot be used: file is not a database") as caught:
        DiskCache(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="PROMPTLAB_HOME"):
        DiskCache(tmp_path / "file" / "cache")


@pytest.mark.skipif(os.name != "posix", reason="folder permissions are POSIX")
def test_a_read_only_folder_is_a_usage_error(tmp_path: Path) -> None:
    run(fill(tmp_path, k=b"1"))
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from promptlab.models.cache import DiskCache\n"
        "from promptlab.basics.errors import UsageError\n"
        "folder = Path(sys.argv[1])\n"
        "os.chmod = lambda *a, **k: None\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: DiskCache(folder)\n"
        "except UsageError as error: print(error)\n"
    )
    # Root may write anywhere: the process becomes nobody, for whom the way to the folder must be open.
    opened = [
        each
        for each in (tmp_path, *tmp_path.parents)
        if each.stat().st_uid == os.getuid() and each != Path("/")
    ]
    modes = [(each, each.stat().st_mode & 0o7777) for each in opened]
    try:
        for each, mode in modes:
            each.chmod(mode | 0o055)
        for each in tmp_path.iterdir():
            each.chmod(0o444)
        tmp_path.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
    finally:
        for each, mode in modes:
            each.chmod(mode)
    assert "cannot be written" in done.stdout, done.stderr
    assert "PROMPTLAB_HOME" in done.stdout


replies = st.builds(
    Completion,
    text=st.text() | st.characters(categories=["Cs"]),
    finish_reason=st.sampled_from(["stop", "length", "content_filter"]),
    usage=st.builds(Usage, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
    reasoning=st.text(max_size=5),
    tool_calls=st.lists(
        st.builds(ToolCall, st.text(max_size=2), st.text(max_size=2), st.text(max_size=2))
    ).map(tuple),
    logprobs=st.none() | st.lists(st.floats(-10, 0), max_size=3),
    latency_s=st.floats(0, 100),
    created=st.floats(0, 2e9),
    cost=st.none() | st.floats(0, 1),
    left_out=st.lists(st.text(max_size=3)).map(tuple),
    key=st.just("k"),
    cached=st.just(True),
    attempts=st.just(0),
)


@given(replies)
def test_an_entry_gives_back_the_reply_and_the_request(reply: Completion) -> None:
    row = pack(reply, b'{"v":1}')
    assert unpack(row, "k") == reply
    assert unpack_request(row, "k") == {"v": 1}


@given(st.data())
def test_one_changed_byte_is_never_served(data: st.DataObject) -> None:
    row = pack(Completion(text="the answer is 41", usage=Usage(1, 2)), b'{"v":1}')
    at = data.draw(st.integers(0, len(row) - 1))
    bent = row[:at] + bytes([row[at] ^ data.draw(st.integers(1, 255))]) + row[at + 1 :]
    with pytest.raises(StorageError, match="damaged"):
        unpack(bent, "k")


def test_a_damaged_row_ends_its_call_in_one_line_and_pays_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        transport = Answering()
        client = Client.open(tmp_path, experiment="e", transports={"scripted": transport})
        await client.complete(request("a"))
        await client.complete(request("b"))
        key = request_key(request("a")).text
        change(tmp_path / "cache", "UPDATE Cache SET value = substr(value, 1, 60) WHERE key = ?", key)
        with pytest.raises(StorageError, match=f"{key} is damaged.*cache verify"):
            await client.complete(request("a"))
        assert (await client.complete(request("b"))).cached
        assert len(transport.sent) == 2
        await client.close()

    run(main())


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=32m tmpfs "$1" || exit 99
shift
exec "$@"
"""


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare to mount a small disk")
def test_a_full_disk_loses_nothing_that_was_paid(tmp_path: Path, missing: Any) -> None:
    code = """
import asyncio, json, sys
from pathlib import Path
from door_parts import Answering, request
from promptlab.models.client import Client
from promptlab.models.limits import Limits

home = Path(sys.argv[1])

async def main():
    async def answer(asked):
        await asyncio.sleep(0.01)
        return "y" * 200_000
    def client(transport):
        limits = Limits(concurrency=8)
        return Client.open(home, experiment="e", transports={"scripted": transport}, limits=limits)
    paying = Answering(answer)
    first = client(paying)
    calls = [first.complete(request(str(i))) for i in range(100)]
    done = await asyncio.gather(*calls, return_exceptions=True)
    await first.close()
    errors = sorted({f"{type(e).__name__}: {e}" for e in done if isinstance(e, BaseException)})
    reading = Answering(answer)
    (home / "cache" / "room").unlink()
    second = client(reading)
    kept = 0
    for asked in paying.sent:
        kept += (await second.complete(asked)).cached
    await second.close()
    print(json.dumps({"paid": len(paying.sent), "kept": kept, "errors": errors}))

(home / "cache").mkdir()
(home / "cache" / "room").write_bytes(b"x" * 10_000_000)
asyncio.run(main())
"""
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, "sh", tmp_path, sys.executable, "-c", code, tmp_path],
        env={**os.environ, "PYTHONPATH": f"{SRC}:{Path(__file__).parent}"},
        capture_output=True,
        text=True,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        missing("the right to mount a small disk")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 10 < found["paid"] < 100
    assert found["kept"] == found["paid"]
    assert found["errors"]
    for each in found["errors"]:  # the cache's, and where it was sooner, the ledger's
        assert each.startswith("StorageError")
        assert "is full" in each
        assert "Free space" in each
        assert "\n" not in each


def test_a_reply_that_cannot_be_stored_is_said_to_be_lost(tmp_path: Path) -> None:
    async def main() -> None:
        async def answer(_: object) -> str:
            change(tmp_path / "cache", "UPDATE Settings SET value = 0 WHERE key = 'cull_limit'")
            with sqlite3.connect(tmp_path / "cache" / "cache.db") as rows:
                rows.execute("DROP TABLE Cache")
            return "paid"

        transport = Answering(answer)
        client = Client.open(tmp_path, experiment="e", transports={"scripted": transport})
        with pytest.raises(StorageError, match="completed reply of 'x' was not stored and is lost"):
            await client.complete(request("a"))
        with pytest.raises(StorageError):
            await client.complete(request("b"))
        assert len(transport.sent) == 1
        await client.close()

    run(main())
