"""The experiments that are known: files in the working folder, and what was run from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from promptlab.basics.errors import ExperimentError, StorageError
from promptlab.experiment import load_spec
from promptlab.runs.directory import RunDirectory, all_runs

FOLDER = "experiments"
_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class KnownExperiment:
    """One experiment: its file (None where only a run of it is left), and its latest run.

    `error` is what is wrong with the file; then its `name` is the file's own.
    """

    name: str
    file: Path | None
    run: RunDirectory | None = None
    error: str = ""


def known_experiments(home: Path, folder: Path) -> list[KnownExperiment]:
    """Those in `folder` and `folder/experiments`, then those whose runs name a file elsewhere, or none."""
    runs: dict[str, RunDirectory] = {}
    files: dict[Path, None] = dict.fromkeys(_files(folder))
    for run in all_runs(home):
        try:
            manifest = run.manifest()
        except StorageError:
            continue  # said by whoever opens that run
        runs.setdefault(str(manifest.get("experiment")), run)
        if (file := Path(str(manifest.get("file", "")))).is_file():
            files.setdefault(file)
    found = []
    for path in files:
        stat = path.stat()
        name, error = _name(path, stat.st_mtime_ns, stat.st_size)
        found.append(KnownExperiment(name, path, runs.get(name), error))
    named = {each.name for each in found}
    return found + [KnownExperiment(name, None, run) for name, run in runs.items() if name not in named]


def _files(folder: Path) -> Iterator[Path]:
    for place in (folder, folder / FOLDER):
        if place.is_dir():
            for path in sorted(place.iterdir()):
                if path.suffix in _ENDINGS and path.is_file() and b"variants" in path.read_bytes():
                    yield path.resolve()


@lru_cache(maxsize=512)
def _name(path: Path, mtime_ns: int, size: int) -> tuple[str, str]:
    try:
        return load_spec(path).spec.name, ""
    except ExperimentError as error:
        return path.stem, str(error)
