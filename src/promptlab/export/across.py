"""What stands above the table of several runs: which they are, and what differs in their specs and data."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from promptlab.analysis.across import AcrossRuns
from promptlab.analysis.shared_data import in_words
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MOST_LINES = 12  # of one difference


def print_runs(found: AcrossRuns, console: Console | None = None) -> None:
    """Prints the runs with their labels, then every difference between their specs, then the data."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)
    for run in found.runs:
        line = Text(f"{plain(run['label'])}  ", style="bold")
        line.append(plain(f"{run['run']}   {_day(run['created'])}   {run['status']}"), style="not bold")
        _print(console, line)
    _print(console, Text())
    _print(console, Text(f"What differs from {plain(found.runs[0]['label'])}:", style="bold"))
    for line in _difference_lines(found):
        _print(console, line)
    _print(console, Text())


def _difference_lines(found: AcrossRuns) -> list[Text]:
    from rich.text import Text

    lines: list[Text] = []
    for run in found.runs[1:]:
        label = run["label"]
        changes = [each for each in found.changes if each.label == label]
        for change in changes:
            told = [plain(line) for line in change.lines()]
            head = Text(f"  {plain(label)}  ", style="bold").append(plain(change.place), style="not bold")
            if len(told) == 1 and told[0][0] not in "+-":
                lines.append(head.append(f": {told[0]}", style="not bold"))
                continue
            lines.append(head)
            lines += [
                Text(f"       {line}", style="red" if line.startswith("-") else "green")
                for line in told[:MOST_LINES]
            ]
            if len(told) > MOST_LINES:
                lines.append(
                    Text(f"       ({len(told) - MOST_LINES} more lines; --json has all)", style="dim")
                )
        if not changes:
            lines.append(Text(f"  {plain(label)}  nothing in models, variants and scorers"))
        for data in (each for each in found.data if each.label == label):
            told_data = (
                f"the same {data.shared:,} test samples" if data.same else f"test samples: {in_words(data)}"
            )
            if data.train_differs:
                told_data += "; other train or dev samples"
            style = "" if data.same and not data.train_differs else "yellow"
            lines.append(Text(f"  {plain(label)}  {plain(data.name)}: {told_data}", style=style))
    return lines


def _print(console: Console, line: Text) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=False)


def _day(created: object) -> str:
    if not isinstance(created, (int, float)):
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(created))
