"""The columns of the comparison's table: scores with intervals, failures, and what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from promptlab.analysis import words
from promptlab.analysis.comparison import CellSummary, Comparison, Verdict
from promptlab.analysis.families import CellName
from promptlab.analysis.verdict import Speaker
from promptlab.basics.errors import NO_ANSWER_KINDS
from promptlab.export.layout import Column
from promptlab.export.plain_text import plain

Rows = Sequence[CellSummary | None]


@dataclass(frozen=True)
class Glyphs:
    """The signs of the table; ASCII where the terminal's encoding has no others."""

    left: str
    line: str
    dot: str
    right: str
    rule: str
    up: str
    down: str
    best: str

    @classmethod
    def unicode(cls) -> Glyphs:
        return cls("├", "─", "●", "┤", "─", "▲", "▼", "★")

    @classmethod
    def ascii(cls) -> Glyphs:
        return cls("|", "-", "o", "|", "-", "^", "v", "*")


ROUGH = "~"  # behind an interval that may cover less than it says


def score_columns(
    rows: Rows, comparison: Comparison, speaker: Speaker, glyphs: Glyphs, whisker: int
) -> list[Column]:
    """The primary score with its interval's picture, and the others beside it."""
    columns = []
    scorers = [
        comparison.primary,
        *(name for name in comparison.family.scorers if name != comparison.primary),
    ]
    for scorer in scorers if comparison.primary else ():
        marks = [_mark(cell, scorer, comparison, glyphs) for cell in rows]
        cells = [_score(cell, scorer, speaker.digits) for cell in rows]
        if any(mark.plain for mark in marks):
            cells = [
                (mark if mark.plain else Text(" ")) + " " + cell
                for mark, cell in zip(marks, cells, strict=True)
            ]
        columns.append(Column(plain(scorer), cells))
        if whisker and scorer == comparison.primary:
            columns.append(_whiskers(rows, scorer, comparison, glyphs, whisker))
    return columns


def outcome_columns(rows: Rows, comparison: Comparison, speaker: Speaker) -> list[Column]:
    """What failed and what is missing, only where something did or is."""
    return [
        *_over_repeats(rows, comparison, speaker.digits),
        *_failures(rows, comparison, speaker.digits),
        *_counts(rows),
    ]


def _over_repeats(rows: Rows, comparison: Comparison, digits: int) -> list[Column]:
    """The lowest and the highest mean of a single repeat, where there are several."""
    cells = []
    for cell in rows:
        found = cell.scores[comparison.primary].repeats if cell and comparison.primary else ()
        text = f"{words.number(min(found), digits)} to {words.number(max(found), digits)}" if found else "-"
        cells.append(Text(text))
    return [Column("repeats", cells)] if any(cell.plain != "-" for cell in cells) else []


def _score(cell: CellSummary | None, scorer: str, digits: int) -> Text:
    found = cell.scores[scorer].interval if cell else None
    if found is None:
        return Text("-", style="dim")
    text = Text(words.number(found.mean, digits), style="bold")
    text.append(f" {words.bounds(found.low, found.high, digits)}".rstrip(), style="not bold")
    if found.cautions:
        text.append(ROUGH, style="not bold yellow")
    return text


def _mark(cell: CellSummary | None, scorer: str, comparison: Comparison, glyphs: Glyphs) -> Text:
    """A sign only where a verdict stands behind it: against the baseline, or against every other variant."""
    if cell is None or cell.result.oracle:
        return Text()
    name = cell.name
    won, lost, bouts = _record(name, scorer, comparison)
    if comparison.family.baseline is not None:
        if won:
            return Text(glyphs.up, style="bold green")
        return Text(glyphs.down, style="red") if lost else Text()
    return Text(glyphs.best, style="bold green") if bouts and won == bouts else Text()


def marked(comparison: Comparison, glyphs: Glyphs) -> bool:
    """Any sign in the table."""
    return any(
        _mark(cell, scorer, comparison, glyphs).plain
        for cell in comparison.cells
        for scorer in comparison.family.scorers
    )


def _record(name: CellName, scorer: str, comparison: Comparison) -> tuple[int, int, int]:
    """Won, lost and all pairs of one cell against other variants of its model and data set, oracles apart."""
    oracles = {cell.result.variant for cell in comparison.cells if cell.result.oracle}
    baseline = comparison.family.baseline
    won = lost = bouts = 0
    for pair in comparison.pairs:
        if pair.scorer != scorer or not pair.in_family or name not in (pair.a, pair.b):
            continue
        other = pair.b if pair.a == name else pair.a
        if other.variant in oracles or other.variant == name.variant or name.variant == baseline:
            continue
        bouts += 1
        won += pair.verdict is (Verdict.BEATS if pair.a == name else Verdict.LOSES)
        lost += pair.verdict is (Verdict.LOSES if pair.a == name else Verdict.BEATS)
    return won, lost, bouts


def _whiskers(rows: Rows, scorer: str, comparison: Comparison, glyphs: Glyphs, width: int) -> Column:
    """Every interval on one scale for the whole comparison, its ends in the title."""
    found = [cell.scores[scorer].interval for cell in comparison.cells]
    ends = [end for each in found if each for end in (each.low, each.high, each.mean) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    span = (high - low) or 1.0

    def at(value: float) -> int:
        return min(width - 1, max(0, round((value - low) / span * (width - 1))))

    cells = []
    for cell in rows:
        interval = cell.scores[scorer].interval if cell else None
        if interval is None or interval.low is None or interval.high is None:
            cells.append(Text(" " * width))
            continue
        start, dot, end = at(interval.low), at(interval.mean), at(interval.high)
        text = Text(" " * start)
        for place in range(start, end + 1):
            if place == dot:
                text.append(glyphs.dot, style="bold cyan")
            else:
                sign = glyphs.left if place == start else glyphs.right if place == end else glyphs.line
                text.append(sign, style="cyan")
        cells.append(text + " " * (width - text.cell_len))
    left, right = f"{low:g}", f"{high:g}"
    return Column(left + right.rjust(width - len(left)), cells)


def _failures(rows: Rows, comparison: Comparison, digits: int) -> list[Column]:
    """What failed, named and counted where it did, and beside it the mean without it."""
    cells = []
    for cell in rows:
        kinds = [(kind, getattr(cell.result, kind)) for kind in NO_ANSWER_KINDS] if cell else []
        text = Text(", ").join(Text(f"{words.count(n)} {kind}", style="yellow") for kind, n in kinds if n)
        if cell and cell.result.errors:
            errors = cell.result.errors
            text = text + (", " if text.plain else "")
            text.append(f"{words.count(errors)} error{'s' if errors > 1 else ''}", style="bold red")
        cells.append(text)
    if not any(cell.plain for cell in cells):
        return []
    columns = [Column("failures", cells)]
    if comparison.primary and any(
        getattr(cell.result, kind) for cell in rows if cell for kind in NO_ANSWER_KINDS
    ):
        means = [cell.scores[comparison.primary].mean_answered if cell else None for cell in rows]
        columns.append(Column("answered", [Text(words.number(mean, digits)) for mean in means], right=True))
    return columns


def _counts(rows: Rows) -> list[Column]:
    """Finished of planned trials, where the rows differ or something is missing."""
    sizes = {(cell.result.n, cell.result.planned) for cell in rows if cell}
    if len(sizes) == 1 and all(n == planned for n, planned in sizes):
        return []
    cells = [
        Text(f"{words.count(cell.result.n)}/{words.count(cell.result.planned)}") if cell else Text("-")
        for cell in rows
    ]
    return [Column("trials", cells, right=True)]


def effort_columns(rows: Rows) -> list[Column]:
    """Calls and tokens per trial, what the cell cost, and the median time of a trial."""
    calls: list[Text] = []
    tokens: list[Text] = []
    cost: list[Text] = []
    time: list[Text] = []
    for cell in rows:
        result = cell.result if cell else None
        trials = result.n if result else 0
        if result is None or not trials:
            for column in (calls, tokens, cost, time):
                column.append(Text("-", style="dim"))
            continue
        calls.append(Text(f"{result.calls / trials:.1f}"))
        used = None
        if result.prompt_tokens is not None and result.completion_tokens is not None:
            used = result.prompt_tokens + result.completion_tokens
        tokens.append(Text("unknown", style="yellow") if used is None else Text(words.count(used / trials)))
        price = None if result.cost_usd is None else words.usd(result.cost_usd).removesuffix(" USD")
        cost.append(Text("unknown", style="yellow") if price is None else Text(price))
        time.append(Text(words.seconds(result.latency_p50_s)))
    return [
        Column("calls", calls, right=True),
        Column("tokens", tokens, right=True),
        Column("USD", cost, right=True),
        Column("time", time, right=True),
    ]
