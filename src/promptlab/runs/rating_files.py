"""Ratings as a table, for other tools and other machines, and back again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.runs.directory import RunDirectory
from promptlab.runs.labels import table_rows
from promptlab.runs.ratings import Rating, keep, ratings
from promptlab.runs.reading import RunReader

_TRIALS = """SELECT trials.identity, cells.variant, cells.model, cells.dataset, samples.sample, trials.repeat
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL"""
_SCALE_MARK = " < "  # "bad < good"
_NEEDED = (("rater",), ("said",), ("sample",), ("variant_a",))
_Place = tuple[str, str, str, str, str]  # variant, model, dataset, sample, repeat


def rating_rows(run: RunDirectory) -> Iterator[dict[str, Any]]:
    """Every rating, in the order given; those of answers no longer in the experiment are left out."""
    places = {identity: place for place, identity in _identities(run).items()}
    for each in ratings(run):
        a = places.get(each.a)
        b = places.get(each.b) if each.b else ("", "", "", "", "")
        if a is None or b is None:
            continue
        yield {
            "rater": each.rater,
            "said": each.said,
            "dataset": a[2],
            "sample": a[3],
            "repeat": int(a[4]),
            "variant_a": a[0],
            "model_a": a[1],
            "variant_b": b[0],
            "model_b": b[1],
            "left": ("b" if each.swapped else "a") if each.b else "",
            "scale": _SCALE_MARK.join(each.scale),
            "seed": each.seed,
            "at": datetime.fromtimestamp(each.at, UTC).isoformat(timespec="seconds"),
            "comment": each.comment,
        }


def import_ratings(run: RunDirectory, path: Path) -> int:
    """Keeps the ratings of a csv, tsv or jsonl file as `rating_rows` writes it. Returns how many.

    A person's earlier rating of the same answers is replaced. Columns: `rater`, `said`, `sample`,
    `variant_a`, and of a pair `variant_b`; `model_a`, `model_b`, `dataset` and `repeat` where the run has
    several; `scale` ("bad < good") for single answers; the rest may be missing. UsageError names the first
    row that is wrong; then nothing is kept.
    """
    known = _identities(run)
    found = [_read(row, f"{path}: row {number}", known) for number, row in table_rows(path, _NEEDED)]
    if not found:
        raise UsageError(f"{path} has no ratings.")
    return keep(run, found)


def _identities(run: RunDirectory) -> dict[_Place, bytes]:
    with RunReader(run) as reader:
        return {
            (row[1], row[2], row[3], row[4], str(row[5])): bytes(row[0])
            for row in reader.connection.execute(_TRIALS)
        }


def _read(row: Mapping[str, str], where: str, known: Mapping[_Place, bytes]) -> Rating:
    a = _identity(row, "a", where, known)
    b = _identity(row, "b", where, known) if row.get("variant_b") else b""
    scale = tuple(part for part in row.get("scale", "").split(_SCALE_MARK) if part)
    try:
        return Rating(
            rater=row.get("rater", ""),
            a=a,
            b=b,
            said=row.get("said", ""),
            scale=scale or (() if b else (row.get("said", ""),)),
            swapped=row.get("left") == "b",
            seed=int(row.get("seed") or 0),
            at=datetime.fromisoformat(row["at"]).timestamp() if row.get("at") else time.time(),
            comment=row.get("comment", ""),
        )
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", remedy=error.remedy) from None
    except ValueError as error:
        raise UsageError(f"{where}: {error}.") from None


def _identity(row: Mapping[str, str], side: str, where: str, known: Mapping[_Place, bytes]) -> bytes:
    wanted = [row.get(name) for name in (f"variant_{side}", f"model_{side}", "dataset", "sample", "repeat")]
    variant, model, dataset, sample, repeat = wanted
    exact = (variant or "", model or "", dataset or "", sample or "", repeat or "")
    if exact in known:
        return known[exact]
    fitting = [
        identity
        for place, identity in known.items()
        if all(not want or want == have for want, have in zip(wanted, place, strict=True))
    ]
    if len(fitting) == 1:
        return fitting[0]
    said = ", ".join(each for each in wanted if each)
    if fitting:
        raise UsageError(
            f"{where}: the run has {len(fitting)} answers with {said}.",
            remedy=f"Add the columns model_{side}, dataset and repeat.",
        )
    variants = {place[0] for place in known}
    remedy = "" if wanted[0] in variants else did_you_mean(wanted[0] or "", variants)
    raise UsageError(f"{where}: the run has no answer with {said}.", remedy=remedy)
