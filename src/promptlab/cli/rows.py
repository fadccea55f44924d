"""Rows as a plain table on stdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_CHARS = 60


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a row, columns aligned; texts from files and models are shown as text, shortened."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from promptlab.export import plain

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(Text(plain(name)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_short(plain(str(value)))) for value in row.values()))
    Console(highlight=False).print(table)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"
