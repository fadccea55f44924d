"""Rows as a plain table on stdout, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

SHOWN_CHARS = 60
WHOLE_CHARS = 40


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a row, columns aligned; texts from files and models are shown as text, shortened."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from promptlab.export import plain

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(rows[0]):
        longest = max(len(str(row[name])) for row in rows)
        # The first column names the row: it is whole where that leaves room for the others.
        whole = index == 0 and longest <= WHOLE_CHARS
        table.add_column(Text(plain(name)), overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(_short(plain(str(value)))) for value in row.values()))
    Console(highlight=False).print(table)


def print_json(value: Any) -> None:
    """Indented JSON; dataclasses become objects."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def shortened(text: str, cells: int) -> str:
    """A text from outside on one line of at most `cells` terminal cells; a wide character takes two."""
    from rich.cells import cell_len, chop_cells

    from promptlab.export import plain

    line = " ".join(plain(text[: 8 * cells].replace("\n", " ")).split())
    if cell_len(line) <= cells and len(text) <= 8 * cells:
        return line
    return f"{chop_cells(line, cells - 1)[0]}…"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"
