"""Optimized prompts kept with a run: each beside its cell's trials, with every call of its search."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import StorageError
from promptlab.runs.directory import RunDirectory
from promptlab.runs.reading import RunReader

if TYPE_CHECKING:
    from promptlab.experiment import Cell
    from promptlab.optimizers import Artifact

ARTIFACTS = "artifacts"
OPTIMIZATIONS = "optimizations"  # in the manifest: what the comparison says of each search


@dataclass(frozen=True)
class KeptPrompt:
    """One optimization: its key and entry in the manifest; the artifact's JSON, None where it is gone."""

    key: str
    entry: Mapping[str, Any]
    artifact: Mapping[str, Any] | None
    path: Path
    calls_path: Path

    def calls(self) -> Iterator[dict[str, Any]]:
        """The search's calls in order; none where they were not kept."""
        if not self.calls_path.is_file():
            return
        with self.calls_path.open("rb") as lines:
            for line in lines:
                yield _read(line, self.calls_path)


def keep(run: RunDirectory, cell: Cell, artifact: Artifact, number: int, calls: Path) -> None:
    """A copy of the artifact and its calls with the run, and an entry in its manifest."""
    key = f"{cell.hash}{f'/{number}' if number else ''}"
    entry = {
        "cell": cell.hash,
        "variant": cell.variant.name,
        "model": cell.model.name,
        "dataset": cell.dataset.name,
        "technique": cell.variant.source,
        **ended_as(artifact),
    }
    path, calls_path = places(run, key, entry)
    artifact.write(path)
    if calls.is_file():
        shutil.copyfile(calls, calls_path)
    known = run.manifest().get(OPTIMIZATIONS, {})
    run.update_manifest(**{OPTIMIZATIONS: {**known, key: {**entry, "file": f"{ARTIFACTS}/{path.name}"}}})


def ended_as(artifact: Artifact) -> dict[str, Any]:
    """What a search came to, as the manifest and the events have it."""
    return {
        "calls": artifact.calls,
        "budget_calls": artifact.provenance.get("budget_calls"),
        "cost_usd": artifact.cost_usd,
        "dev": artifact.score,
        "dev_before": artifact.score_before,
        "ending": artifact.ending,
        "message": artifact.message,
    }


def places(run: RunDirectory, key: str, entry: Mapping[str, Any]) -> tuple[Path, Path]:
    """Where an artifact and its calls lie. A manifest may be somebody else's: no path in it is followed."""
    names = "-".join(str(entry[each]) for each in ("variant", "model", "dataset"))
    slug = re.sub(r"[^\w.-]+", "-", names, flags=re.UNICODE).strip("-.")[:100]
    digest, _, number = re.sub(r"[^0-9a-f/]", "", key).partition("/")
    name = f"{slug}-{digest[:8]}{f'-{number}' if number else ''}"
    return run.path / ARTIFACTS / f"{name}.json", run.path / ARTIFACTS / f"{name}.calls.jsonl"


def kept_prompts(run: RunDirectory) -> list[KeptPrompt]:
    """The optimizations of the run's current cells, in their order. StorageError: one is damaged."""
    with RunReader(run) as reader:
        order = {row["hash"]: number for number, row in enumerate(reader.cells())}
    found = []
    for key, entry in run.manifest().get(OPTIMIZATIONS, {}).items():
        if entry["cell"] in order:
            path, calls = places(run, key, entry)
            artifact = _read(path.read_bytes(), path) if path.is_file() else None
            found.append(KeptPrompt(key, entry, artifact, path, calls))
    return sorted(found, key=lambda each: (order[each.entry["cell"]], each.key))


def _read(text: bytes, path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise StorageError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise StorageError(f"{path} cannot be read: it holds no JSON object.")
    return found
