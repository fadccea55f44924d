"""A run is a directory: its files, its manifest, the lock of the process that works on it."""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.files import FileLock, write_atomically
from promptlab.basics.process import Owner, this_process
from promptlab.basics.registry import did_you_mean

if TYPE_CHECKING:
    from promptlab.experiment import Plan

STORE = "run.sqlite"
MANIFEST = "manifest.json"
EXPERIMENT = "experiment.yaml"
LOCK = "lock"
WORKER = "worker.json"
# In the manifest of a run that was unpacked from somebody's bundle.
FROM_BUNDLE = "from_bundle"


@dataclass(frozen=True)
class RunDirectory:
    """One run under `PROMPTLAB_HOME/runs/`, or anywhere else."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def store(self) -> Path:
        return self.path / STORE

    def manifest(self) -> dict[str, Any]:
        """What was written down at the last start. StorageError where it cannot be read."""
        try:
            loaded: dict[str, Any] = orjson.loads((self.path / MANIFEST).read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise StorageError(
                f"run {self.id}: {self.path / MANIFEST} cannot be read: {error}.",
                remedy="Start a new run with --fresh; paid answers come from the cache.",
            ) from error
        return loaded

    def update_manifest(self, **values: Any) -> None:
        known = self.manifest() if (self.path / MANIFEST).exists() else {}
        text = orjson.dumps({**known, **values}, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        write_atomically(self.path / MANIFEST, text)

    def lock(self) -> RunLock | None:
        """The lock, held; None where another live process holds it."""
        lock = FileLock.acquire(self.path / LOCK)
        return None if lock is None else RunLock(lock, self.path / WORKER)

    def worker(self) -> Owner | None:
        """The living process that holds the lock, as far as this machine knows. Asking takes no lock."""
        return read_process(self.path / WORKER)


class RunLock:
    """A run's lock, with a note beside it that says whose it is."""

    def __init__(self, lock: FileLock, note: Path) -> None:
        self._lock = lock
        self._note = note
        note.write_bytes(note_of(this_process()))

    def release(self) -> None:
        self._note.unlink(missing_ok=True)
        self._lock.release()


def note_of(process: Owner) -> bytes:
    """What `read_process` reads."""
    return orjson.dumps(asdict(process))


def read_process(path: Path) -> Owner | None:
    """The process that a note names, if it lives; None where there is no note, or not yet a whole one."""
    try:
        found = Owner(**orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.is_alive() else None


def runs_folder(home: Path) -> Path:
    return home / "runs"


def all_runs(home: Path) -> Iterator[RunDirectory]:
    """Every run under `home`, the newest first."""
    folder = runs_folder(home)
    if not folder.is_dir():
        return
    found = [RunDirectory(path) for path in folder.iterdir() if (path / MANIFEST).is_file()]
    yield from sorted(found, key=_age, reverse=True)


def _age(run: RunDirectory) -> tuple[int, float, str]:
    """By number, since the clock may have been set back between two runs."""
    manifest = run.manifest()
    return int(manifest.get("number", 0)), float(manifest.get("created", 0.0)), run.id


def latest_run(home: Path, name: str) -> RunDirectory | None:
    """The newest run of the experiment of that name."""
    return next((run for run in all_runs(home) if run.manifest().get("experiment") == name), None)


def find_run(home: Path, wanted: str) -> RunDirectory:
    """A run by id, unique prefix, path, or experiment's name (its latest)."""
    path = Path(wanted)
    if (path / MANIFEST).is_file():
        return RunDirectory(path.resolve())
    runs = list(all_runs(home))
    exact = [run for run in runs if run.id == wanted]
    named = [run for run in runs if run.manifest().get("experiment") == wanted]
    starting = [run for run in runs if run.id.startswith(wanted)] if wanted else []
    if exact or named:
        return (exact or named)[0]
    if len(starting) == 1:
        return starting[0]
    if starting:
        shown = ", ".join(run.id for run in starting[:5])
        raise UsageError(f"{wanted!r} starts several runs: {shown}.", remedy="Give more of the id.")
    names = {run.id for run in runs} | {str(run.manifest().get("experiment")) for run in runs}
    raise UsageError(f"there is no run {wanted!r} in {home}.", remedy=did_you_mean(wanted, names))


def new_run(home: Path, facts: Mapping[str, Any]) -> tuple[RunDirectory, RunLock]:
    """A directory for a run of which those `facts` hold (`describe`), after all others, and its lock."""
    last = next((run.manifest().get("number", 0) for run in all_runs(home)), 0)
    slug = re.sub(r"[^\w.-]+", "-", facts["experiment"], flags=re.UNICODE).strip("-.")[:60] or "run"
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime())
    path = runs_folder(home) / f"{slug}-{stamp}-{secrets.token_hex(2)}"
    try:
        path.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise UsageError(
            f"cannot create {path}: {error.strerror}.",
            remedy="Set PROMPTLAB_HOME to a folder you can write to.",
        ) from error
    run = RunDirectory(path)
    # Locked before its manifest is there: until then no other process knows of it.
    lock = run.lock()
    if lock is None:
        raise StorageError(
            f"{path} cannot be locked.", remedy="Set PROMPTLAB_HOME to a folder on a disk of this machine."
        )
    run.update_manifest(**facts, number=last + 1, created=time.time(), status="running")
    return run, lock


def describe(plan: Plan) -> dict[str, Any]:
    """The manifest of a run: what a reader must know to trust or repeat it. No key, no user info."""
    from promptlab.basics.version import VERSION

    models = {cell.model.name: cell.model for cell in plan.cells}
    return {
        "promptlab": VERSION,
        "experiment": plan.spec.name,
        "seed": plan.spec.seed,
        "repeats": plan.spec.repeats,
        "vary": list(plan.spec.vary),
        "datasets": {
            dataset.name: {"hash": dataset.hash, "sizes": dict(dataset.sizes), "notes": list(dataset.notes)}
            for dataset in plan.datasets
        },
        "models": {
            name: {"id": model.id, "endpoint": model.endpoint, "sampling": dict(model.sampling)}
            for name, model in models.items()
        },
        "variants": list(dict.fromkeys(cell.variant.name for cell in plan.cells)),
        "scoring": {
            "shown": list(plan.scoring.shown),
            "strict": plan.scoring.strict,
            "extracted": plan.scoring.extracted,
            "primary": plan.scoring.primary,
            "baseline": plan.scoring.baseline,
            "min_effect": plan.scoring.min_effect,
            "breakdown": list(plan.spec.breakdown),
        },
        "sandbox": _sandbox(plan),
        # What `unchanged` asks for: the data files, and whether anything is not promptlab's own.
        "folder": str(plan.loaded.folder),
        "file": str(plan.loaded.path),
        "sources": [list(state) for dataset in plan.datasets for state in dataset.states],
        "own_code": all(
            type(each).__module__.startswith("promptlab.")
            for each in (
                *(cell.variant.technique for cell in plan.cells),
                *plan.scoring.scorers.values(),
            )
        ),
        "git": _git_revision(plan.loaded.folder),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
    }


def _sandbox(plan: Plan) -> dict[str, Any] | None:
    """How programs are confined here; None where the experiment runs none."""
    if not plan.runs_code:
        return None
    from promptlab.sandbox import confinement

    found = confinement()
    return {
        "allow_unsafe_code": plan.spec.allow_unsafe_code,
        "confined": found.confined,
        "layers": list(found.layers),
        "gap": found.gap,
    }


def _git_revision(folder: Path) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    told = subprocess.run(
        [git, "-C", os.fspath(folder), "describe", "--always", "--dirty", "--abbrev=40"],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return told.stdout.strip() or None
