"""What a trial came to: graded, priced, and as a row for the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from promptlab.basics.errors import NoAnswer
from promptlab.datasets import Dataset
from promptlab.experiment import Plan, Trial
from promptlab.models import Completion
from promptlab.models.pricing import in_usd
from promptlab.runs.regrade import BY_TECHNIQUE
from promptlab.runs.rows import TrialRow
from promptlab.scoring import Grader
from promptlab.scoring.translation import SCRIPT_SAMPLES, script_of
from promptlab.techniques import Answer
from promptlab.techniques.base import Trace


class Outcomes:
    """Makes the rows of one plan's trials. `cells` and `scorers` are their rows in the store."""

    def __init__(self, plan: Plan, cells: Mapping[str, int], scorers: Mapping[str, int]) -> None:
        scripts = {each.name: _script(each) for each in plan.datasets}
        self._graders = {
            cell.hash: Grader(cell.task, plan.scoring.scorers, script=scripts[cell.dataset.name])
            for cell in plan.chosen
        }
        self._cells = cells
        self._scorers = scorers
        self._rates = plan.limits().rates

    def failed(self, trial: Trial, sample_row: int, trace: Trace, error: str, kind: str) -> TrialRow:
        """Of a trial that ended in an error: it has no score, and runs again with the next command."""
        return TrialRow(
            identity=trial.identity,
            cell=self._cells[trial.cell.hash],
            sample=sample_row,
            repeat=trial.repeat,
            status="error",
            text=None,
            answer=None,
            rule="",
            error=error,
            notes=trace.notes,
            calls=tuple(trace.calls),
            scores={},
            costs_usd=self._costs_usd(trace),
            finished=time.time(),
            error_kind=kind,
        )

    def graded(
        self, trial: Trial, sample_row: int, trace: Trace, answer: Answer | None, failure: NoAnswer | None
    ) -> TrialRow:
        """Of a trial with an answer, or with none as its technique says (`failure`)."""
        reply = answer.reply if answer else _last_reply(trace)
        given = answer.given if answer else None
        costs_usd = self._costs_usd(trace)
        graded = self._graders[trial.cell.hash].grade(
            reply.text if reply else "",
            trial.sample,
            finish_reason=reply.finish_reason if reply else "stop",
            failure=failure.kind if failure else None,
            given=given,
            latency_s=trace.latency_s,
            cost_usd=_sum(costs_usd),
        )
        return TrialRow(
            identity=trial.identity,
            cell=self._cells[trial.cell.hash],
            sample=sample_row,
            repeat=trial.repeat,
            status=graded.failure or "ok",
            text=reply.text if reply else None,
            answer=graded.value,
            rule=graded.rule + BY_TECHNIQUE if given and graded.rule else graded.rule,
            error=str(failure) if failure else "",
            notes=trace.notes,
            calls=tuple(trace.calls),
            scores={self._scorers[name]: value for name, value in graded.scores.items()},
            costs_usd=costs_usd,
            finished=time.time(),
            statistics={self._scorers[name]: each for name, each in graded.statistics.items()},
        )

    def _costs_usd(self, trace: Trace) -> tuple[float | None, ...]:
        """Of each reply, as first paid; None where the price or the rate is unknown."""
        replies = [call.completion for call in trace.calls if call.completion is not None]
        return tuple([in_usd(each.cost, each.currency, self._rates) for each in replies])


def _script(dataset: Dataset) -> str:
    """In which script the data set's targets are written."""
    return script_of(sample.targets for sample in dataset.samples("test", 0, SCRIPT_SAMPLES))


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _last_reply(trace: Trace) -> Completion | None:
    replies = [call.completion for call in trace.calls if call.completion is not None]
    return replies[-1] if replies else None
