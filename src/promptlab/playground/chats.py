"""The conversations of a home: their list, a search in them, renaming, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from promptlab.basics.errors import PromptlabError, StorageError
from promptlab.playground.chat import Chat
from promptlab.playground.chat_file import ChatFile, all_paths, path_of

_KEPT = 500  # summaries in memory


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in the list. `at`: when it was last asked. `damaged`: why it cannot be opened."""

    id: str
    title: str = ""
    at: float = 0.0
    models: tuple[str, ...] = ()
    turns: int = 0
    damaged: str = ""


class Chats:
    """The conversations of a home, a file each in `PROMPTLAB_HOME/playground/conversations/`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def all(self, search: str = "") -> list[Listed]:
        """The last asked first; those in which every word of `search` stands, in a question, answer or title.

        One that is damaged says so in its place, and hides none of the others.
        """
        words = search.casefold().split()
        found = []
        for id, path in all_paths(self._home):
            try:
                stat = path.stat()
            except FileNotFoundError:  # deleted meanwhile
                continue
            listed, text = _read(id, path, stat.st_mtime_ns, stat.st_size)
            if all(word in text for word in words):
                found.append(listed)
        return sorted(found, key=lambda each: (each.at, each.id), reverse=True)

    def begin(self) -> Chat:
        """A new one. StorageError."""
        return Chat.begin(self._home)

    def open(self, id: str) -> Chat:
        """UsageError: there is none of that id. StorageError: its file is damaged."""
        return Chat.open(self._home, id)

    def rename(self, id: str, title: str) -> None:
        """UsageError, StorageError, as `open`."""
        self.open(id).rename(title)

    def delete(self, id: str) -> None:
        """For good. Answers on their way are stopped. UsageError, StorageError."""
        path = path_of(self._home, id)
        with suppress(StorageError):  # a damaged one has nothing to stop
            Chat.open(self._home, id).stop()
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{path} cannot be deleted: {error.strerror}.") from error


@lru_cache(maxsize=_KEPT)
def _read(id: str, path: Path, mtime_ns: int, size: int) -> tuple[Listed, str]:
    """What the list shows of a file, and its words for a search, in small letters."""
    file = ChatFile(path)
    try:
        rows = file.new_lines()
    except PromptlabError as error:
        return Listed(id, damaged=str(error)), ""
    except FileNotFoundError:
        return Listed(id), ""
    title, at, models, turns = "", 0.0, [], 0
    words: list[str] = []
    for row in rows:
        at = float(row.get("at", at)) if row["kind"] in ("begun", "exchange") else at
        match row["kind"]:
            case "title":
                title = str(row.get("title"))
                words.append(title)
            case "exchange":
                turns += 1
                asked = row.get("asked", {})
                models += [str(asked["candidate"].get("label"))] if "candidate" in asked else []
                words += [
                    str(row.get("said")),
                    *_texts(asked.get("prompt", {})),
                    *_texts(asked.get("question", {})),
                ]
            case "answer":
                words.append(str(row.get("answer", {}).get("text")))
    return Listed(id, title, at, tuple(dict.fromkeys(models)), turns), "\n".join(words).casefold()


def _texts(row: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in row.values()]
