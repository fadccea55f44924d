"""Optimized prompts in a run: found before a cell's first trial, kept with the run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import BudgetReached, CallError, StorageError, UsageError
from promptlab.experiment import Cell, Plan
from promptlab.optimizers import Optimizer
from promptlab.optimizers.spending import Stopped
from promptlab.runs.directory import RunDirectory
from promptlab.runs.interrupting import wait_for
from promptlab.runs.opening import open_client
from promptlab.techniques.cell import CellContext
from promptlab.techniques.compiling import Compiling

if TYPE_CHECKING:
    from promptlab.optimizers import Artifact

ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Workplace:
    """Where a command keeps the prompts that it finds, and whom it tells."""

    home: Path
    run: RunDirectory | None
    tell: Callable[[str], None]
    reuse: bool = True

    async def prepare(self, plan: Plan, cell: Cell, stopped: Callable[[], bool]) -> None:
        """Prepares the cell's technique; an optimizer's prompt is found, and kept with the run."""
        context = cell.context
        context.compiling = Compiling(
            self.home / ARTIFACTS, cell.label, self.tell, stopped, plan.limits().rates, self.reuse
        )
        await context.prepare()
        if self.run is not None:
            for number, artifact in enumerate(found_in(context)):
                _keep(self.run, cell, artifact, number)

    def calls_to_search(self, cell: Cell) -> int:
        """The most calls that its optimizers will make before the first trial; 0: all prompts are known."""
        return sum(
            each.budget_calls
            for context in _contexts(cell.context)
            if isinstance(each := context.technique, Optimizer) and each.found_before(context) is None
        )


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


def _keep(run: RunDirectory, cell: Cell, artifact: Artifact, number: int) -> None:
    """A copy with the run, and a line in its manifest: what the comparison says of the search."""
    names = (cell.variant.name, cell.model.name, cell.dataset.name)
    slug = re.sub(r"[^\w.-]+", "-", "-".join(names), flags=re.UNICODE).strip("-.")[:100]
    file = f"{slug}-{cell.hash[:8]}{f'-{number}' if number else ''}.json"
    artifact.write(run.path / ARTIFACTS / file)
    known = run.manifest().get("optimizations", {})
    known[f"{cell.hash}{f'/{number}' if number else ''}"] = {
        "cell": cell.hash,
        "variant": names[0],
        "model": names[1],
        "dataset": names[2],
        "technique": cell.variant.source,
        "file": f"{ARTIFACTS}/{file}",
        "calls": artifact.calls,
        "budget_calls": artifact.provenance.get("budget_calls"),
        "cost_usd": artifact.cost_usd,
        "dev": artifact.score,
        "dev_before": artifact.score_before,
        "ending": artifact.ending,
        "message": artifact.message,
    }
    run.update_manifest(optimizations=known)


def artifacts_of(run: RunDirectory) -> list[dict[str, Any]]:
    """Each optimization of a run as its manifest has it, with the artifact itself. Damaged: StorageError."""
    found = []
    for entry in run.manifest().get("optimizations", {}).values():
        try:
            found.append({**entry, "artifact": orjson.loads((run.path / entry["file"]).read_bytes())})
        except (OSError, orjson.JSONDecodeError) as error:
            raise StorageError(
                f"{run.path / entry['file']} cannot be read: {error}.",
                remedy="A bundle leaves the optimized prompts out; `show RUN TRIAL` has what was sent.",
            ) from error
    return found


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
    plan: Plan, home: Path, *, fresh: bool, use_cache: bool, tell: Callable[[str], None]
) -> Optimized:
    """Finds the prompts of the chosen optimizers. No test sample is asked.

    Raises UsageError before the first call: nothing to optimize, a missing key, a price that a budget needs.
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
    plan.check_code()
    plan.check_keys()
    plan.check_prices()
    done = Optimized([], {})
    place = Workplace(home, None, tell, use_cache and not fresh)

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
                found = tuple(found_in(cell.context))
                files = [str(home / ARTIFACTS / str(each.provenance["hash"])) for each in found]
                done.cells.append(OptimizedCell(cell.label, ", ".join(files), found))
        except BudgetReached as error:
            done.budget_message = str(error)
        except Stopped:
            done.interrupted = True
        finally:
            done.sent_calls = client.stats.sent_calls
            await client.close()
        return done

    def dropped() -> Optimized:
        done.interrupted = True
        return done

    return wait_for(work(), [done], tell, dropped)
