"""Confusion matrices in the terminal: what was true down, what was answered across."""

from __future__ import annotations

from rich.text import Text

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison
from promptlab.analysis.confusion import confusion
from promptlab.analysis.verdict import Speaker
from promptlab.export.layout import Block, Column, draw, fold, tables
from promptlab.export.plain_text import plain

MOST_LABELS = 12
_NONE = "no answer"


def confusion_lines(comparison: Comparison, speaker: Speaker, *, rule: str, width: int) -> list[Text]:
    """A matrix for every cell whose answers are labels; none for more labels than a table holds."""
    lines: list[Text] = []
    shared = {len({getattr(cell.result, side) for cell in comparison.cells}) for side in ("model", "dataset")}
    for cell in comparison.cells:
        found = confusion(cell.result)
        if found is None or len(found.labels) > MOST_LABELS:
            continue
        name = cell.name
        told = speaker.variant(name.variant)
        told += "" if shared == {1} else f" × {name.model} × {name.dataset}"
        lines += [
            Text(part, style="bold") for part in fold(f"{plain(told)}: true label, answers across", width)
        ]
        names = Column("", [Text(plain(label)) for label in found.labels])
        names_width = min(names.width, max(14, width * 3 // 10))
        columns = [
            Column(
                plain(label),
                [
                    Text(
                        words.count(row[place]),
                        style="bold" if place == true else "dim" if not row[place] else "",
                    )
                    for true, row in enumerate(found.confusion)
                ],
                right=True,
            )
            for place, label in enumerate((*found.labels, _NONE))
            if label != _NONE or any(row[place] for row in found.confusion)
        ]
        for blocks in tables([Block("", columns)], width - names_width - 2):
            lines += [*draw(names, names_width, blocks, rule=rule), Text()]
    return lines[:-1]
