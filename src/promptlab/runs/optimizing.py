"""Optimized prompts in a run: found before a cell's first trial, kept with the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import BudgetReached, CallError, UsageError
from promptlab.experiment import Cell, Plan
from promptlab.experiment.judges import check_judges
from promptlab.models import Model
from promptlab.optimizers import Optimizer
from promptlab.optimizers.artifact import CALLS_FILE
from promptlab.optimizers.spending import Stopped
from promptlab.runs.artifacts import ARTIFACTS, ended_as, keep
from promptlab.runs.directory import RunDirectory
from promptlab.runs.events import Listen, event
from promptlab.runs.interrupting import wait_for
from promptlab.runs.opening import open_client
from promptlab.runs.progress import Progress
from promptlab.runs.span import Span
from promptlab.techniques.cell import CellContext
from promptlab.techniques.compiling import Compiling, Round

if TYPE_CHECKING:
    from promptlab.optimizers import Artifact
    from promptlab.runs.estimating import Estimate


@dataclass(frozen=True)
class Workplace:
    """Where a command keeps the prompts that it finds, whom it tells, and who listens to each round."""

    home: Path
    run: RunDirectory | None
    tell: Callable[[str], None]
    reuse: bool = True
    progress: Progress = field(default_factory=Progress)
    listen: Listen | None = None

    async def prepare(self, plan: Plan, cell: Cell, stopped: Callable[[], bool]) -> None:
        """Prepares the cell's technique; an optimizer's prompt is found, and kept with the run."""
        context = cell.context
        searched: list[Round] = []

        def watch(found: Round) -> None:
            searched[:] = [found]
            self.progress.search = (cell.label, found)
            if found.ended:
                self._happened(cell, "round", found.to_json())

        context.compiling = Compiling(
            self.home / ARTIFACTS, cell.label, self.tell, stopped, plan.limits().rates, self.reuse, watch
        )
        try:
            await context.prepare()
        finally:
            self.progress.search = None
        if searched:
            for artifact in found_in(context):
                self._happened(cell, "optimized", ended_as(artifact))
        if self.run is not None:
            for number, artifact in enumerate(found_in(context)):
                calls = self.home / ARTIFACTS / str(artifact.provenance.get("hash", "")) / CALLS_FILE
                keep(self.run, cell, artifact, number, calls)

    def _happened(self, cell: Cell, kind: str, facts: Mapping[str, Any]) -> None:
        if self.listen is not None:
            names = {"variant": cell.variant.name, "model": cell.model.name, "dataset": cell.dataset.name}
            self.listen(event(kind, run=self.run.id if self.run else None, **names, **facts))

    def searches(self, cell: Cell) -> list[tuple[Model, Span]]:
        """The calls of its optimizers before the first trial; none where all prompts are known."""
        return [
            (model, Span(calls.low, calls.expected, calls.high))
            for context in _contexts(cell.context)
            if isinstance(each := context.technique, Optimizer) and each.found_before(context) is None
            for model, calls in each.compile_calls(context)
        ]


def _contexts(context: CellContext) -> Iterator[CellContext]:
    """A cell's, and those of the techniques inside its technique."""
    yield context
    for _, part in context.technique.parts():
        yield from _contexts(context.part(part))


def found_in(context: CellContext) -> Iterator[Artifact]:
    """The optimized prompts of a prepared cell: its technique's, and those of techniques inside it."""
    for each in _contexts(context):
        if each.technique.optimizes and "artifact" in each.kept:
            yield each.kept["artifact"]


@dataclass(frozen=True)
class OptimizedCell:
    """A cell whose prompts were found, and where they are kept."""

    label: str
    file: str
    artifacts: tuple[Artifact, ...]


@dataclass
class Optimized:
    """What `optimize` did: the cells it found prompts for, and why it did not for others."""

    cells: list[OptimizedCell]
    stopped: dict[str, str]
    sent_calls: int = 0
    budget_message: str = ""
    interrupted: bool = False
    _ended: bool = False

    def interrupt(self) -> None:
        """Starts no further call."""
        self._ended = True


def optimize_cells(
    plan: Plan,
    home: Path,
    *,
    fresh: bool = False,
    use_cache: bool = True,
    tell: Callable[[str], None] = lambda message: None,
    watch: Callable[[Progress], None] | None = None,
    approve: Callable[[Estimate], None] | None = None,
    listen: Listen | None = None,
) -> Optimized:
    """Finds the prompts of the chosen optimizers. No test sample is asked.

    `watch`, `approve` and `listen` are those of `execute`. Raises UsageError before the first call: nothing
    to optimize, a missing key, a price that a budget needs, a cost that is not approved.
    """
    cells = [cell for cell in plan.chosen if any(cell.variant.technique.optimizers())]
    if not cells:
        names = dict.fromkeys(
            cell.variant.name for cell in plan.cells if any(cell.variant.technique.optimizers())
        )
        raise UsageError(
            "none of the chosen variants is an optimizer's.",
            remedy=f"Optimizers here: {', '.join(names)}." if names else "`promptlab techniques` lists them.",
        )
    progress = Progress(planned=len(cells), unit="prompts")
    reuse = use_cache and not fresh
    place = Workplace(home, None, tell, reuse, progress, listen)
    _check(plan, cells, Workplace(home, None, lambda message: None, reuse), tell, approve)
    if watch is not None:
        watch(progress)
    done = Optimized([], {})

    async def work() -> Optimized:
        client = open_client(
            home,
            plan.spec.name,
            plan.limits(),
            seed=plan.spec.seed,
            tell=tell,
            use_cache=use_cache,
            max_age_s=plan.max_age_s(),
            fresh=fresh,
        )
        try:
            for cell in cells:
                if done._ended:
                    done.interrupted = True
                    break
                cell.context.door = client
                try:
                    await place.prepare(plan, cell, lambda: done._ended)
                except CallError as error:
                    done.stopped[cell.label] = str(error)
                    continue
                progress.finished += 1
                found = tuple(found_in(cell.context))
                files = [str(home / ARTIFACTS / str(each.provenance["hash"])) for each in found]
                done.cells.append(OptimizedCell(cell.label, ", ".join(files), found))
        except BudgetReached as error:
            done.budget_message = str(error)
        except Stopped:
            done.interrupted = True
        finally:
            done.sent_calls = progress.sent_calls = client.stats.sent_calls
            await client.close()
        return done

    def dropped() -> Optimized:
        done.interrupted = True
        return done

    return wait_for(work(), [done], tell, dropped)


def _check(
    plan: Plan,
    cells: Sequence[Cell],
    place: Workplace,
    tell: Callable[[str], None],
    approve: Callable[[Estimate], None] | None,
) -> None:
    """What must be right before the first call, as for a run; then the question what it will cost."""
    for note in plan.notes:
        tell(note)
    plan.check_code()
    plan.check_keys()
    plan.check_prices()
    asked = {name for cell in cells for name in _metrics(cell.context)}
    judges = [each for name, each in plan.scoring.judges.items() if name in asked]
    check_judges(plan.loaded, judges, plan.limits())
    limits = plan.spec.limits
    if limits.budget_usd is not None and limits.budget_usd <= limits.confirm_usd:
        return
    from promptlab.runs.estimating import estimate_searches

    cost = estimate_searches(plan, cells, place)
    if gaps := sorted({cell.why_unknown for cell in cost.cells if cell.why_unknown}):
        tell(f"{'; '.join(gaps)}: what this costs cannot be said")
    if approve is not None and cost.known_usd.expected > limits.confirm_usd:
        approve(cost)


def _metrics(context: CellContext) -> Iterator[str]:
    """The names of the scorers that a cell's optimizers optimize."""
    for each in _contexts(context):
        if isinstance(each.technique, Optimizer) and (metric := each.technique.metric_in(each)) is not None:
            yield metric.name
