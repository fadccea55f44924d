"""What people's ratings of a run say: preferences, labels by variant and model, and how far people agree."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from promptlab.analysis.agreement import agreement, cohen_kappa, fleiss_kappa
from promptlab.analysis.families import CellName
from promptlab.analysis.intervals import Interval, mean_interval
from promptlab.analysis.preferences import BradleyTerry, Strength, bradley_terry
from promptlab.analysis.samples import SampleScores
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.ratings import PREFERENCES, TIE, A, B, Rating, raters, ratings

_OUTCOME = {A: 1.0, B: 0.0, TIE: 0.5}
_TRIALS = """SELECT trials.identity, cells.variant, cells.model, trials.sample
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Concord:
    """How far two or more people say the same of what several of them rated.

    `pairs` holds (one, other, n, agreement, Cohen's kappa) of every two who rated something in common.
    """

    fleiss: float | None
    n: int
    pairs: tuple[tuple[str, str, int, float, float | None], ...]

    def to_json(self) -> dict[str, Any]:
        names = ("a", "b", "n", "agreement", "cohen_kappa")
        pairs = [dict(zip(names, each, strict=True)) for each in self.pairs]
        return {"n": self.n, "fleiss_kappa": self.fleiss, "pairs": pairs}


@dataclass(frozen=True, slots=True)
class Preferred:
    """All pairs that were rated: `names` are the sides of `fit`, over all data sets."""

    names: tuple[CellName, ...]
    fit: BradleyTerry
    people: Mapping[str, int]
    skipped: int
    concord: Concord

    def rows(self) -> list[dict[str, Any]]:
        """A row for each side, the strongest first."""
        order = sorted(range(len(self.names)), key=lambda each: _rank(self.fit.strengths[each]))
        return [_side(self.names[each], self.fit.strengths[each]) for each in order]

    def to_json(self) -> dict[str, Any]:
        def named(number: int) -> dict[str, str | None]:
            return {"variant": self.names[number].variant, "model": self.names[number].model}

        return {
            "n": self.fit.n,
            "samples": self.fit.clusters,
            "people": dict(self.people),
            "skipped": self.skipped,
            "cells": self.rows(),
            "pairs": [
                {**dataclasses.asdict(each), "a": named(each.a), "b": named(each.b)}
                for each in self.fit.pairs
            ],
            "agreement": self.concord.to_json(),
            "cautions": list(self.fit.cautions),
        }


class Labelled(NamedTuple):
    """One variant's labels: how many of each, and their mean over samples, from 0 to 1 along the scale."""

    name: CellName
    counts: Mapping[str, int]
    mean: Interval | None


@dataclass(frozen=True, slots=True)
class Graded:
    """All single answers that were rated on one scale; its first label is worth 0, its last 1."""

    scale: tuple[str, ...]
    cells: tuple[Labelled, ...]
    people: Mapping[str, int]
    skipped: int
    concord: Concord

    def rows(self) -> list[dict[str, Any]]:
        """A row for each variant and model, the best first."""
        cells = sorted(self.cells, key=lambda each: -each.mean.mean if each.mean else 0.0)
        return [
            {
                "variant": each.name.variant,
                "model": each.name.model,
                "n": sum(each.counts.values()),
                "mean": each.mean.mean if each.mean else None,
                "ci_low": each.mean.low if each.mean else None,
                "ci_high": each.mean.high if each.mean else None,
                **{label: each.counts.get(label, 0) for label in self.scale},
            }
            for each in cells
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "scale": list(self.scale),
            "people": dict(self.people),
            "skipped": self.skipped,
            "cells": self.rows(),
            "agreement": self.concord.to_json(),
        }


def preferred(run: RunDirectory) -> Preferred | None:
    """The pairs that people rated; None where there is none. Answers no longer there are left out."""
    return _preferred(ratings(run, kind="pairs"), _owners(run))


def graded(run: RunDirectory) -> list[Graded]:
    """The single answers that people rated, one entry for each scale that was offered."""
    found, owners = ratings(run, kind="single"), _owners(run)
    return [_graded(scale, found, owners) for scale in dict.fromkeys(each.scale for each in found)]


class _Owner(NamedTuple):
    name: CellName
    sample: int


def _owners(run: RunDirectory) -> dict[bytes, _Owner]:
    """Who gave each answer, and to which sample."""
    with RunReader(run) as reader:
        return {
            bytes(row[0]): _Owner(CellName(row[1], row[2], None), row[3])
            for row in reader.connection.execute(_TRIALS)
        }


def _preferred(found: Sequence[Rating], owners: Mapping[bytes, _Owner]) -> Preferred | None:
    known = [each for each in found if each.a in owners and each.b in owners]
    given = [each for each in known if not each.skipped]
    if not given:
        return None
    sides = [(owners[each.a], owners[each.b]) for each in given]
    names = tuple(dict.fromkeys(side.name for pair in sides for side in pair))
    number = {name: place for place, name in enumerate(names)}
    fit = bradley_terry(
        np.array([number[a.name] for a, _ in sides], dtype=np.int64),
        np.array([number[b.name] for _, b in sides], dtype=np.int64),
        np.array([_OUTCOME[each.said] for each in given], dtype=np.float64),
        np.array([a.sample for a, _ in sides], dtype=np.int64),
        len(names),
    )
    concord = _concord(given, PREFERENCES)
    return Preferred(names, fit, _people(given), len(known) - len(given), concord)


def _graded(scale: tuple[str, ...], found: Sequence[Rating], owners: Mapping[bytes, _Owner]) -> Graded:
    known = [each for each in found if each.scale == scale and each.a in owners]
    given = [each for each in known if not each.skipped]
    worth = {label: place / (len(scale) - 1) for place, label in enumerate(scale)}
    cells = []
    for name in dict.fromkeys(owners[each.a].name for each in given):
        own = [each for each in given if owners[each.a].name == name]
        values: dict[int, list[float]] = {}
        for each in own:
            values.setdefault(owners[each.a].sample, []).append(worth[each.said])
        cells.append(Labelled(name, Counter(each.said for each in own), _mean(values)))
    return Graded(scale, tuple(cells), _people(given), len(known) - len(given), _concord(given, scale))


def _mean(values: Mapping[int, Sequence[float]]) -> Interval | None:
    """People, and repeats, of one sample are averaged first."""
    means = np.array([np.mean(each) for each in values.values()])
    binary = bool(np.isin(means, (0.0, 1.0)).all())
    return mean_interval(SampleScores(np.array(list(values)), means, None, binary, bounded=True))


def _concord(given: Sequence[Rating], labels: Sequence[str]) -> Concord:
    place = {label: number for number, label in enumerate(labels)}
    said: dict[str, dict[tuple[bytes, bytes], int]] = {name: {} for name in raters(given)}
    for each in given:
        said[each.rater][each.a, each.b] = place[each.said]
    items = Counter(answers for own in said.values() for answers in own)
    shared = [answers for answers, people in items.items() if people > 1]
    counts = np.zeros((len(shared), len(labels)), dtype=np.int64)
    for row, answers in enumerate(shared):
        for own in said.values():
            if answers in own:
                counts[row, own[answers]] += 1
    return Concord(fleiss_kappa(counts), len(shared), tuple(_couples(said)))


def _couples(
    said: Mapping[str, Mapping[tuple[bytes, bytes], int]],
) -> Iterable[tuple[str, str, int, float, float | None]]:
    for one, other in combinations(said, 2):
        common = [answers for answers in said[one] if answers in said[other]]
        if common:
            a, b = (np.array([said[who][each] for each in common], dtype=np.float64) for who in (one, other))
            yield one, other, len(common), agreement(a, b) or 0.0, cohen_kappa(a, b)


def _people(given: Sequence[Rating]) -> dict[str, int]:
    return dict(Counter(each.rater for each in given))


def _rank(side: Strength) -> float:
    return -side.strength if side.strength is not None else -(side.share or 0.0)


def _side(name: CellName, side: Strength) -> dict[str, Any]:
    return {
        "variant": name.variant,
        "model": name.model,
        "n": side.n,
        "wins": side.wins,
        "losses": side.losses,
        "ties": side.ties,
        "preferred": side.share,
        "strength": side.strength,
        "ci_low": side.low,
        "ci_high": side.high,
    }
