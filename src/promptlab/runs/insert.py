"""Many rows by few statements.

SQLite gives the interpreter up for every statement, and a writer thread must win it back from a busy event
loop each time: one statement for each row would make that the price of a row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

# Few sizes, so that the statements stay compiled.
_ROWS_AT_ONCE = (64, 16, 4, 1)


def insert(
    connection: sqlite3.Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = ""
) -> list[tuple[Any, ...]]:
    """Runs `head` (up to VALUES), the rows, `tail`; what the statements return, in any order."""
    returned: list[tuple[Any, ...]] = []
    at = 0
    while at < len(rows):
        size = next(each for each in _ROWS_AT_ONCE if each <= len(rows) - at)
        marks = ", ".join([f"({', '.join('?' * len(rows[at]))})"] * size)
        values = [value for row in rows[at : at + size] for value in row]
        returned += connection.execute(f"{head}{marks}{tail}", values).fetchall()
        at += size
    return returned
