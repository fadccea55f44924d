"""The run that an experiment goes on with, and what its directory says of the experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from promptlab.basics.files import write_atomically
from promptlab.experiment import Plan
from promptlab.runs.directory import EXPERIMENT, RunDirectory, RunLock, latest_run, new_run
from promptlab.runs.store import RunStore

Facts = Mapping[str, Any]


def claim(
    plan: Plan, home: Path, facts: Facts, *, fresh: bool, tell: Callable[[str], None]
) -> tuple[RunDirectory, RunLock]:
    """The run to work on, locked. A run another live process works on is left to it."""
    known = None if fresh else latest_run(home, plan.spec.name)
    if known is not None:
        lock = known.lock()
        if lock is not None:
            return known, lock
        tell(f"another process works on run {known.id}: starting a run of its own, fed from the shared cache")
    return new_run(home, facts)


def note(run: RunDirectory, plan: Plan, facts: Facts, **more: Any) -> None:
    """Writes down what the experiment file says now."""
    write_atomically(run.path / EXPERIMENT, plan.loaded.text.encode())
    run.update_manifest(**facts, **more)


def extension(run: RunDirectory, plan: Plan, store: RunStore, cells: dict[str, int]) -> dict[str, Any]:
    """Kept where cells of a complete run, whose results could be seen, now get more trials."""
    known = run.manifest()
    before = after = 0
    for cell in plan.chosen if known.get("status") == "complete" else ():
        finished = store.count_finished({cells[cell.hash]: plan.samples_in(cell.dataset)}, plan.spec.repeats)
        if 0 < finished < plan.trials_in(cell):
            before, after = before + finished, after + plan.trials_in(cell)
    if not before:
        return {}
    grown = {"at": time.time(), "from": before, "to": after}
    return {"extended": [*known.get("extended", []), grown]}


def differs(run: RunDirectory, plan: Plan, facts: Facts) -> bool:
    """Whether the file or its data say something else than what is written down."""
    path, manifest = run.path / EXPERIMENT, run.manifest()
    same_text = path.is_file() and path.read_bytes() == plan.loaded.text.encode()
    known = ("datasets", "sources", "folder", "own_code", "promptlab")
    return not same_text or any(manifest.get(each) != facts[each] for each in known)
