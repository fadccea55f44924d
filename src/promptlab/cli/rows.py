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
    console = Console(highlight=False)
    cells = [[_short(plain("-" if value is None else str(value))) for value in row.values()] for row in rows]
    heads = [plain(name) for name in rows[0]]
    widths = _unbroken([[head, *texts] for head, *texts in zip(heads, *cells, strict=True)], console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        if widths:
            table.add_column(Text(head), overflow="fold", width=widths[index])
        else:
            longest = max(len(row[index]) for row in cells)
            # The first column names the row: it is whole where that leaves room for the others.
            table.add_column(Text(head), overflow="fold", no_wrap=index == 0 and longest <= WHOLE_CHARS)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _unbroken(columns: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths, in terminal cells, at which no word of these columns is broken; none where they do not fit."""
    from rich.cells import cell_len

    least = [max(cell_len(word) for text in column for word in _words(text)) for column in columns]
    most = [max(map(cell_len, column)) for column in columns]
    spare = width - sum(least) - 2 * (len(columns) - 1)
    if spare < 0 or max(least) > WHOLE_CHARS:
        return []
    found = list(least)
    for index in sorted(range(len(columns)), key=lambda index: most[index] - least[index]):
        more = min(spare, most[index] - least[index])
        found[index] += more
        spare -= more
    return found


def _words(text: str) -> list[str]:
    return text.split() or [""]


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
