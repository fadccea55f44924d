"""What a run's judges did and how far they can be trusted: cost, consistency, agreement with people."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson

from promptlab.analysis.agreement import Corrected, agreement, cohen_kappa, corrected_mean
from promptlab.analysis.families import CellName
from promptlab.runs import RunReader
from promptlab.runs.annotations import Annotations, JudgeSums
from promptlab.runs.labels import PREFERENCES

_GRADED = """SELECT trials.identity, trials.status, samples.id, samples.cluster, scores.value
    FROM trials JOIN samples ON samples.id = trials.sample
        JOIN scores ON scores.trial = trials.id AND scores.scorer = ?
    WHERE trials.cell = ? AND samples.position IS NOT NULL AND scores.value NOT NULL"""


@dataclass(frozen=True)
class Agreement:
    """A judge against people's labels over `n` answers of all cells that both graded.

    A judge's mean over draws counts as the nearest of its grades. `kappa_weighted` (quadratic) is for scales
    of more than two grades. `means` holds each cell's judge mean and its mean corrected by the labels.
    `unfit` says why the labels cannot be compared with this judge's grades; then there is nothing else.
    """

    n: int
    agreement: float | None
    kappa: float | None
    kappa_weighted: float | None
    means: tuple[tuple[CellName, float, Corrected], ...]
    unfit: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "n": self.n,
            **({"unfit": self.unfit} if self.unfit else {}),
            "agreement": self.agreement,
            "kappa": self.kappa,
            "kappa_weighted": self.kappa_weighted,
            "cells": [
                {
                    **name.to_json(),
                    "judge_mean": judge,
                    "corrected_mean": fixed.mean,
                    "ci_low": fixed.low,
                    "ci_high": fixed.high,
                    "n": fixed.n,
                    "labelled": fixed.labelled,
                }
                for name, judge, fixed in self.means
            ],
        }


@dataclass(frozen=True)
class JudgeReport:
    """One judge of a run: its kind and model, what it did, and how it agrees with people."""

    scorer: str
    kind: str
    model: str
    done: JudgeSums
    human: Agreement | None

    @property
    def consistency(self) -> float | None:
        """The share of pairwise judgements whose preference does not change with the order."""
        return 1 - self.done.flips / self.done.orders if self.done.orders else None

    def to_json(self) -> dict[str, Any]:
        return {
            "scorer": self.scorer,
            "kind": self.kind,
            "model": self.model,
            **{("repeat_agreement" if key == "agreement" else key): each for key, each in self._done()},
            "consistency": self.consistency,
            "human": self.human.to_json() if self.human else None,
        }

    def _done(self) -> list[tuple[str, Any]]:
        return list(asdict(self.done).items())


def judge_reports(reader: RunReader) -> tuple[JudgeReport, ...]:
    """The judges of a run, in the order of its scorers; none where it has none."""
    annotations = Annotations.existing(reader.run)
    if annotations is None:
        return ()
    with annotations:
        sums, labels = annotations.sums(), annotations.labels()
    reports = []
    for name, row in reader.scorers().items():
        spec = orjson.loads(
            reader.connection.execute("SELECT spec FROM scorers WHERE id = ?", (row,)).fetchone()[0]
        )
        if spec.get("scorer") not in ("judge", "embedding_similarity") or row not in sums:
            continue
        human = _agreement(reader, row, spec, labels) if labels and spec["scorer"] == "judge" else None
        reports.append(
            JudgeReport(name, spec.get("kind", "similarity"), spec["model"]["id"], sums[row], human)
        )
    return tuple(reports)


def _agreement(
    reader: RunReader, row: int, spec: Mapping[str, Any], labels: Mapping[bytes, str]
) -> Agreement:
    """Failed answers are left out where judge and people are compared: no judge saw them."""
    known = PREFERENCES if spec["kind"] == "pairwise" else spec["values"]
    worth = {each.casefold(): float(value) for each, value in known.items()}
    # 4.0 for 4
    said_by = {trial: worth.get(label.casefold().removesuffix(".0")) for trial, label in labels.items()}
    if unfit := [labels[trial] for trial, value in said_by.items() if value is None]:
        told = f"{unfit[0]!r} is none of its verdicts ({', '.join(known)})."
        return Agreement(0, None, None, None, (), told)
    grades = np.array(sorted(set(spec["values"].values())))
    judged: list[float] = []
    said: list[float] = []
    means = []
    for cell in reader.cells():
        rows = reader.connection.execute(_GRADED, (row, cell["id"])).fetchall()
        human = [np.nan if (value := said_by.get(each[0])) is None else value for each in rows]
        for each, label in zip(rows, human, strict=True):
            if each[1] == "ok" and not np.isnan(label):
                judged.append(float(grades[np.abs(grades - each[4]).argmin()]))
                said.append(label)
        fixed = _corrected(rows, human)
        if fixed is not None:
            mean = float(np.mean([each[4] for each in rows]))
            means.append((CellName(cell["variant"], cell["model"], cell["dataset"]), mean, fixed))
    judge, people = np.array(judged, dtype=np.float64), np.array(said, dtype=np.float64)
    weighted = cohen_kappa(judge, people, weights="quadratic") if grades.size > 2 else None
    return Agreement(judge.size, agreement(judge, people), cohen_kappa(judge, people), weighted, tuple(means))


def _corrected(rows: list[sqlite3.Row], human: list[float]) -> Corrected | None:
    """Repeats of a sample are one cluster, like samples of one group."""
    if not rows:
        return None
    clusters: dict[Any, int] = {}
    groups = [
        clusters.setdefault(("group", each[3]) if each[3] is not None else each[2], len(clusters))
        for each in rows
    ]
    alone = len(clusters) == len(rows)
    return corrected_mean(
        np.array([each[4] for each in rows], dtype=np.float64),
        np.array(human, dtype=np.float64),
        None if alone else np.array(groups, dtype=np.int64),
    )
