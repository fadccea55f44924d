"""What a plan puts in a run's store before any trial: cells, scorers, samples."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from promptlab.basics.hashing import canonical
from promptlab.runs.insert import insert
from promptlab.runs.rows import sample_body

if TYPE_CHECKING:
    from promptlab.datasets import Sample
    from promptlab.experiment import Cell, Plan

_SAMPLE = "INSERT INTO samples (dataset, sample, content, position, cluster, body) VALUES "
_PLACED = """ ON CONFLICT (dataset, sample, content) DO UPDATE SET position = excluded.position
    RETURNING id, sample, content"""


class Identified(Protocol):
    """A scorer, as far as the store cares: another identity is another scorer."""

    def identity(self) -> dict[str, Any]: ...


def set_plan(connection: sqlite3.Connection, plan: Plan) -> dict[str, int]:
    connection.execute("UPDATE cells SET position = NULL")
    rows: dict[str, int] = {}
    for position, cell in enumerate(plan.cells):
        rows[cell.hash] = _set_cell(connection, cell, position, plan)
    for dataset in plan.datasets:
        key = f"dataset:{dataset.name}"
        known = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        value = canonical(dataset.split_hash("test")).decode()
        if known is None or known[0] != value:
            connection.execute("UPDATE samples SET position = NULL WHERE dataset = ?", (dataset.name,))
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
    return rows


def _set_cell(connection: sqlite3.Connection, cell: Cell, position: int, plan: Plan) -> int:
    names = (cell.variant.name, cell.model.name, cell.dataset.name)
    planned = cell.dataset.sizes["test"] * plan.spec.repeats
    connection.execute(
        """INSERT INTO cells (hash, variant, model, dataset, spec, position, planned, oracle, drawn_once)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (hash) DO UPDATE SET variant = excluded.variant, model = excluded.model,
               position = excluded.position, planned = excluded.planned""",
        (
            cell.hash,
            *names,
            canonical(cell.spec).decode(),
            position,
            planned,
            int(cell.variant.technique.uses_target()),
            cell.drawn_once,
        ),
    )
    return int(connection.execute("SELECT id FROM cells WHERE hash = ?", (cell.hash,)).fetchone()[0])


def set_scorers(connection: sqlite3.Connection, scorers: Mapping[str, Identified]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for name, scorer in scorers.items():
        spec = canonical(scorer.identity()).decode()
        connection.execute("INSERT OR IGNORE INTO scorers (name, spec) VALUES (?, ?)", (name, spec))
        found = connection.execute("SELECT id FROM scorers WHERE spec = ?", (spec,)).fetchone()
        rows[name] = int(found[0])
    return rows


def place(
    connection: sqlite3.Connection,
    dataset: str,
    samples: Sequence[tuple[int, Sample]],
    identities: Sequence[bytes],
) -> tuple[list[int], set[bytes]]:
    values = [
        (dataset, sample.id, sample.content, position, sample.group, sample_body(sample))
        for position, sample in samples
    ]
    placed = {(name, content): row for row, name, content in insert(connection, _SAMPLE, values, _PLACED)}
    rows = [placed[sample.id, sample.content] for _, sample in samples]
    finished: set[bytes] = set()
    for start in range(0, len(identities), 500):
        part = identities[start : start + 500]
        marks = ", ".join("?" * len(part))
        query = f"SELECT identity FROM trials WHERE status != 'error' AND identity IN ({marks})"
        finished.update(row[0] for row in connection.execute(query, part))
    return rows, finished
