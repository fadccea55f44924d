"""A comparison in the terminal: the cells, what they rest on, and the sentences that matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.analysis import words
from promptlab.analysis.comparison import CellSummary, Comparison, Pair, Verdict
from promptlab.analysis.optimizations import optimization_sentences
from promptlab.analysis.verdict import Speaker
from promptlab.export.columns import Glyphs, effort_columns, outcome_columns, score_columns
from promptlab.export.cost_line import cost_sentences
from promptlab.export.footing import footing, totals
from promptlab.export.plain_text import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from promptlab.export.layout import Block

_WHISKERS = (28, 24, 20, 16, 12, 0)  # cells of the interval's picture, the widest that costs no extra table
_MIN_WIDTH = 40
_INTERVAL = re.compile(r"(\[-?[\d.]+), (-?[\d.]+\])")
_STICKY = "\ue000"  # stands for the space inside an interval while lines are broken


def print_comparison(
    comparison: Comparison, console: Console | None = None, *, width: int | None = None, pairs: bool = False
) -> None:
    """Prints to `console` (default: stdout). Colours only at a terminal, and not under NO_COLOR.

    `width` in cells (default: the console's); `pairs` adds all paired differences, and confusion matrices.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    unicode = (console.encoding or "").lower().startswith("utf")
    wide = width or console.width
    for line in comparison_lines(comparison, wide, unicode=unicode, pairs=pairs):
        console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False, markup=False)


def comparison_lines(
    comparison: Comparison, width: int, *, unicode: bool = True, pairs: bool = False
) -> list[Text]:
    """The lines of the comparison, none wider than `width` cells (at least 40)."""
    from rich.text import Text

    width = max(width, _MIN_WIDTH)
    glyphs = Glyphs.unicode() if unicode else Glyphs.ascii()
    speaker = Speaker(comparison)
    lines = [*_wrapped(_title(comparison), width), *_wrapped(_setting(comparison), width), Text()]
    for table in _score_tables(comparison, speaker, glyphs, width):
        lines += [*table, Text()]
    lines += _wrapped(Text(plain(footing(comparison, glyphs)), style="dim"), width)
    lines += _wrapped(Text(plain(totals(comparison)), style="dim"), width)
    lines.append(Text())
    lines += _breakdowns(comparison, speaker, glyphs, width, pairs)
    for number, sentence in enumerate(comparison.headline, start=1):
        said = Text(f"{number}. ", style="bold cyan")
        said.append(plain(sentence), style="not bold default")
        lines += _wrapped(said, width, indent=3)
    for sentence in cost_sentences(comparison):
        lines += _wrapped(Text(plain(sentence), style="dim"), width)
    for sentence in optimization_sentences(comparison):
        lines += _wrapped(Text(plain(sentence), style="dim"), width)
    for note in comparison.notes:
        lines += _wrapped(Text(f"Note: {plain(note)}", style="yellow"), width, indent=6)
    if pairs and comparison.pairs:
        lines.append(Text())
        lines += _pair_tables(comparison, speaker, glyphs, width)
    if pairs and any(cell.result.classes for cell in comparison.cells):
        from promptlab.export.confusion import confusion_lines

        matrices = confusion_lines(comparison, speaker, rule=glyphs.rule, width=width)
        lines += [Text(), *matrices] if matrices else []
    return lines


def _breakdowns(
    comparison: Comparison, speaker: Speaker, glyphs: Glyphs, width: int, pairs: bool
) -> list[Text]:
    from rich.text import Text

    from promptlab.export.breakdown import EXPLORATORY, breakdown_lines

    lines: list[Text] = []
    for each in comparison.breakdowns:
        if each.parts:
            lines += breakdown_lines(each, comparison, speaker, rule=glyphs.rule, width=width, pairs=pairs)
            lines.append(Text())
    if lines:
        lines[-1:] = [*_wrapped(Text(EXPLORATORY, style="dim"), width), Text()]
    return lines


def _title(comparison: Comparison) -> Text:
    from rich.text import Text

    title = Text(plain(comparison.experiment), style="bold")
    title.append(f"   run {plain(comparison.run)}   ", style="not bold dim")
    title.append(comparison.status, style="not bold green" if comparison.status == "complete" else "yellow")
    if pending := sum(cell.result.pending for cell in comparison.cells):
        planned = sum(cell.result.planned for cell in comparison.cells)
        title.append(f", {words.count(pending)} of {words.count(planned)} trials pending", style="yellow")
    return title


def _setting(comparison: Comparison) -> Text:
    """What all cells share: the model, the data set, the number of trials."""
    from rich.text import Text

    cells = [cell.result for cell in comparison.cells]
    models, datasets = {cell.model for cell in cells}, {cell.dataset for cell in cells}
    parts = [plain(name) for names in (models, datasets) if len(names) == 1 for name in names]
    sizes = {(cell.n, cell.planned) for cell in cells}
    text = " on ".join(parts)
    if len(sizes) == 1 and all(n == planned for n, planned in sizes):
        text += f"{', ' if text else ''}{words.count(cells[0].n)} trials per cell"
    return Text(text)


def _score_tables(comparison: Comparison, speaker: Speaker, glyphs: Glyphs, width: int) -> list[list[Text]]:
    from rich.text import Text

    from promptlab.export.layout import Block, Column, draw, group_headings

    variants = list(dict.fromkeys(cell.result.variant for cell in comparison.cells))
    names = Column("", [Text(plain(speaker.variant(name))) for name in variants])
    names_width = min(names.width, max(14, width * 3 // 10))
    groups: dict[tuple[str, str], list[CellSummary | None]] = {}
    for cell in comparison.cells:
        rows = groups.setdefault((cell.result.model, cell.result.dataset), [None] * len(variants))
        rows[variants.index(cell.result.variant)] = cell
    headings = group_headings(list(groups))
    room = width - names_width - 2

    def arranged(whisker: int) -> list[list[Block]] | None:
        found = []
        for heading, rows in zip(headings, groups.values(), strict=True):
            scores = Block(heading, score_columns(rows, comparison, speaker, glyphs, whisker))
            if whisker and scores.width > room:
                return None  # the picture must not tear the extracted score from the strict one
            outcomes = Block(heading, outcome_columns(rows, comparison, speaker))
            found.append([scores, outcomes, Block(heading, effort_columns(rows))])
        return _arranged(found, room)

    tried = [each for each in map(arranged, _WHISKERS) if each]
    chosen = next(each for each in tried if len(each) == len(tried[-1]))
    return [draw(names, names_width, blocks, rule=glyphs.rule) for blocks in chosen]


def _arranged(groups: Sequence[Sequence[Block]], room: int) -> list[list[Block]]:
    """Score beside score where that takes no more tables, else each model and data set by itself."""
    from promptlab.export.layout import joined, tables

    by_group = tables([block for group in groups for block in joined(group, room)], room)
    if len(groups) == 1:
        return by_group
    scores = [block for group in groups for block in joined(group[:-1], room)]
    by_kind = tables(scores, room) + tables([group[-1] for group in groups], room)
    return by_kind if len(by_kind) <= len(by_group) else by_group


_OUTCOMES = {
    Verdict.BEATS: ("better", "bold green"),
    Verdict.LOSES: ("worse", "red"),
    Verdict.NOT_DISTINGUISHABLE: ("not distinguishable", ""),
    Verdict.UNFINISHED: ("unfinished", "yellow"),
    Verdict.NO_DATA: ("no data", "yellow"),
    Verdict.ERRORS: ("errors differ", "yellow"),
    Verdict.NOT_TESTED: ("outside the family", "dim"),
}


def _pair_tables(comparison: Comparison, speaker: Speaker, glyphs: Glyphs, width: int) -> list[Text]:
    """All paired differences in one table, a section for each scorer and setting."""
    from rich.text import Text

    from promptlab.export.layout import Block, Column, draw, fold, tables

    by_setting: dict[str, list[Pair]] = {}
    for pair in comparison.pairs:
        by_setting.setdefault(f"{pair.scorer}{speaker.where(pair)}", []).append(pair)
    pairs = [pair for each in by_setting.values() for pair in each]
    names = Column("a - b", [Text(plain(" - ".join(speaker.sides(pair)))) for pair in pairs])
    names_width = min(max(names.width, 14), max(14, width * 3 // 10))
    sections: dict[int, list[Text]] = {}
    row = 0
    for setting, members in by_setting.items():
        folded = [Text(part, style="bold") for part in fold(plain(setting), width)]
        sections[row] = [Text(), *folded] if row else folded
        row += len(members)
    columns = [
        Column("difference", [Text(speaker.signed(pair), style="bold") for pair in pairs], right=True),
        Column("95 % interval", [Text(speaker.bounds(pair)) for pair in pairs]),
        Column("n", [Text(words.count(pair.found.n if pair.found else 0)) for pair in pairs], right=True),
        Column("p", [Text(_p(pair, adjusted=False)) for pair in pairs], right=True),
        Column("p Holm", [Text(_p(pair, adjusted=True)) for pair in pairs], right=True),
        Column("verdict", [Text(*_OUTCOMES[pair.verdict]) for pair in pairs]),
    ]
    if any(pair.dropped for pair in pairs):
        dropped = [Text(words.count(pair.dropped)) for pair in pairs]
        columns.insert(3, Column("dropped", dropped, right=True))
    lines: list[Text] = []
    for blocks in tables([Block("", columns)], width - names_width - 2):
        lines += [*draw(names, names_width, blocks, rule=glyphs.rule, sections=sections), Text()]
    return lines[:-1]


def _p(pair: Pair, *, adjusted: bool) -> str:
    """No p before the planned trials are finished: it would be a look ahead."""
    if pair.verdict is Verdict.UNFINISHED or pair.found is None:
        return "-"
    return words.p_value(pair.p_adjusted if adjusted else pair.found.p)


def _wrapped(text: Text, width: int, *, indent: int = 0) -> list[Text]:
    """Lines of at most `width` cells, those after the first set in by `indent`."""
    from rich.console import Console
    from rich.text import Text

    text.plain = _INTERVAL.sub(rf"\1,{_STICKY}\2", text.plain)
    first, *rest = text.wrap(Console(width=width), width - indent) or [Text()]
    lines = [first, *(Text(" " * indent) + line for line in rest)]
    for line in lines:
        line.plain = line.plain.replace(_STICKY, " ")
        line.rstrip()
    return lines
