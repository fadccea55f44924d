"""What a technique retrieved, apart from whether the answer was right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from promptlab.analysis import words
from promptlab.runs import RunReader

_NOTES = """SELECT notes FROM trials JOIN samples ON samples.id = trials.sample
    WHERE trials.cell = ? AND samples.position IS NOT NULL AND notes LIKE '%recall_at_%'"""
_MEASURE = re.compile(r"recall_at_(\d+)$")


def recalls(reader: RunReader) -> Iterator[str]:
    """A sentence for every cell whose technique recorded recall@k: its mean over the trials."""
    for cell in reader.cells():
        if '"relevant":"' not in cell["spec"]:
            continue
        found: dict[str, list[float]] = {}
        for (notes,) in reader.connection.execute(_NOTES, (cell["id"],)):
            for name, value in _measures(orjson.loads(notes)):
                found.setdefault(name, []).append(value)
        for name, values in found.items():
            mean = words.number(sum(values) / len(values))
            where = f"{cell['variant']} × {cell['model']} × {cell['dataset']}"
            yield f"{where}: {name} {mean} over {words.count(len(values))} trials, apart from the answers"


def _measures(notes: Any) -> Iterator[tuple[str, float]]:
    """Those of the technique and of what is inside it."""
    if isinstance(notes, dict):
        for name, value in notes.items():
            match = _MEASURE.fullmatch(name)
            if match and isinstance(value, int | float):
                yield f"recall@{match[1]}", float(value)
            else:
                yield from _measures(value)
