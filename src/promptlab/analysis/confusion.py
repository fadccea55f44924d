"""What was answered for what: the confusion matrix of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from promptlab.analysis.cells import CellResult
from promptlab.scoring.classification import Classification, classification

MOST_LABELS = 50  # of more, a matrix is for a file: `export --what confusion`
NO_ANSWER = "(no answer)"


def confusion(cell: CellResult) -> Classification | None:
    """The labels that occur in a cell, in the task's order, and how often each was answered for each.

    Trials are counted, every repeat of a sample by itself. None where answers are no closed set.
    """
    if cell.classes is None:
        return None
    rows = cell.classes.rows[~np.isnan(cell.classes.rows).any(axis=1)].astype(np.int64)
    if not len(rows):
        return None
    names = cell.classes.names
    found = sorted({int(each) for each in np.unique(rows) if each >= 0})
    return classification(
        [names[true] for true in rows[:, 0]],
        [names[guess] if guess >= 0 else None for guess in rows[:, 1]],
        [names[each] for each in found],
    )


def confusion_json(cell: CellResult) -> dict[str, Any] | None:
    """`matrix[i][j]` trials of the true label i were answered j; the last column: those without an answer."""
    found = confusion(cell)
    if found is None or len(found.labels) > MOST_LABELS:
        return None
    return {"labels": list(found.labels), "matrix": [list(row) for row in found.confusion]}


def confusion_rows(cell: CellResult) -> Iterator[dict[str, Any]]:
    """One row per true label and answer: how many trials, and the share of the true label's."""
    found = confusion(cell)
    if found is None:
        return
    for true, row, support in zip(found.labels, found.confusion, found.support, strict=True):
        for answer, count in zip((*found.labels, NO_ANSWER), row, strict=True):
            yield {
                "variant": cell.variant,
                "model": cell.model,
                "dataset": cell.dataset,
                "true": true,
                "answered": answer,
                "trials": count,
                "share": count / support if support else None,
            }
