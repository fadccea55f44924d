"""What is being edited: one text, kept on disk until it is saved, so that no tab loses it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import orjson
import streamlit as st

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.files import write_atomically
from promptlab.experiment import Loaded, load_text
from promptlab.ui.form.sheet import PROBLEM
from promptlab.ui.language import Texts
from promptlab.ui.place import home

_SECRET = "a key never stands in the file"

say = Texts(
    elsewhere=(
        "{file} was changed on disk since this edit began.",
        "自本次编辑开始以来，{file} 在磁盘上已被修改。",
    ),
    elsewhere_remedy=(
        "Discard the edit to see it, or save once more to overwrite it.",
        "放弃本次编辑可查看新内容；再次保存则覆盖它。",
    ),
)


@dataclass(frozen=True)
class Draft:
    """An experiment file and its unsaved changes."""

    path: Path

    @property
    def saved(self) -> str:
        """The file as it is."""
        try:
            return self.path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} cannot be read: {error}.") from error

    @property
    def text(self) -> str:
        """What is on the page: the file with the changes."""
        kept = self._kept()
        return self.saved if kept is None else kept["text"]

    @property
    def changed(self) -> bool:
        kept = self._kept()
        return kept is not None and kept["text"] != self.saved

    def write(self, text: str) -> None:
        """Keeps the change, but for a key that was typed into the file: that goes nowhere."""
        try:
            load_text(text, self.path)
        except ExperimentError as error:
            if _SECRET in error.message:
                st.session_state[PROBLEM] = error
                return
        kept = self._kept()
        base = kept["base"] if kept is not None else _digest(self.saved)
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self._file, orjson.dumps({"path": str(self.path), "base": base, "text": text}))

    def save(self) -> None:
        """Writes the file. UsageError: it was changed by somebody else; the next call overwrites it."""
        kept = self._kept()
        if kept is None:
            return
        if kept["base"] != _digest(self.saved):
            kept["base"] = _digest(self.saved)
            write_atomically(self._file, orjson.dumps(kept))
            raise UsageError(say("elsewhere", file=self.path.name), remedy=say("elsewhere_remedy"))
        write_atomically(self.path, kept["text"].encode())
        self.discard()

    def discard(self) -> None:
        self._file.unlink(missing_ok=True)

    def loaded(self) -> Loaded:
        """The text, typed. ExperimentError for what is wrong with it alone."""
        return load_text(self.text, self.path)

    @property
    def _file(self) -> Path:
        return home() / "drafts" / f"{_digest(str(self.path))[:20]}.json"

    def _kept(self) -> dict[str, str] | None:
        try:
            found: dict[str, str] = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
