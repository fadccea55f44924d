"""Judges at work on a run's stored answers: page by page, through the door, scores and calls to disk."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import CELL_ENDING, BudgetReached, PromptlabError, UsageError
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets.task import template_values
from promptlab.experiment.judges import ResolvedJudge
from promptlab.models import Limits, Model
from promptlab.models.pricing import in_usd
from promptlab.runs.annotations import Annotations
from promptlab.runs.answers import without_score
from promptlab.runs.progress import Progress
from promptlab.runs.rows import ScoreRow, StoredAnswer, decoded
from promptlab.runs.store import RunStore
from promptlab.scoring.judging import Asks, Exhibit
from promptlab.scoring.judging.judgement import Asking, Judgement, text_for

if TYPE_CHECKING:
    from promptlab.models import Client
    from promptlab.runs.engine import Ending

_ANSWERS_OF = """SELECT sample, repeat, status, text, answer FROM trials
    WHERE cell = ? AND status != 'error' AND sample IN (SELECT value FROM json_each(?))"""


@dataclass(frozen=True)
class BoundJudge:
    """A judge bound to a run's cells (by row): the template of the question, the opponent's cell.

    All variants are judged on the same question: what the data set's first variant asks last, unless the
    judge has a `question` of its own.
    """

    judge: Asks
    model: Model
    questions: Mapping[int, str]
    opponents: Mapping[int, int | None]
    opponent_hashes: tuple[str, ...]

    def identity(self) -> dict[str, Any]:
        """What makes its scores others: settings, model, question, and whom it compares with."""
        return {
            **self.judge.identity(),
            "model": self.model.identity(),
            "questions": sorted(set(self.questions.values())),
            "against": self.opponent_hashes,
        }

    def question(self, name: str, each: StoredAnswer) -> str:
        """What was asked about that answer's sample. UsageError where it cannot be rendered."""
        try:
            return template(self.questions[each.cell]).render(template_values(each.sample.question()))
        except TemplateError as error:
            raise UsageError(
                f"the question for the judge {name!r}, on sample {each.sample_id!r}: {error.message}.",
                remedy="Change the judge's `question:`.",
            ) from error


def bind(resolved: ResolvedJudge, cells: Mapping[int, Mapping[str, Any]]) -> BoundJudge:
    """Binds a judge to the current cells, as `answers.cell_specs` gives them."""
    questions: dict[int, str] = {}
    first: dict[str, str] = {}
    rows = {tuple(spec["names"]): row for row, spec in cells.items()}
    opponents: dict[int, int | None] = {}
    for row, spec in cells.items():
        _, model, dataset = spec["names"]
        asked = first.setdefault(dataset, spec["variant"]["messages"][-1][1])
        questions[row] = resolved.judge.question or asked
        opponents[row] = rows.get((resolved.against, model, dataset)) if resolved.against else None
    hashes = sorted({str(cells[row]["hash"]) for row in opponents.values() if row is not None})
    return BoundJudge(resolved.judge, resolved.model, questions, opponents, tuple(hashes))


@dataclass
class Judged:
    """What one command's judges did. `stopped`: why a judge ended early, by its name."""

    status: Ending = "complete"
    scored: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    sent_calls: int = 0
    budget_message: str = ""

    @property
    def touched(self) -> bool:
        """Whether anything was there to be judged."""
        return bool(self.scored or self.unscored or self.errors or self.status != "complete")


class Judging:
    """Judges what lacks a judge's score. One use. An error leaves no score, so the next command tries again.

    A failed answer is worth 0 and asks nobody, as with every scorer. Against an opponent it loses to any
    answer and ties with another failed one; the opponent's own answers are worth 0.5, a tie with themselves,
    so that the difference to it says who is preferred.
    """

    def __init__(
        self,
        store: RunStore,
        annotations: Annotations,
        client: Client,
        judges: Mapping[str, BoundJudge],
        rows: Mapping[str, int],
        limits: Limits,
        *,
        takes: Callable[[StoredAnswer], bool] = lambda answer: True,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._annotations = annotations
        self._client = client
        self._judges = judges
        self._rows = rows
        self._limits = limits
        self._takes = takes
        self.progress = progress or Progress(unit="judgements")
        self.result = Judged()
        self._ending: Ending | None = None
        self._going = asyncio.Event()
        self._going.set()

    def interrupt(self) -> None:
        """Judges no further answer; what is in flight is finished and kept."""
        self._end("interrupted")

    def pause(self, paused: bool = True) -> None:
        """Judges no further answer until told otherwise."""
        if self._ending is None:
            (self._going.clear if paused else self._going.set)()
            self.progress.paused = paused

    async def run(self) -> Judged:
        """Until nothing is lacking, a budget is reached, or it is interrupted. Raises StorageError."""
        for name, bound in self._judges.items():
            pages = without_score(self._store, self._rows[name])
            while self._ending is None and name not in self.result.stopped:
                page = await asyncio.to_thread(_next, pages)
                if page is None:
                    break
                await self._page(name, bound, [each for each in page if self._takes(each)])
        result = self.result
        failed = result.errors or result.stopped
        result.status = self._ending or ("failed" if failed else "complete")
        return result

    async def _page(self, name: str, bound: BoundJudge, page: Sequence[StoredAnswer]) -> None:
        """One page, as many answers at once as the limits allow; then all of it to disk."""
        others = await asyncio.to_thread(self._opponents, bound, page)
        scores: list[ScoreRow] = []
        judged: list[tuple[bytes, Judgement]] = []
        asking = Asking(bound.judge, bound.model, self._client, name, self._limits.timeout_s)
        waiting = iter(page)

        async def work() -> None:
            for each in waiting:
                await self._going.wait()
                if self._ending is not None or name in self.result.stopped:
                    return
                try:
                    found = await self._one(asking, bound, each, others)
                except BudgetReached as error:
                    self.result.budget_message = str(error)
                    self._end("stopped: budget")
                    return
                if found is None:
                    continue
                self.progress.finished += 1
                if isinstance(found, Judgement):
                    judged.append((each.identity, found))
                    self._count(name, found)
                if not isinstance(found, Judgement) or found.failure is None:
                    scores.append((each.trial, self._rows[name], found.value, None))

        workers = min(self._limits.concurrency, len(page))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except* PromptlabError as errors:
            raise errors.exceptions[0] from None
        finally:
            # The calls first: a score whose calls are lost could not be explained.
            self._annotations.add(self._rows[name], judged, self._limits.rates)
            self._store.add_scores(scores)

    async def _one(
        self,
        asking: Asking,
        bound: BoundJudge,
        each: StoredAnswer,
        others: Mapping[tuple[int, int, int], _Other],
    ) -> Judgement | _Settled | None:
        """The judgement; what is settled without one; None where the opponent has not answered yet."""
        opponent = bound.opponents[each.cell]
        failed = each.failure is not None
        other = None
        if opponent is not None:
            if opponent == each.cell:
                return _Settled(0.5)
            other = others.get((opponent, each.sample_row, each.repeat))
            if other is None:
                return None
            if failed or other.failed:
                return _Settled(0.5 if failed and other.failed else float(other.failed))
        elif failed:
            return _Settled(0.0)
        sample = each.sample
        if bound.judge.kind == "reference" and not sample.targets:
            return _Settled(None)
        shown = Exhibit(
            question=bound.question(asking.name, each),
            answer=text_for(bound.judge, each.text, each.value),
            target="\n".join(sample.targets),
            other=text_for(bound.judge, other.text, other.value) if other else "",
            targets=sample.targets,
        )
        return await asking.judgement(shown, each.sample_id)

    def _opponents(
        self, bound: BoundJudge, page: Sequence[StoredAnswer]
    ) -> dict[tuple[int, int, int], _Other]:
        """The opponents' answers to the page's samples, by cell, sample and repeat."""
        wanted: dict[int, set[int]] = {}
        for each in page:
            opponent = bound.opponents[each.cell]
            if opponent is not None and opponent != each.cell:
                wanted.setdefault(opponent, set()).add(each.sample_row)
        found = {}
        for cell, samples in wanted.items():
            rows = self._store.read(_ANSWERS_OF, cell, str(sorted(samples)))
            for sample, repeat, status, text, answer in rows:
                found[cell, sample, repeat] = _Other(status != "ok", text, decoded(answer))
        return found

    def _count(self, name: str, found: Judgement) -> None:
        result, progress = self.result, self.progress
        if found.failure is not None:
            progress.errors[str(found.failure)] += 1
            result.errors[str(found.failure)] += 1
            if found.failure.kind in CELL_ENDING:
                result.stopped.setdefault(name, str(found.failure))
        elif found.value is None:
            result.unscored[name] += 1
            progress.failures["unscored"] += 1
        else:
            result.scored[name] += 1
        result.sent_calls = progress.sent_calls = self._client.stats.sent_calls
        for call in found.calls:
            reply = call.completion
            if reply is None:
                continue
            cost = in_usd(reply.cost, reply.currency, self._limits.rates)
            if reply.cached:
                progress.cached_calls += 1
            elif cost is None:
                progress.unknown_costs += 1
            else:
                progress.paid_usd += cost

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self.progress.stopping = ending
            self._going.set()


@dataclass(frozen=True, slots=True)
class _Settled:
    """A score that asks nobody."""

    value: float | None


@dataclass(frozen=True, slots=True)
class _Other:
    """An opponent's answer."""

    failed: bool
    text: str | None
    value: str | tuple[str, ...] | None


def _next(pages: Iterator[list[StoredAnswer]]) -> list[StoredAnswer] | None:
    return next(pages, None)
