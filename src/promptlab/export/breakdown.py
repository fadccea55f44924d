"""The breakdowns in the terminal: a column for every value of the field, scores above, differences below."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from promptlab.analysis import words
from promptlab.analysis.breakdown import MIN_PAIRED
from promptlab.analysis.comparison import Breakdown, Comparison, Part, PartPair
from promptlab.analysis.verdict import Speaker
from promptlab.export.layout import Block, Column, draw, fold, group_headings, tables
from promptlab.export.plain_text import plain

MOST_PAIRS = 6  # differences that are shown without being asked for
EXPLORATORY = (
    "Exploratory: the differences by value are outside the family of comparisons, uncorrected, and carry no "
    f"verdict; below {MIN_PAIRED} shared samples none is given. What looks good here, test on new data."
)
NO_VALUE = "(none)"


def breakdown_lines(
    breakdown: Breakdown, comparison: Comparison, speaker: Speaker, *, rule: str, width: int, pairs: bool
) -> list[Text]:
    """The tables of one field, none wider than `width` cells; all differences if `pairs`, else only a few."""
    lines = [Text(part, style="bold") for part in fold(f"By {plain(breakdown.field)}", width)]
    lines += _scores(breakdown, comparison, speaker, rule, width)
    by_pair: dict[tuple[str, str], dict[str | None, PartPair]] = {}
    for each in breakdown.pairs:
        key = (speaker.where(each.pair).strip(), " - ".join(speaker.sides(each.pair)))
        by_pair.setdefault(key, {})[each.value] = each
    if by_pair and (pairs or len(by_pair) <= MOST_PAIRS):
        values = list(dict.fromkeys(each.value for each in breakdown.pairs))
        rows = [
            (*key, [_difference(found.get(value), speaker) for value in values])
            for key, found in by_pair.items()
        ]
        lines += [Text(), *_tables("a - b", values, rows, rule, width)]
    elif by_pair:
        lines.append(Text(f"{len(by_pair):,} paired differences: --verbose shows them.", style="dim"))
    return lines


_Row = tuple[str, str, list[Text]]  # section, name, and a cell for every value


def _scores(
    breakdown: Breakdown, comparison: Comparison, speaker: Speaker, rule: str, width: int
) -> list[Text]:
    values = list(dict.fromkeys(part.value for part in breakdown.parts))
    groups: dict[tuple[str, str], dict[str, dict[str | None, Part]]] = {
        (cell.result.model, cell.result.dataset): {} for cell in comparison.cells
    }
    for part in breakdown.parts:
        group = groups[part.cell.model, str(part.cell.dataset)]
        group.setdefault(part.cell.variant, {})[part.value] = part
    rows: list[_Row] = []
    for heading, group in zip(group_headings(list(groups)), groups.values(), strict=True):
        if not group:
            continue  # a data set without that field
        for variant, parts in group.items():
            cells = [_score(parts.get(value), comparison.primary, speaker.digits) for value in values]
            rows.append((heading, speaker.variant(variant), cells))
        counts = [_count([parts.get(value) for parts in group.values()], comparison) for value in values]
        rows.append((heading, "samples", [Text(each, style="dim") for each in counts]))
    return _tables("", values, rows, rule, width)


def _tables(
    title: str, values: Sequence[str | None], rows: Sequence[_Row], rule: str, width: int
) -> list[Text]:
    """A column for every value; rows of one section stand under its heading."""
    names = Column(title, [Text(plain(name)) for _, name, _ in rows])
    names_width = min(max(names.width, 8), max(14, width * 3 // 10))
    sections: dict[int, list[Text]] = {}
    for number, (section, _, _) in enumerate(rows):
        if section and (not number or section != rows[number - 1][0]):
            sections[number] = [Text(part, style="bold") for part in fold(plain(section), width)]
    columns = [
        Column(_value(value), [cells[number] for _, _, cells in rows]) for number, value in enumerate(values)
    ]
    lines: list[Text] = []
    for table in tables([Block("", columns)], width - names_width - 2):
        drawn = draw(names, names_width, table, rule=rule, sections=sections)
        lines += [*([Text()] if lines else []), *drawn]
    return lines


def _count(parts: Sequence[Part | None], comparison: Comparison) -> str:
    """How many samples the scores of one value stand on."""
    found = [part.scores[comparison.primary].interval for part in parts if part]
    sizes = sorted({interval.n for interval in found if interval})
    return "-".join(words.count(size) for size in dict.fromkeys([*sizes[:1], *sizes[-1:]])) or "-"


def _difference(each: PartPair | None, speaker: Speaker) -> Text:
    if each is None or each.pair.found is None:
        return Text("-", style="dim")
    text = Text(speaker.signed(each.pair), style="bold")
    return text.append(f" {speaker.bounds(each.pair)}", style="not bold")


def _value(value: str | None) -> str:
    return NO_VALUE if value is None else plain(value if len(value) <= 24 else f"{value[:23]}…")


def _score(part: Part | None, scorer: str, digits: int) -> Text:
    found = part.scores[scorer].interval if part else None
    if found is None:
        return Text("-", style="dim")
    text = Text(words.number(found.mean, digits), style="bold")
    return text.append(f" {words.bounds(found.low, found.high, digits)}".rstrip(), style="not bold")
