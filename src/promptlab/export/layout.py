"""Columns laid side by side in as few tables as the width allows, measured in terminal cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from rich.cells import cell_len, chop_cells
from rich.text import Text

from promptlab.export.plain_text import plain

_GAP = 2
_BRACKETS = re.compile(r"(?<=[\[(])")
_BLOCK_GAP = 3


@dataclass(frozen=True)
class Column:
    """A title over one cell per row. Numbers stand right."""

    title: str
    cells: Sequence[Text]
    right: bool = False

    @property
    def width(self) -> int:
        return max([cell_len(self.title), *(cell.cell_len for cell in self.cells)])


@dataclass(frozen=True)
class Block:
    """Columns that belong together under a heading; equal headings next to each other become one."""

    heading: str
    columns: Sequence[Column] = field(default_factory=tuple)

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns) + _GAP * (len(self.columns) - 1)


def tables(blocks: Sequence[Block], width: int) -> list[list[Block]]:
    """Fills tables of at most `width` cells in order. A block that is too wide alone is split by columns."""
    filled: list[list[Block]] = []
    room = 0
    for block in blocks:
        for piece in [block] if block.width <= width else _pieces(block, width):
            if not filled or piece.width + _BLOCK_GAP > room:
                filled.append([])
                room = width + _BLOCK_GAP
            filled[-1].append(piece)
            room -= piece.width + _BLOCK_GAP
    return filled


def group_headings(keys: Sequence[tuple[str, str]]) -> list[str]:
    """What tells (model, data set) groups apart; what they share is said above the table."""
    models, datasets = {model for model, _ in keys}, {dataset for _, dataset in keys}
    if len(datasets) == 1:
        return [plain(model) if len(models) > 1 else "" for model, _ in keys]
    return [
        f"{plain(model)} on {plain(dataset)}" if len(models) > 1 else plain(dataset)
        for model, dataset in keys
    ]


def joined(blocks: Sequence[Block], width: int) -> list[Block]:
    """The blocks as one where that is not too wide, else as they are; empty ones vanish."""
    full = [block for block in blocks if block.columns]
    whole = Block(full[0].heading, [column for block in full for column in block.columns]) if full else None
    return [whole] if whole and whole.width <= width else full


def _pieces(block: Block, width: int) -> Iterator[Block]:
    piece: list[Column] = []
    for column in block.columns:
        if piece and Block(block.heading, [*piece, column]).width > width:
            yield Block(block.heading, piece)
            piece = []
        piece.append(column)
    if piece:
        yield Block(block.heading, piece)


def fold(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces, in a long name after its brackets, else inside it."""
    lines = [""]
    for word in text.split(" "):
        pieces = [word] if cell_len(word) <= width else [each for each in _BRACKETS.split(word) if each]
        for number, piece in enumerate(pieces):
            joined = f"{lines[-1]}{' ' if number == 0 and lines[-1] else ''}{piece}"
            if cell_len(joined) <= width:
                lines[-1] = joined
            else:
                chopped = chop_cells(piece, width)
                lines += chopped if lines[-1] else []
                lines[-1:] = lines[-1:] if lines[-1] else chopped
    return lines


def draw(
    names: Column,
    names_width: int,
    blocks: Sequence[Block],
    *,
    rule: str,
    sections: Mapping[int, Sequence[Text]] = MappingProxyType({}),
) -> list[Text]:
    """The lines of one table: headings, titles, a rule, and the rows with folded names.

    `sections` holds lines to set before a row, by its position.
    """
    lines = _headings(names_width, blocks, rule) if any(block.heading for block in blocks) else []
    titles = Text(names.title.ljust(names_width), style="dim")
    for position, block in enumerate(blocks):
        for index, column in enumerate(block.columns):
            titles.append(" " * _gap_before(position, index))
            titles.append_text(_set(Text(column.title, style="dim"), column))
    titles.rstrip()
    lines.append(titles)
    width = names_width + sum(_BLOCK_GAP + block.width for block in blocks) - (_BLOCK_GAP - _GAP)
    lines.append(Text(rule * width, style="dim"))
    for row, name in enumerate(names.cells):
        lines += sections.get(row, ())
        first, *more = fold(name.plain, names_width)
        line = Text(first + " " * (names_width - cell_len(first)), style=name.style)
        for position, block in enumerate(blocks):
            for index, column in enumerate(block.columns):
                line.append(" " * _gap_before(position, index), style="not bold")
                line.append_text(_set(column.cells[row], column))
        line.rstrip()
        lines.append(line)
        lines += [Text(part, style=name.style) for part in more]
    return lines


def _gap_before(block: int, column: int) -> int:
    return _BLOCK_GAP if column == 0 and block > 0 else _GAP


def _set(cell: Text, column: Column) -> Text:
    space = Text(" " * (column.width - cell.cell_len))
    return space + cell if column.right else cell + space


def _headings(names_width: int, blocks: Sequence[Block], rule: str) -> list[Text]:
    """Each heading over its blocks, folded where it is long, with a rule that shows how far it reaches."""
    spans: list[tuple[str, int]] = []
    for block in blocks:
        if spans and spans[-1][0] == block.heading:
            spans[-1] = (block.heading, spans[-1][1] + _BLOCK_GAP + block.width)
        else:
            spans.append((block.heading, block.width))
    folded = [fold(heading, width) for heading, width in spans]
    lines = []
    for level in range(max(len(parts) for parts in folded)):
        line = Text(" " * (names_width + _GAP))
        for (_, width), parts in zip(spans, folded, strict=True):
            part = parts[level] if level < len(parts) else ""
            line.append(part + " " * (width - cell_len(part) + _BLOCK_GAP), style="bold")
        line.rstrip()
        lines.append(line)
    under = Text(" " * (names_width + _GAP))
    under.append((" " * _BLOCK_GAP).join(rule * width for _, width in spans), style="dim")
    return [*lines, under]
