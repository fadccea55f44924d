"""What was seen of columns and targets while the rows went by, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MAX_LABELS = 1000
_MAX_PARTIAL_COLUMNS = 10_000


class ColumnsSeen:
    """`always`: columns that every row has, in the order of the first row. `partial`: the others, each with
    a row that lacks it."""

    def __init__(self) -> None:
        self.always: dict[str, None] | None = None
        self.partial: dict[str, str] = {}
        self._first = ""

    def see(self, row: Mapping[str, Any], where: str) -> None:
        """`where` says which row it is."""
        if self.always is None:
            self.always = dict.fromkeys(row)
            self._first = where
        elif row.keys() != self.always.keys():
            for name in self.always.keys() - row.keys():
                del self.always[name]
                self.partial[name] = where
            for name in row.keys() - self.always.keys() - self.partial.keys():
                if len(self.partial) < _MAX_PARTIAL_COLUMNS:
                    self.partial[name] = self._first


class LabelsSeen:
    """The distinct targets, numbered, for as long as they are few enough to be labels."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] | None = {}

    def number(self, targets: tuple[str, ...]) -> int | None:
        if self._numbers is None or not targets:
            return None
        number = self._numbers.setdefault(targets, len(self._numbers))
        if len(self._numbers) > MAX_LABELS:
            self._numbers = None
        return number

    def texts(self, numbers: Iterable[int | None]) -> list[str] | None:
        """The distinct texts behind those numbers, sorted; None where there were too many."""
        if self._numbers is None:
            return None
        wanted = set(numbers)
        return sorted(
            {text for targets, number in self._numbers.items() if number in wanted for text in targets}
        )
