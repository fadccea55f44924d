"""The scores of a run, sample by sample, in a small file that can be committed beside the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from promptlab.analysis.cells import CellResult
from promptlab.analysis.samples import sample_scores
from promptlab.analysis.stored import compare_run
from promptlab.basics.errors import UsageError
from promptlab.basics.files import write_atomically
from promptlab.runs import RunDirectory, RunReader

FORMAT, VERSION = "promptlab-baseline", 1


@dataclass(frozen=True, slots=True)
class BaselineCell:
    """One cell under one scorer: score by sample id (repeats averaged). `spec` says how it was scored.

    Where the score belongs to the whole cell, `counts` has what each sample adds to it, a row for each repeat
    (`"0 1; 0 0"`), and `recipe` what the counts mean: sacrebleu's signature, or the labels they number.
    """

    variant: str
    model: str
    dataset: str
    scorer: str
    spec: str
    binary: bool
    scores: Mapping[str, float]
    counts: Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""

    def rows(self) -> list[tuple[str, list[float]]]:
        """Sample id and statistics of each of its trials."""
        return [
            (name, [float(number) for number in row.split()])
            for name, rows in self.counts.items()
            for row in rows.split(";")
        ]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run to be held against. `samples`: data set → sample id → hash of its content."""

    run: str
    experiment: str
    samples: Mapping[str, Mapping[str, str]]
    cells: tuple[BaselineCell, ...]

    def cell(self, variant: str, model: str, dataset: str, scorer: str) -> BaselineCell | None:
        """The cell of these names; where the model's name changed, that of the only model."""
        found = [
            each
            for each in self.cells
            if (each.variant, each.dataset, each.scorer) == (variant, dataset, scorer)
        ]
        named = [each for each in found if each.model == model]
        return named[0] if named else found[0] if len(found) == 1 else None


def baseline_of(run: RunDirectory) -> Baseline:
    """The baseline that a stored run makes. UsageError: it is not finished."""
    found = compare_run(run)
    if found.status != "complete" or any(cell.result.pending for cell in found.cells):
        raise UsageError(
            f"run {run.id} is not complete ({found.status}).", remedy="Finish it, then make it the baseline."
        )
    samples, positions = stored_samples(run)
    specs = scorer_specs(run)
    cells = []
    for cell in found.cells:
        names = positions[cell.result.dataset]
        for scorer in cell.result.scores:
            scores = sample_scores(cell.result, scorer)
            cells.append(
                BaselineCell(
                    variant=cell.result.variant,
                    model=cell.result.model,
                    dataset=cell.result.dataset,
                    scorer=scorer,
                    spec=specs[scorer],
                    binary=scores.binary,
                    scores={
                        names[int(place)]: float(value)
                        for place, value in zip(scores.samples, scores.values, strict=True)
                    },
                    counts=_counts(cell.result, scorer, names),
                    recipe=corpus_recipe(cell.result, scorer),
                )
            )
    return Baseline(run.id, found.experiment, samples, tuple(cells))


def _counts(cell: CellResult, scorer: str, names: Mapping[int, str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    if scorer in cell.corpus:
        for place, row in zip(cell.samples, cell.corpus[scorer].rows, strict=True):
            if not np.isnan(row).any():
                found.setdefault(names[int(place)], []).append(" ".join(f"{number:.12g}" for number in row))
    return {name: "; ".join(rows) for name, rows in found.items()}


def corpus_recipe(cell: CellResult, scorer: str) -> str:
    """What the counts of a score of the whole cell depend on beside its settings; "" for other scores."""
    if scorer not in cell.corpus:
        return ""
    recipe = cell.corpus[scorer].recipe
    return recipe or (" | ".join(cell.classes.names) if cell.classes else "")


def write_baseline(run: RunDirectory, path: Path) -> int:
    """Writes the run's baseline as JSON that diffs well; returns the number of cells and scorers in it."""
    found = baseline_of(run)
    value = {
        "format": FORMAT,
        "version": VERSION,
        "run": found.run,
        "experiment": found.experiment,
        "samples": {name: dict(each) for name, each in found.samples.items()},
        "cells": [
            {
                name: value
                for name in BaselineCell.__dataclass_fields__
                if (value := getattr(each, name)) not in ({}, "")
            }
            for each in found.cells
        ],
    }
    write_atomically(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return len(found.cells)


def read_baseline(path: Path) -> Baseline:
    """A baseline file. UsageError: it cannot be read, or is none."""
    try:
        found: Any = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"the baseline {path} cannot be read: {error}.", remedy=_MAKE) from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise UsageError(f"{path} is no baseline of version {VERSION}.", remedy=_MAKE)
    try:
        cells = tuple(BaselineCell(**{"scores": {}, **each}) for each in found["cells"])
        return Baseline(found["run"], found["experiment"], found["samples"], cells)
    except (KeyError, TypeError) as error:
        raise UsageError(f"the baseline {path} is damaged: {error}.", remedy=_MAKE) from error


_MAKE = "`promptlab export RUN --to baseline.json` makes one."


def scorer_specs(run: RunDirectory) -> dict[str, str]:
    """How each column of a run is scored."""
    with RunReader(run) as reader:
        specs = dict(reader.connection.execute("SELECT id, spec FROM scorers").fetchall())
        return {name: specs[number] for name, number in reader.scorers().items()}


def stored_samples(run: RunDirectory) -> tuple[dict[str, dict[str, str]], dict[str, dict[int, str]]]:
    """Data set → id → content hash, and data set → position → id, of a run's test samples."""
    samples: dict[str, dict[str, str]] = {}
    positions: dict[str, dict[int, str]] = {}
    query = (
        "SELECT dataset, position, sample, content FROM samples WHERE position IS NOT NULL ORDER BY position"
    )
    with RunReader(run) as reader:
        for dataset, position, sample, content in reader.connection.execute(query):
            samples.setdefault(dataset, {})[sample] = content
            positions.setdefault(dataset, {})[position] = sample
    return samples, positions
