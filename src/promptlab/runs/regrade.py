"""Stored answers graded and read again, without a call: scorers and extraction rules may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.datasets import AnswerType, PromptMessage, Task
from promptlab.runs.answers import cell_specs, read_by, reread, rules_used, scripts_of, without_score
from promptlab.runs.rows import RereadAnswer, ScoreRow, score_row
from promptlab.runs.store import RunStore
from promptlab.scoring import Grader, Scorer
from promptlab.scoring.extraction.rule import rules

# How a rule's label ends where a technique read or voted the value by itself: its reply says less.
BY_TECHNIQUE = ", by the technique"


def grade_missing(store: RunStore, scorers: Mapping[str, Scorer], rows: Mapping[str, int]) -> int:
    """Grades every stored answer that lacks one of these scores (`rows`: their rows). Returns how many.

    Scorers that run code are left to `runs.programs`. UsageError for the first failure of the user's own
    scorers, once all others are graded.
    """
    tasks, written = tasks_of(store), store.do(scripts_of)
    graded = 0
    broken: UsageError | None = None
    for name, scorer in scorers.items():
        if scorer.runs_code:
            continue
        graders: dict[int, Grader] = {}
        for page in without_score(store, rows[name]):
            scores: list[ScoreRow] = []
            for each in page:
                grader = graders.get(each.cell)
                if grader is None:
                    grader = graders[each.cell] = Grader(
                        tasks[each.cell], {name: scorer}, script=written[each.cell]
                    )
                result = grader.grade(
                    each.text or "",
                    each.sample,
                    finish_reason=each.finish or "stop",
                    failure=each.failure,
                    given=(each.value, each.rule or ""),
                    latency_s=each.latency_s,
                    cost_usd=each.cost_usd,
                )
                if name in result.broken:
                    broken = broken or result.broken[name]
                    continue
                scores.append(
                    score_row(each.trial, rows[name], result.scores[name], result.statistics.get(name))
                )
            store.add_scores(scores)
            graded += len(scores)
    if broken is not None:
        raise broken
    return graded


def reread_outdated(store: RunStore) -> tuple[int, int]:
    """Reads stored replies again where the rule that read them has a newer version.

    Returns how many were read, and how many answers are others now; those have lost their scores.
    """
    newest = _outdated(rules_used(store))
    if not newest:
        return 0, 0
    graders = {cell: Grader(task, {}) for cell, task in tasks_of(store).items()}
    read = changed = 0
    for page in read_by(store, newest):
        rows = []
        for each in page:
            found = graders[each.cell].grade(
                each.text or "", each.sample, finish_reason=each.finish or "stop"
            )
            status = found.failure or "ok"
            differs = (found.value, status) != (each.value, each.status)
            rows.append(RereadAnswer(each.trial, status, found.value, found.rule, differs))
            changed += differs
        reread(store, rows)
        read += len(rows)
    return read, changed


def tasks_of(store: RunStore) -> dict[int, Task]:
    """What each current cell asked, by its row, as the store itself has it: no file is read."""
    return {row: _task(spec["variant"]) for row, spec in cell_specs(store).items()}


def _task(variant: Mapping[str, Any]) -> Task:
    return Task(
        tuple(PromptMessage(role, source) for role, source in variant["messages"]),
        AnswerType(variant["answer"]),
        variant["instruction"],
        tuple(variant["labels"]),
    )


def _outdated(labels: list[str]) -> list[str]:
    """Those of the stored labels (name@version) whose rule now has a higher version."""
    versions = {rule.name: rule.version for rule in rules().values()}
    found = []
    for label in labels:
        name, _, version = label.rpartition("@")
        if version.isdigit() and int(version) < versions.get(name, 0):
            found.append(label)
    return found
