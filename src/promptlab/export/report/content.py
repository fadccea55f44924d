"""What the report says of a run, as plain data: its parts, and its samples one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import orjson

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison
from promptlab.analysis.optimizations import optimization_sentences
from promptlab.analysis.verdict import Speaker
from promptlab.export.columns import Glyphs
from promptlab.export.footing import footing, totals
from promptlab.export.judges import judge_lines
from promptlab.export.optimizations import ending_lines, history_rows, prompt_diff
from promptlab.export.paper import example_prompts
from promptlab.export.plots import figures
from promptlab.export.winners import ahead_of_baseline, printed_p, winners
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.artifacts import kept_prompts

_TRIALS = """SELECT samples.id, samples.dataset, samples.sample, samples.body, cells.position AS cell,
        trials.id AS trial, trials.repeat, trials.status, trials.answer, trials.text, trials.error
    FROM trials JOIN cells ON cells.id = trials.cell JOIN samples ON samples.id = trials.sample
    WHERE cells.position IS NOT NULL AND samples.position IS NOT NULL
    ORDER BY samples.dataset, samples.position, cells.position, trials.repeat"""
_SCORES = "SELECT scorer, value FROM scores WHERE trial = ?"


def facts(run: RunDirectory, comparison: Comparison, reader: RunReader) -> dict[str, Any]:
    """All but the samples."""
    from promptlab.runs.directory import EXPERIMENT

    speaker = Speaker(comparison)
    scorers = list(comparison.family.scorers)
    best = {name: winners(comparison, name) for name in scorers}
    ahead = {name: ahead_of_baseline(comparison, name) for name in scorers}
    return {
        "run": comparison.run,
        "experiment": comparison.experiment,
        "status": comparison.status,
        "pending": sum(cell.result.pending for cell in comparison.cells),
        "digits": speaker.digits,
        "primary": comparison.primary,
        "baseline": comparison.family.baseline,
        "scorers": scorers,
        "headline": list(comparison.headline),
        "notes": list(comparison.notes),
        "judges": [" ".join(judge_lines(report)) for report in comparison.judges],
        "footing": footing(comparison, Glyphs.unicode()),
        "totals": totals(comparison),
        "cells": [
            {
                **cell.to_json(),
                "shown": speaker.variant(cell.result.variant),
                "planned": cell.result.planned,
                "time": words.seconds(cell.result.latency_p50_s),
                "best": [name for name in scorers if cell.name in best[name]],
                "rough": [
                    name for name in scorers if (found := cell.scores[name].interval) and found.cautions
                ],
                "ahead": [name for name in scorers if cell.name in ahead[name]],
            }
            for cell in comparison.cells
        ],
        # The cells of the samples' trials, by their number there.
        "places": [[row["variant"], row["model"], row["dataset"]] for row in reader.cells()],
        "pairs": [
            {
                "scorer": pair.scorer,
                "sides": " − ".join(speaker.sides(pair)) + speaker.where(pair),
                "diff": speaker.signed(pair),
                "bounds": speaker.bounds(pair),
                "n": pair.found.n if pair.found else 0,
                "p": printed_p(pair),
                "verdict": pair.verdict.value,
            }
            for pair in comparison.pairs
            if pair.in_family
        ],
        "searches": list(optimization_sentences(comparison)),
        "optimized": [
            {
                "title": " × ".join(str(each.entry[name]) for name in ("variant", "model", "dataset")),
                "ending": ending_lines(each.artifact) if each.artifact else ["not kept with this run"],
                "diff": prompt_diff(each.artifact) if each.artifact else [],
                "tried": list(history_rows([each])),
            }
            for each in kept_prompts(run)
        ],
        "figures": figures(comparison),
        "prompts": [prompt.to_json() for prompt in example_prompts(reader)],
        "spec": (run.path / EXPERIMENT).read_text(encoding="utf-8", errors="replace"),
        "manifest": orjson.dumps(
            run.manifest(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
        ).decode(),
    }


def samples(reader: RunReader) -> Iterator[dict[str, Any]]:
    """Each sample with its trials: [cell, repeat, status, answer, reply, scores, trial, error]."""
    scorers = list(reader.scorers().values())
    rows = reader.connection.execute(_TRIALS)
    numbers = {row["position"]: number for number, row in enumerate(reader.cells())}
    for _, found in groupby(rows, key=lambda row: row["id"]):
        trials = list(found)
        body = orjson.loads(trials[0]["body"])
        yield {
            "id": trials[0]["sample"],
            "dataset": trials[0]["dataset"],
            "target": body["target"],
            "inputs": body["inputs"],
            "choices": body.get("choices"),
            "trials": [
                [
                    numbers[row["cell"]],
                    row["repeat"],
                    row["status"],
                    None if row["answer"] is None else orjson.loads(row["answer"]),
                    row["text"],
                    _scores(reader, row["trial"], scorers),
                    row["trial"],
                    row["error"],
                ]
                for row in trials
            ],
        }


def _scores(reader: RunReader, trial: int, scorers: list[int]) -> list[float | None]:
    found = dict(reader.connection.execute(_SCORES, (trial,)).fetchall())
    return [found.get(scorer) for scorer in scorers]
