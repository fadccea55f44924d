"""Named bots: a system prompt with a model and its settings, as in chat sites."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.files import write_atomically

FOLDER = "playground"
MAX_NAME_CHARS = 60
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Bot:
    """`model` is the model's entry as under `models:` of an experiment, `label` its name; no key is in it."""

    name: str
    system: str
    label: str
    model: Mapping[str, Any]
    sampling: Mapping[str, Any] = field(default_factory=dict)


class Bots:
    """The bots of a home, kept in `PROMPTLAB_HOME/playground/bots.json`."""

    def __init__(self, home: Path) -> None:
        self._path = home / FOLDER / "bots.json"

    def all(self) -> list[Bot]:
        """By name. StorageError where the file is damaged."""
        try:
            entries = orjson.loads(self._path.read_bytes())
            return sorted((Bot(**each) for each in entries), key=lambda bot: bot.name)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise StorageError(
                f"{self._path} cannot be read ({type(error).__name__}).", remedy="Delete or mend it."
            ) from None

    def keep(self, bot: Bot) -> None:
        """Adds a bot, or puts it in the place of the one with its name. UsageError: the name is none."""
        name = bot.name.strip()
        if not name or len(name) > MAX_NAME_CHARS:
            raise UsageError(
                "a bot needs a name." if not name else f"the name has {len(name)} characters.",
                remedy=f"Give it one of at most {MAX_NAME_CHARS} characters.",
            )
        with _writing:
            self._write([*(each for each in self.all() if each.name != bot.name), bot])

    def remove(self, name: str) -> None:
        with _writing:
            self._write([each for each in self.all() if each.name != name])

    def _write(self, bots: list[Bot]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        rows = [{**asdict(each), "model": dict(each.model), "sampling": dict(each.sampling)} for each in bots]
        write_atomically(self._path, orjson.dumps(rows, option=orjson.OPT_INDENT_2))
