"""What people said of a run's answers: one of two is better, or a label for one. Kept beside the run.

Names are as people type them; nobody signs in. Ratings hang on the identities of trials, like labels.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from promptlab.basics.errors import UsageError
from promptlab.runs.annotations import Annotations
from promptlab.runs.database import unusable
from promptlab.runs.directory import RunDirectory
from promptlab.runs.reading import RunReader

Kind = Literal["pairs", "single"]
KINDS: tuple[Kind, ...] = ("pairs", "single")
A, B, TIE, SKIP = "a", "b", "tie", "skip"
PREFERENCES = (A, B, TIE)
GOOD_OR_BAD = ("bad", "good")
ONE_TO_FIVE = ("1", "2", "3", "4", "5")
RATER_CHARS = 60
_COLUMNS = "rater, a, b, said, scale, swapped, seed, at, comment"
_PUT = f"INSERT OR REPLACE INTO ratings ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_FIRST = _PUT.replace("REPLACE", "IGNORE")
_LAST = {"pairs": "length(b) > 0", "single": "length(b) = 0"}


@dataclass(frozen=True, slots=True)
class Rating:
    """One person on a pair of answers (`said` a, b, tie, skip), or on one answer (a label of `scale`, skip).

    `a` and `b` are trials' identities, `b` is empty for one answer. a belongs to the cell that comes first in
    the experiment; `swapped` says that b stood on the left, `seed` is what order and sides were drawn with.
    `at` is Unix time. UsageError for what cannot be one.
    """

    rater: str
    a: bytes
    b: bytes
    said: str
    scale: tuple[str, ...] = ()
    swapped: bool = False
    seed: int = 0
    at: float = field(default_factory=time.time)
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.rater.strip() or len(self.rater) > RATER_CHARS or not self.rater.isprintable():
            raise UsageError(f"a rater needs a name of 1 to {RATER_CHARS} characters.")
        if self.b and self.said not in (*PREFERENCES, SKIP):
            raise UsageError(f"{self.said!r} says nothing of a pair.", remedy="Say a, b, tie or skip.")
        if not self.b and self.said != SKIP and self.said not in self.scale:
            offered = ", ".join(self.scale)
            raise UsageError(f"{self.said!r} is no label of this scale.", remedy=f"Say one of: {offered}.")

    @property
    def kind(self) -> Kind:
        return "pairs" if self.b else "single"

    @property
    def skipped(self) -> bool:
        return self.said == SKIP


def keep(run: RunDirectory, ratings: Iterable[Rating]) -> int:
    """Keeps ratings, all or none; an earlier one of the same person on the same answers is replaced."""
    rows = [_row(each) for each in ratings]
    with Annotations.open(run) as annotations:
        connection = annotations.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_PUT, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise unusable(run.path, error) from error
    return len(rows)


def keep_first(run: RunDirectory, rating: Rating) -> bool:
    """Keeps what a person says of answers that they have not rated yet; False where they have: that stays.

    Who wants to say something else takes it back first (`undo`).
    """
    with Annotations.open(run) as annotations:
        try:
            return annotations.connection.execute(_PUT_FIRST, _row(rating)).rowcount == 1
        except sqlite3.Error as error:
            raise unusable(run.path, error) from error


def undo(run: RunDirectory, rater: str, kind: Kind) -> Rating | None:
    """Takes back the last rating of that person and kind, and returns it; None where there is none."""
    with Annotations.open(run) as annotations:
        row = annotations.connection.execute(
            f"DELETE FROM ratings WHERE id = (SELECT max(id) FROM ratings WHERE rater = ? AND {_LAST[kind]})"
            f" RETURNING {_COLUMNS}",
            (rater.strip(),),
        ).fetchone()
    return None if row is None else _rating(row)


def ratings(run: RunDirectory, *, rater: str | None = None, kind: Kind | None = None) -> list[Rating]:
    """What was said, in the order given: by everybody, or one person."""
    annotations = Annotations.existing(run)
    if annotations is None:
        return []
    where = [_LAST[kind]] if kind else []
    where += ["rater = ?"] if rater is not None else []
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    values = () if rater is None else (rater.strip(),)
    with annotations:
        found = annotations.connection.execute(
            f"SELECT {_COLUMNS} FROM ratings{condition} ORDER BY id", values
        )
        return [_rating(row) for row in found.fetchall()]


def majority(found: Iterable[Rating]) -> dict[tuple[bytes, bytes], str]:
    """What most people said of each pair or answer; skips do not count, and a draw of people says nothing."""
    votes: dict[tuple[bytes, bytes], Counter[str]] = defaultdict(Counter)
    for each in found:
        if not each.skipped:
            votes[each.a, each.b][each.said] += 1
    chosen = {}
    for answers, counted in votes.items():
        (first, most), *rest = counted.most_common(2)
        if not rest or rest[0][1] < most:
            chosen[answers] = first
    return chosen


def keep_as_labels(run: RunDirectory, kind: Kind) -> int:
    """Makes the ratings people's labels, as judges are compared with. Returns how many answers have one.

    A single rating is its label as it is. A pair counts where one of the two is the opponent of the run's
    first pairwise judge: the other one gets win, loss or tie. Where people disagree, the majority decides;
    without one there is no label. UsageError: nothing was rated, or there is no pairwise judge.
    """
    found = ratings(run, kind=kind)
    if not found:
        raise UsageError(
            f"nobody has rated {'pairs' if kind == 'pairs' else 'single answers'} of run {run.id}.",
            remedy="Rate in the workbench (promptlab ui), or import: promptlab ratings RUN --from FILE",
        )
    said = majority(found)
    labels = {a: label for (a, _), label in said.items()} if kind == "single" else _outcomes(run, said)
    with Annotations.open(run) as annotations:
        annotations.set_labels(labels.items(), f"ratings: {kind}")
    return len(labels)


def _outcomes(run: RunDirectory, said: Mapping[tuple[bytes, bytes], str]) -> dict[bytes, str]:
    """Win, loss or tie of the answers that were compared with the opponent's."""
    with RunReader(run) as reader:
        against = _opponents(reader)
        cells = {row["id"]: (row["model"], row["dataset"]) for row in reader.cells()}
        cell_of = {
            bytes(row[0]): row[1] for row in reader.connection.execute("SELECT identity, cell FROM trials")
        }
    labels = {}
    for (a, b), preferred in said.items():
        one, other = cell_of.get(a), cell_of.get(b)
        if one is None or other is None or cells.get(one) != cells.get(other):
            continue
        if other in against:
            labels[a] = {A: "win", B: "loss", TIE: "tie"}[preferred]
        elif one in against:
            labels[b] = {B: "win", A: "loss", TIE: "tie"}[preferred]
    return labels


def _opponents(reader: RunReader) -> set[int]:
    """The cells that the first pairwise judge compares the others with."""
    cells = {row["hash"]: int(row["id"]) for row in reader.cells()}
    for row in reader.scorers().values():
        spec = orjson.loads(
            reader.connection.execute("SELECT spec FROM scorers WHERE id = ?", (row,)).fetchone()[0]
        )
        if spec.get("kind") == "pairwise":
            return {cells[each] for each in spec["against"] if each in cells}
    raise UsageError(
        f"run {reader.run.id} has no pairwise judge whose labels these could be.",
        remedy="Add one: promptlab score RUN --scorer '{scorer: judge, kind: pairwise, model: …}'",
    )


def scales_of(reader: RunReader) -> dict[str, tuple[str, ...]]:
    """The labels that people may give: the verdicts of the run's judges by the judge's name, worst first."""
    found: dict[str, tuple[str, ...]] = {}
    for name, row in reader.scorers().items():
        spec = orjson.loads(
            reader.connection.execute("SELECT spec FROM scorers WHERE id = ?", (row,)).fetchone()[0]
        )
        values: Mapping[str, Any] = spec.get("values") or {}
        if spec.get("scorer") == "judge" and spec.get("kind") != "pairwise" and 1 < len(values) <= 10:
            found[name] = tuple(sorted(values, key=lambda each: float(values[each])))
    return found


def raters(found: Sequence[Rating]) -> list[str]:
    """Who rated, in the order of their first rating."""
    return list(dict.fromkeys(each.rater for each in found))


def _row(rating: Rating) -> tuple[Any, ...]:
    return (
        rating.rater.strip(),
        rating.a,
        rating.b,
        rating.said,
        orjson.dumps(rating.scale).decode(),
        rating.swapped,
        rating.seed,
        rating.at,
        rating.comment,
    )


def _rating(row: Sequence[Any]) -> Rating:
    rater, a, b, said, scale, swapped, seed, at, comment = row
    return Rating(
        rater, bytes(a), bytes(b), said, tuple(orjson.loads(scale)), bool(swapped), seed, at, comment
    )
