"""Single samples in the terminal: the flips between two cells, the worst and the most disputed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from promptlab.analysis import words
from promptlab.analysis.families import CellName
from promptlab.analysis.items import Flip, Flips, Item
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

SHOWN_FLIPS = 10
_TEXT_CELLS = 24

Answers = Callable[[CellName, str], tuple[str, str]]
"""(cell, sample id) → what the cell answered, and the target."""


def print_flips(found: Flips, answers: Answers, console: Console | None = None) -> None:
    """How many samples flipped each way, and the first ten of each with both answers."""
    from rich.text import Text

    a, b = _names(found)
    changed = len(found.a_better) + len(found.b_better)
    head = Text("\nFlips", style="bold")
    told = f" {a} against {b}{_where(found)}: {changed:,} of {found.n:,} samples differ in {found.scorer}."
    _print(head.append(plain(told), style="not bold"), console)
    for flipped, winner in ((found.a_better, a), (found.b_better, b)):
        if flipped:
            _print(Text(plain(f"{len(flipped):,} better with {winner}:")), console)
            _print_table(_flip_rows(found, flipped[:SHOWN_FLIPS], answers), console)
        if len(flipped) > SHOWN_FLIPS:
            _print(Text(f"  {len(flipped) - SHOWN_FLIPS:,} more; --json has all.", style="dim"), console)


def print_items(title: str, items: Sequence[Item], console: Console | None = None) -> None:
    """Samples with their mean over all cells and how much the cells differ."""
    from rich.text import Text

    if not items:
        return
    _print(Text(f"\n{title}", style="bold"), console)
    several = len({each.dataset for each in items}) > 1
    rows = [["sample", "mean", "spread", "cells"]]
    for each in items:
        name = f"{each.sample} ({each.dataset})" if several else each.sample
        rows.append([name, words.number(each.mean), words.number(each.spread), str(each.cells)])
    _print_table(rows, console)


def _flip_rows(found: Flips, flipped: Sequence[Flip], answers: Answers) -> list[list[str]]:
    a, b = _names(found)
    rows = [["sample", "target", a, b]]
    for each in flipped:
        (said_a, target), (said_b, _) = answers(found.a, each.sample), answers(found.b, each.sample)
        rows.append([each.sample, target, said_a, said_b])
    return rows


def _names(found: Flips) -> tuple[str, str]:
    if found.a.variant != found.b.variant:
        return found.a.variant, found.b.variant
    return found.a.model, found.b.model


def _where(found: Flips) -> str:
    return f" with {found.a.model} on {found.a.dataset}" if found.a.variant != found.b.variant else ""


def _print_table(rows: Sequence[Sequence[str]], console: Console | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", width=1)
    for title in rows[0]:
        table.add_column(Text(plain(title)), overflow="ellipsis", no_wrap=True, max_width=_TEXT_CELLS)
    for row in rows[1:]:
        table.add_row("", *(Text(plain(" ".join(each.split()))) for each in row))
    (console or Console(highlight=False)).print(table)


def _print(line: Text, console: Console | None) -> None:
    from rich.console import Console

    (console or Console(highlight=False)).print(line, highlight=False, markup=False)
