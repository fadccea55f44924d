"""What a form is about: one text of YAML, its value, and what is wrong in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import streamlit as st

from promptlab.basics.errors import ExperimentError, PromptlabError
from promptlab.experiment import Unfolded
from promptlab.experiment.editing import move_value, remove_value, rename_key, set_value
from promptlab.experiment.pieces import piece_at, set_piece
from promptlab.experiment.short_forms import value_at
from promptlab.experiment.yaml_lines import Path_, dotted
from promptlab.ui.language import Texts, in_chosen
from promptlab.ui.shown import failed

PROBLEM = "form-problem"

say = Texts(
    line=("{message} (line {line})", "{message}（第 {line} 行）"),
)


class Written(Protocol):
    """What holds the text: a file's draft, or the settings of a technique."""

    @property
    def text(self) -> str: ...

    def write(self, text: str) -> None: ...


@dataclass(frozen=True)
class Sheet:
    """One text as a form sees it while the page is drawn.

    `names` are those of the file's own variants, models, data sets and scorers, `made` what its matrix makes.
    `columns` is how many small fields stand side by side. `told` gathers the mistakes that stand beside a
    field. A change is made in the text as it is by then, and what cannot be changed is left in the session
    under `PROBLEM`. `shifts` is the tab's count of how often the entries of each list changed places; it is
    at hand, since a callback that asks the session for something may break off there.
    """

    source: Written
    value: Any
    mistakes: Sequence[PromptlabError] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: int = 3
    prefix: str = "f"
    with_lines: bool = True
    made: Sequence[Unfolded] = ()
    told: list[PromptlabError] = field(default_factory=list)
    shifts: dict[Path_, int] = field(default_factory=lambda: st.session_state.setdefault("form-shifts", {}))

    def at(self, path: Path_) -> Any:
        """What stands there, through short forms; None for nothing."""
        try:
            return value_at(self.value, path)
        except LookupError:
            return None

    def piece(self, path: Path_) -> str:
        """What stands there, as it is written."""
        try:
            return piece_at(self.source.text, path)
        except (LookupError, ValueError):
            value = self.at(path)
            return "" if value is None else str(value)

    def key(self, path: Path_, kind: str = "") -> str:
        """The key of the widget for that place; the same in every run of the page."""
        plain = "-".join(map(str, path))
        safe = re.sub(r"[^\w-]", "_", plain)
        mark = "" if safe == plain else "-" + hashlib.sha256(plain.encode()).hexdigest()[:6]
        return "-".join(part for part in (self.prefix, kind, safe + mark) if part)

    def value_key(self, path: Path_, kind: str = "") -> str:
        """The key of a widget that holds what stands there: another one once entries have changed places,
        since a browser that has not heard of it yet still tells what stood there before."""
        count = sum(self.shifts.get(path[:end], 0) for end in range(len(path)))
        return self.key(path, kind) + (f"-after-{count}" if count else "")

    def set(self, path: Path_, value: object) -> None:
        """None leaves it out."""
        if value is None:
            self.remove(path)
        else:
            self.edit(lambda text: set_value(text, path, value))

    def write_piece(self, path: Path_, piece: str) -> None:
        self.edit(lambda text: set_piece(text, path, piece))

    def remove(self, path: Path_) -> None:
        self.edit(lambda text: remove_value(text, path))

    def take_out(self, path: Path_) -> None:
        """That entry of a list or table; the others move up."""
        self._shift(path[:-1])
        self.remove(path)

    def move(self, path: Path_, to: int) -> None:
        """That entry of a list to that place in it."""
        self._shift(path[:-1])
        self.edit(lambda text: move_value(text, path, to))

    def rename(self, path: Path_, name: str) -> None:
        self.edit(lambda text: rename_key(text, path, name))

    def edit(self, change: Callable[[str], str]) -> None:
        try:
            self.source.write(change(self.source.text))
        except ExperimentError as error:
            st.session_state[PROBLEM] = error

    def show_mistakes(self, path: Path_, *, below: bool = False) -> None:
        """What is wrong at that place; with `below` also with what stands in it."""
        where = dotted(path)
        for each in self.mistakes:
            if not isinstance(each, ExperimentError) or each in self.told:
                continue
            if each.field == where or (below and each.field.startswith(f"{where}.")):
                self.told.append(each)
                failed(self._told(each))

    def has_mistakes(self, path: Path_) -> bool:
        """Whether something is wrong there or below."""
        where = dotted(path)
        return any(
            isinstance(each, ExperimentError) and (each.field == where or each.field.startswith(f"{where}."))
            for each in self.mistakes
        )

    def _shift(self, entries: Path_) -> None:
        self.shifts[entries] = self.shifts.get(entries, 0) + 1

    def _told(self, error: ExperimentError) -> str:
        alone = ExperimentError(error.message, value=error.value, remedy=error.remedy)
        message = in_chosen(alone)
        if error.line is None or not self.with_lines:
            return message
        return say("line", message=message, line=error.line)
