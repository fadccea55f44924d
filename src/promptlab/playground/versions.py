"""The versions of a prompt, and what differs between two."""

from __future__ import annotations

import difflib
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import orjson

from promptlab.basics.errors import StorageError
from promptlab.playground.bots import FOLDER
from promptlab.playground.prompt import Prompt

# Words, runs of space, single characters of scripts without spaces, single signs.
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]|\w+|\s+|.", re.DOTALL)
# Longer texts are compared line by line: word by word would take seconds.
_MOST_WORDS = 4000
_writing = threading.Lock()


class Piece(NamedTuple):
    """A part of a diff."""

    kind: Literal["same", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """What stood in the editor when it was asked. `at`: Unix time; numbers count from 1."""

    number: int
    at: float
    prompt: str
    system: str = ""
    instruction: str = ""


class Versions:
    """The versions of a home, one a line in `PROMPTLAB_HOME/playground/versions.jsonl`, never overwritten."""

    def __init__(self, home: Path) -> None:
        self._path = home / FOLDER / "versions.jsonl"

    def all(self) -> list[PromptVersion]:
        """The oldest first. A line that a crash cut short is passed over."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found: list[PromptVersion] = []
        for line in lines:
            try:
                found.append(PromptVersion(len(found) + 1, **orjson.loads(line)))
            except (ValueError, TypeError):
                continue
        return found

    def keep(self, prompt: Prompt) -> PromptVersion:
        """The version of this text: the last one if it is the same, else a new one."""
        said = {"prompt": prompt.prompt, "system": prompt.system, "instruction": prompt.instruction}
        with _writing:
            known = self.all()
            last = known[-1] if known else None
            if last is not None and said == {name: getattr(last, name) for name in said}:
                return last
            row = {"at": time.time(), **said}
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with self._path.open("ab") as stream:
                    stream.write(orjson.dumps(row) + b"\n")
            except OSError as error:
                raise StorageError(f"{self._path} cannot be written: {error.strerror}.") from error
            return PromptVersion(len(known) + 1, **row)  # type: ignore[arg-type]


def differences(old: str, new: str) -> list[Piece]:
    """`old` to `new` word by word (long texts line by line): put together without "added" it is `old`."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(before) + len(after) > _MOST_WORDS:
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(before[i:j])))
            continue
        if i < j:
            pieces.append(Piece("removed", "".join(before[i:j])))
        if k < m:
            pieces.append(Piece("added", "".join(after[k:m])))
    return pieces
