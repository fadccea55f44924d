"""A run's stored answers, page by page: what lacks a score, what an older rule read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.hashing import canonical
from promptlab.runs.rows import RereadAnswer, StoredAnswer, encoded
from promptlab.scoring.translation import SCRIPT_SAMPLES, script_of

if TYPE_CHECKING:
    from promptlab.runs.store import RunStore

PAGE_ROWS = 500

_ANSWERS = """SELECT trials.id, cells.id, trials.status, trials.text, trials.answer, trials.rule,
        (SELECT finish FROM calls WHERE calls.trial = trials.id ORDER BY ordinal DESC LIMIT 1),
        samples.sample, samples.body, trials.repeat, trials.identity, trials.sample, samples.position,
        trials.latency_s, CASE WHEN trials.unknown_costs = 0 THEN trials.cost_usd END
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE trials.id > ? AND cells.position IS NOT NULL AND samples.position IS NOT NULL
        AND trials.status != 'error'"""
_UNSCORED = """ AND NOT EXISTS (SELECT 1 FROM scores WHERE scores.trial = trials.id AND scores.scorer = ?)"""
_RULES = " AND trials.rule IN (SELECT value FROM json_each(?))"
_PAGE = " ORDER BY trials.id LIMIT ?"


def cell_specs(store: RunStore) -> dict[int, dict[str, Any]]:
    """What each current cell was resolved to, with its hash and names, by its row; in the file's order."""
    query = """SELECT id, spec, hash, variant, model, dataset FROM cells
        WHERE position IS NOT NULL ORDER BY position"""
    return {
        row: {**orjson.loads(spec), "hash": hash_, "names": tuple(names)}
        for row, spec, hash_, *names in store.read(query)
    }


def scripts_of(connection: sqlite3.Connection) -> dict[int, str]:
    """The script of each current cell's data set (see `scoring.translation`), by the cell's row."""
    found: dict[str, str] = {}
    cells = connection.execute("SELECT id, dataset FROM cells WHERE position IS NOT NULL").fetchall()
    query = """SELECT json_extract(body, '$.target') FROM samples
        WHERE dataset = ? AND position < ? ORDER BY position"""
    for dataset in {name for _, name in cells}:
        targets = connection.execute(query, (dataset, SCRIPT_SAMPLES))
        found[dataset] = script_of([text] for (text,) in targets if isinstance(text, str))
    return {row: found[dataset] for row, dataset in cells}


def without_score(store: RunStore, scorer: int) -> Iterator[list[StoredAnswer]]:
    """Answers of current cells and samples that this scorer (its row) has not graded, page by page."""
    return _pages(store, _ANSWERS + _UNSCORED, scorer)


def count_without_score(store: RunStore, scorer: int) -> int:
    """How many answers `without_score` would give."""
    return int(store.read(f"SELECT count(*) FROM ({_ANSWERS}{_UNSCORED})", 0, scorer)[0][0])


def read_by(store: RunStore, rules: Iterable[str]) -> Iterator[list[StoredAnswer]]:
    """Answers of current cells and samples that one of these rules (name@version) read, page by page."""
    return _pages(store, _ANSWERS + _RULES, canonical(sorted(rules)).decode())


def rules_used(store: RunStore) -> list[str]:
    """The rules (name@version) that the stored answers were read by."""
    return [row[0] for row in store.read("SELECT DISTINCT rule FROM trials WHERE rule != ''")]


def reread(store: RunStore, rows: Sequence[RereadAnswer]) -> None:
    """Answers looked at anew, from the same replies. One that is another now loses its scores."""

    def job(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "UPDATE trials SET status = ?, answer = ?, rule = ?, error = ? WHERE id = ?",
            [(each.status, encoded(each.answer), each.rule, each.error, each.trial) for each in rows],
        )
        changed = [(each.trial,) for each in rows if each.changed]
        connection.executemany("DELETE FROM scores WHERE trial = ?", changed)

    store.do(job)


def _pages(store: RunStore, query: str, *values: Any) -> Iterator[list[StoredAnswer]]:
    """A page is read when it is asked for, so that the caller may write between two."""
    after = 0
    while page := [StoredAnswer(*row) for row in store.read(query + _PAGE, after, *values, PAGE_ROWS)]:
        yield page
        after = page[-1].trial
