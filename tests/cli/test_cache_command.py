"""`promptlab cache`: what is kept, and every damaged row found, named, and removed on request."""

from __future__ import annotations

import json
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, model

DAMAGE = {
    "a flipped bit": ("UPDATE Cache SET value = flipped(value) WHERE rowid = 1", ()),
    "a cut value": ("UPDATE Cache SET value = substr(value, 1, length(value) / 2) WHERE rowid = 1", ()),
    "pickled data": ("UPDATE Cache SET mode = 4, value = ? WHERE rowid = 1", (pickle.dumps({"a": 1}),)),
    "a text": ("UPDATE Cache SET value = 'text' WHERE rowid = 1", ()),
    "a file": ("UPDATE Cache SET filename = '00/00/x.val', value = NULL WHERE rowid = 1", ()),
    "a number as key": ("UPDATE Cache SET key = 17 WHERE rowid = 1", ()),
}


@pytest.fixture
def command(tmp_path: Path, fake_provider: Any) -> RealCommand:
    command = RealCommand(tmp_path, LOOP_KEY="sk-loop")
    command.write(20, model("fake-1", fake_provider.openai))
    command.compare()
    return command


def change(command: RealCommand, sql: str, values: tuple[object, ...] = ()) -> int:
    with sqlite3.connect(command.folder / ".promptlab" / "cache" / "cache.db") as rows:
        rows.create_function("flipped", 1, lambda value: value[:99] + bytes([value[99] ^ 1]) + value[100:])
        return rows.execute(sql, values).rowcount


def test_a_sound_cache_is_counted_and_verified(command: RealCommand, tmp_path: Path) -> None:
    info = json.loads(command.run("cache", "info", "--json")[0])
    assert info["entries"] == 20
    assert info["bytes_on_disk"] > 20 * 400
    assert info["oldest"] <= info["newest"]
    assert "20 entries" in command.run("cache", "info")[0]
    assert "20 sound entries, 0 bad" in command.run("cache", "verify")[1]
    empty = tmp_path / "elsewhere"
    assert "0 entries" in command.run("cache", "info", home=empty)[0]
    assert not empty.exists()


@pytest.mark.parametrize("what", DAMAGE)
def test_a_bad_row_is_named_and_removed_only_on_request(
    command: RealCommand, fake_provider: Any, what: str
) -> None:
    sql, values = DAMAGE[what]
    assert change(command, sql, values) == 1
    out, err = command.run("cache", "verify", code=1)
    assert len(out.splitlines()) == 1
    assert "19 sound entries, 1 bad" in err
    found = json.loads(command.run("cache", "verify", "--repair", "--json")[0])
    assert (found["removed"], found["bad_left"], found["check"]["bad"][0]["row"]) == (1, 0, 1)
    before = fake_provider.requests
    assert command.compare("--fresh")["status"] == "complete"
    assert fake_provider.requests == before + 1  # only the removed reply is paid for again


def test_a_file_that_is_no_database_is_said_in_one_line(command: RealCommand) -> None:
    folder = command.folder / ".promptlab" / "cache"
    for path in folder.glob("cache.db*"):
        path.unlink()
    (folder / "cache.db").write_bytes(b"this is no database" * 100)
    for name in ("info", "verify"):
        _, err = command.run("cache", name, code=1)
        assert "cannot be read" in err
        assert err.count("\n") == 1
