"""Optimized prompts in a run: found before a cell's first trial, kept with the run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import StorageError
from promptlab.experiment import Cell, Plan
from promptlab.runs.directory import RunDirectory
from promptlab.techniques.context import CellContext, Compiling

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


def found_in(context: CellContext) -> Iterator[Artifact]:
    """The optimized prompts of a prepared cell: its technique's, and those of techniques inside it."""
    if "artifact" in context.kept and context.technique.optimizes:
        yield context.kept["artifact"]
    for _, part in context.technique.parts():
        yield from found_in(context.part(part))


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
            raise StorageError(f"{run.path / entry['file']} cannot be read: {error}.") from error
    return found
