"""The engine: trials through the door, one lane per model, rows to the store."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Literal

from promptlab.basics.errors import (
    BudgetReached,
    CallError,
    CallErrorKind,
    NoAnswer,
    StorageError,
    UsageError,
)
from promptlab.experiment import Cell, Plan, Trial
from promptlab.models import Client
from promptlab.optimizers.spending import Stopped
from promptlab.runs.control import obeying
from promptlab.runs.events import Event, Listen, event
from promptlab.runs.feed import Feed
from promptlab.runs.optimizing import Workplace
from promptlab.runs.outcomes import Outcomes
from promptlab.runs.progress import Progress
from promptlab.runs.rows import TrialRow
from promptlab.runs.store import RunStore
from promptlab.techniques import Answer, TrialContext

# Bad requests before a cell's first success that end it: one may be a single odd sample.
BAD_REQUESTS_END_CELL = 3
_WHOLE_MODEL = frozenset({CallErrorKind.AUTH, CallErrorKind.NO_MODEL, CallErrorKind.NO_QUOTA})

Ending = Literal["complete", "stopped: budget", "interrupted", "failed"]


class Engine:
    """Runs what is missing of a plan. One use."""

    _outcomes: Outcomes  # from `run` on

    def __init__(
        self,
        plan: Plan,
        store: RunStore,
        client: Client,
        *,
        progress: Progress | None = None,
        listen: Listen | None = None,
        workplace: Workplace | None = None,
    ) -> None:
        self._plan = plan
        self._workplace = workplace
        self._store = store
        self._client = client
        self.progress = progress or Progress()
        self._listen = listen
        self._going = asyncio.Event()
        self._going.set()
        self._cells = store.set_plan(plan)
        self._scorers = store.set_scorers(plan.scoring.scorers)
        self._stopped: dict[str, str] = {}  # cell hash -> why it ended early
        self._succeeded: set[str] = set()
        self._bad_requests: dict[str, int] = {}
        self._ending: Ending | None = None
        self._failure: Exception | None = None
        self.budget_message = ""

    @property
    def stopped_cells(self) -> dict[str, str]:
        """Why each cell that ended early did, by its label."""
        return {
            cell.label: self._stopped[cell.hash] for cell in self._plan.cells if cell.hash in self._stopped
        }

    def interrupt(self) -> None:
        """Starts no further trial; what is in flight is finished and kept."""
        self._end("interrupted")

    def pause(self, paused: bool = True) -> None:
        """Starts no trial until told otherwise; what is in flight is finished and kept."""
        if paused == self._going.is_set() and self._ending is None:
            (self._going.clear if paused else self._going.set)()
            self.progress.paused = paused
            self._happened("paused" if paused else "resumed")

    async def run(self) -> Ending:
        """Until nothing is missing, a budget is reached, or it is interrupted.

        Raises StorageError, and what a user's own code or a listener raises.
        """
        cells = self._plan.chosen
        self.progress.planned = sum(self._plan.trials_in(cell) for cell in cells)
        self._outcomes = Outcomes(self._plan, self._cells, self._scorers)
        for cell in cells:
            self._store.stop_cell(self._cells[cell.hash], None)
            cell.context.door = self._client
        await obeying(self._store, self, self._run_cells(cells), self._tell_progress)
        if self._failure is not None:
            raise self._failure
        if self._ending is None:
            failed = self.progress.errors or self._stopped
            self._ending = "failed" if failed else "complete"
        return self._ending

    async def _run_cells(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            await self._prepare(cell)
        self.progress.started = time.monotonic()  # trials a second, however long prompts were looked for
        await self._run_lanes(cells)

    async def _prepare(self, cell: Cell) -> None:
        """What all trials of a cell share: vectors, an optimized prompt."""
        if self._ending is not None:
            return
        try:
            if self._workplace is None:
                await cell.context.prepare()
            else:
                await self._workplace.prepare(self._plan, cell, lambda: self._ending is not None)
        except CallError as error:  # texts to search in could not be embedded, no prompt could be scored
            self._stop(cell, str(error))
        except BudgetReached as error:
            self.budget_message = str(error)
            self._end("stopped: budget")
        except Stopped:
            self._end("interrupted")
        self.progress.sent_calls = self._client.stats.sent_calls

    async def _run_lanes(self, cells: Sequence[Cell]) -> None:
        lanes: dict[str, list[Cell]] = {}
        for cell in cells:
            lanes.setdefault(cell.model.name, []).append(cell)
        async with asyncio.TaskGroup() as group:
            for lane in lanes.values():
                group.create_task(self._lane(lane))

    async def _lane(self, cells: Sequence[Cell]) -> None:
        """One model's trials: workers that draw from one lazy feed."""
        workers = min(self._plan.spec.limits.concurrency, sum(self._plan.trials_in(cell) for cell in cells))
        async with (
            aclosing(Feed(self._plan, cells, self._store, self.progress)) as feed,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(workers):
                group.create_task(self._work(feed))

    async def _work(self, feed: Feed) -> None:
        try:
            await self._draw_from(feed)
        except Exception as error:  # noqa: BLE001  raised again by `run`
            # The others finish what they have in flight: it is paid for.
            self._failure = self._failure or error
            self._end("failed")

    async def _draw_from(self, feed: Feed) -> None:
        while self._ending is None:
            if not self._going.is_set():
                await self._going.wait()
                continue
            item = await feed.next()
            if item is None:
                return
            trial, sample_row = item
            if trial.cell.hash in self._stopped:
                continue
            row = await self._trial(trial, sample_row)
            if row is not None:
                await self._store.add(row)
                self._count(row)
                if self._listen is not None:
                    self._listen(self._told(trial, row))

    async def _trial(self, trial: Trial, sample_row: int) -> TrialRow | None:
        """One trial, run and scored; None where nothing of it is to be kept."""
        cell = trial.cell
        context = TrialContext.over(cell.context, self._client, trial.sample, trial.repeat)
        answer: Answer | None = None
        failure: NoAnswer | None = None
        try:
            answer = await context.solve()
        except NoAnswer as error:
            failure = error
        except BudgetReached as error:
            self.budget_message = str(error)
            self._end("stopped: budget")
            return None
        except CallError as error:
            self._call_failed(cell, context.failed_on or cell.model.name, error)
            return self._outcomes.failed(trial, sample_row, context.trace, str(error), error.kind)
        except (UsageError, StorageError):
            raise  # not this trial's fault: it would meet every other one too
        except Exception as error:  # noqa: BLE001  a technique may be a user's own code
            told = f"technique {cell.variant.source} failed: {type(error).__name__}: {error}"
            if cell.hash not in self._succeeded:
                self._stop(cell, told)
            return self._outcomes.failed(trial, sample_row, context.trace, told, "technique")
        self._succeeded.add(cell.hash)
        return self._outcomes.graded(trial, sample_row, context.trace, answer, failure)

    def _count(self, row: TrialRow) -> None:
        progress = self.progress
        progress.finished += 1
        progress.sent_calls = self._client.stats.sent_calls
        if row.status == "error":
            progress.error_kinds[row.error_kind] += 1
            progress.errors[row.error] += 1
        elif row.status != "ok":
            progress.failures[row.status] += 1
        replies = [call.completion for call in row.calls if call.completion is not None]
        for reply, cost in zip(replies, row.costs_usd, strict=True):
            if reply.cached:
                progress.cached_calls += 1
            elif cost is None:
                progress.unknown_costs += 1
            else:
                progress.paid_usd += cost

    def _call_failed(self, cell: Cell, model: str, error: CallError) -> None:
        """Ends the cells that would fail in the same way for every sample: those that ask that model."""
        if error.kind in _WHOLE_MODEL:
            ended = [each for each in self._plan.chosen if each is cell or model in each.models]
        elif error.kind is CallErrorKind.BAD_REQUEST and cell.hash not in self._succeeded:
            self._bad_requests[cell.hash] = self._bad_requests.get(cell.hash, 0) + 1
            ended = [cell] if self._bad_requests[cell.hash] >= BAD_REQUESTS_END_CELL else []
        else:
            ended = []
        for each in ended:
            self._stop(each, str(error))

    def _stop(self, cell: Cell, why: str) -> None:
        """Ends a cell early: its unsent trials stay pending."""
        if cell.hash not in self._stopped:
            self._stopped[cell.hash] = why
            self._happened("cell_stopped", cell=cell.label, why=why)
            self._store.stop_cell(self._cells[cell.hash], why)

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self.progress.stopping = ending
            self._going.set()

    def _tell_progress(self) -> None:
        self.progress.sent_calls = self._client.stats.sent_calls
        if self._listen is not None:
            endpoints = [dataclasses.asdict(each) for each in self._client.limiters()]
            self._happened("progress", **self.progress.counters(), endpoints=endpoints)

    def _happened(self, kind: str, **facts: Any) -> None:
        if self._listen is not None:
            self._listen(event(kind, run=self._store.path.parent.name, **facts))

    def _told(self, trial: Trial, row: TrialRow) -> Event:
        """A finished trial as an event."""
        cell, names = trial.cell, {number: name for name, number in self._scorers.items()}
        return event(
            "trial",
            run=self._store.path.parent.name,
            variant=cell.variant.name,
            model=cell.model.name,
            dataset=cell.dataset.name,
            sample=trial.sample.id,
            repeat=trial.repeat,
            scores={names[number]: value for number, value in row.scores.items()},
            **row.told(),
        )
