"""A conversation's file: lines that are added and never changed, so that nobody overwrites another's turn."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.hashing import canonical
from promptlab.models.keys import Secret, held, mask
from promptlab.playground.bots import FOLDER

FORM = 1  # of these lines
_ENDING = ".jsonl"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def folder_of(home: Path) -> Path:
    """`PROMPTLAB_HOME/playground/conversations`, a file each."""
    return home / FOLDER / "conversations"


def path_of(home: Path, id: str) -> Path:
    """The file of that conversation. UsageError: no conversation is called so (it comes from an address)."""
    path = folder_of(home) / f"{id}{_ENDING}"
    if not _ID.fullmatch(id) or not path.is_file():
        raise UsageError(
            f"there is no conversation {id[:40]!r} here.",
            remedy="Choose one of the list, or begin a new one.",
        )
    return path


def all_paths(home: Path) -> Iterator[tuple[str, Path]]:
    """Every conversation's id with its file, the newest first."""
    for path in sorted(folder_of(home).glob(f"*{_ENDING}"), reverse=True):
        if _ID.fullmatch(path.stem):
            yield path.stem, path


class ChatFile:
    """The lines of one conversation. Several tabs and processes may add to it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0  # lines so far that could not be read
        self._read = 0  # bytes

    @classmethod
    def begin(cls, home: Path) -> tuple[str, ChatFile]:
        """A new one with its id."""
        id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        path = folder_of(home) / f"{id}{_ENDING}"
        line = orjson.dumps({"kind": "begun", "form": FORM, "at": time.time()}) + b"\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("xb") as stream:
                stream.write(line)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
        return id, cls(path)

    def add(self, *rows: Mapping[str, Any], secret: Iterable[Secret | str] = ()) -> None:
        """Adds these at the end, all at once; a key in them, typed or of `secret`, is masked.

        StorageError where that fails; FileNotFoundError: the conversation was deleted meanwhile.
        """
        text = b"".join(canonical(each) + b"\n" for each in rows).decode()
        data = mask(text, [*held().values(), *secret]).encode()
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
            try:
                size = os.fstat(handle).st_size
                if size and _last_byte(handle, size) != b"\n":
                    data = b"\n" + data  # a line that a crash cut short takes none with it
                if os.write(handle, data) != len(data):
                    raise OSError(28, "No space left on device")
            finally:
                os.close(handle)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be written: {error.strerror}.", remedy="Free space there and ask again."
            ) from error

    def new_lines(self) -> list[Mapping[str, Any]]:
        """What was added since the last look. A line that cannot be read is counted, and left out.

        StorageError: the file cannot be read, or its beginning is none of a conversation's.
        """
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._read)
                data = stream.read()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}.") from error
        whole = data[: data.rfind(b"\n") + 1]  # the rest is still being written, or was cut short
        rows = [_parsed(line) for line in whole.splitlines() if line.strip()]
        if self._read == 0 and not (rows and rows[0].get("kind") == "begun" and rows[0].get("form") == FORM):
            raise self.unreadable()
        self._read += len(whole)
        self.damaged += sum(not each for each in rows)
        return [each for each in rows if each]

    def unreadable(self) -> StorageError:
        """What is said of a file that is none of ours any more."""
        return StorageError(
            f"{self.path} is damaged, or of a newer promptlab.",
            remedy="Delete the file, or put back a copy; the other conversations are not touched.",
        )


def _parsed(line: bytes) -> Mapping[str, Any]:
    """The row; nothing where it is none."""
    try:
        row = orjson.loads(line)
    except ValueError:
        try:
            row = json.loads(line)  # halves of a character pair are legal here, and not there
        except ValueError:
            return {}
    return row if isinstance(row, dict) and isinstance(row.get("kind"), str) else {}


def _last_byte(handle: int, size: int) -> bytes:
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1)
