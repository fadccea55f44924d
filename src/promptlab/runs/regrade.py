"""Scores for answers that are stored already: scorers may change without a call."""

from __future__ import annotations

import orjson

from promptlab.basics.errors import NO_ANSWER_KINDS
from promptlab.datasets import Sample
from promptlab.experiment import Plan
from promptlab.runs.store import RunStore
from promptlab.scoring import Grader

BATCH_ROWS = 1000


def grade_missing(store: RunStore, plan: Plan, rows: dict[str, int]) -> int:
    """Grades every stored answer of the plan's cells that lacks one of its scores. Returns how many."""
    by_hash = {cell.hash: cell for cell in plan.cells}
    graded = 0
    for name, row in rows.items():
        lacking = store.without_score(row)
        graders = (
            {
                cell_hash: Grader(cell.task, {name: plan.scoring.scorers[name]})
                for cell_hash, cell in by_hash.items()
            }
            if lacking
            else {}
        )
        scores: list[tuple[int, int, float | None]] = []
        for trial, cell_hash, status, text, answer, rule, finish, sample_id, body in lacking:
            if cell_hash not in graders:
                continue
            result = graders[cell_hash].grade(
                text or "",
                stored_sample(sample_id, body),
                finish_reason=finish or "stop",
                failure=status if status in NO_ANSWER_KINDS else None,
                given=(stored_value(answer), rule or ""),
            )
            scores.append((trial, row, result.scores[name]))
        for start in range(0, len(scores), BATCH_ROWS):
            store.add_scores(scores[start : start + BATCH_ROWS])
        graded += len(scores)
    return graded


def stored_sample(sample_id: str, body: str) -> Sample:
    """A sample as the run keeps it."""
    kept = orjson.loads(body)
    target = kept["target"]
    return Sample(
        id=sample_id,
        inputs=kept["inputs"],
        target=tuple(target) if isinstance(target, list) else target,
        content="",
        rationale=kept.get("rationale"),
        choices=tuple(kept.get("choices", ())),
        metadata=kept.get("metadata", {}),
    )


def stored_value(answer: str | None) -> str | tuple[str, ...] | None:
    if answer is None:
        return None
    value = orjson.loads(answer)
    return tuple(value) if isinstance(value, list) else str(value)
