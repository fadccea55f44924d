"""Rows to fill a prompt's variables with: the data sets in reach, and a place in one of them."""

from __future__ import annotations

import itertools
import os
import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.datasets import (
    AnswerType,
    Dataset,
    DatasetSpec,
    Question,
    Sample,
    SplitName,
    open_dataset,
)
from promptlab.datasets.guessing import guess_columns, guess_reading
from promptlab.datasets.profile import profile_columns, read_rows
from promptlab.datasets.spec import COPIED_KINDS, TEXT_KINDS, own_split_name
from promptlab.experiment import Loaded, load_spec

# Where experiments and data lie in a project, as the examples do.
EXPERIMENTS = (".", "experiments")
DATA = (".", "datasets", "data")
EXPERIMENT_KINDS = frozenset({".yaml", ".yml"})
GUESSED_ROWS = 2000
MOST_FILES = 200


@dataclass(frozen=True)
class RowSource:
    """A data set to take rows from: an experiment's own (`experiment`), or a file whose columns were guessed.

    `entry` is what stands, or would stand, under `datasets:`; paths in it begin at `folder`.
    """

    label: str
    entry: Mapping[str, Any]
    folder: Path
    seed: int = 0
    experiment: Loaded | None = None
    answer: AnswerType = AnswerType.TEXT
    labels: tuple[str, ...] = ()

    @property
    def has_target(self) -> bool:
        """Whether answers can be scored: generated data always say what is right."""
        return bool(self.entry.get("target")) or "generate" in self.entry

    def open(self, home: Path) -> Dataset:
        """With train and dev splits, where rows can be had for them. ExperimentError as usual."""
        spec = DatasetSpec.model_validate(dict(self.entry))
        return open_dataset(
            spec,
            folder=self.folder,
            home=home,
            seed=self.seed,
            need_train=True,
            need_dev=True,
            may_lack=True,
        )

    def entry_at(self, folder: Path) -> dict[str, Any]:
        """The entry for an experiment file in `folder`: its paths begin there."""

        def moved(path: str) -> str:
            whole = (self.folder / Path(path).expanduser()).resolve()
            return Path(os.path.relpath(whole, folder.resolve())).as_posix()

        path = self.entry.get("path")
        if isinstance(path, str):
            return {**self.entry, "path": moved(path)}
        if isinstance(path, Mapping):
            return {**self.entry, "path": {name: moved(each) for name, each in path.items()}}
        return dict(self.entry)


def row_sources(folder: Path) -> list[RowSource]:
    """What lies in a project: the data sets of its experiment files, then data files that none of them names.

    Files that cannot be read are passed over: they are told where they are opened.
    """
    found = list(_of_experiments(folder))
    known = {_place(each) for each in found}
    for path in _files(folder, DATA, {**TEXT_KINDS, **COPIED_KINDS}):
        if path.resolve() in known:
            continue
        with suppress(UsageError, OSError, ValueError):
            found.append(_guessed(path))
    return found


def row_source(name: str, *, target: str = "") -> RowSource:
    """The data set of that name: `FILE`, whose columns are guessed, `EXP.yaml` or `EXP.yaml#DATASET`.

    `target` says which column of a file is right. UsageError where nothing is there or several are,
    ExperimentError for what is wrong with an experiment file.
    """
    place, _, wanted = (name, "", "") if Path(name).exists() else name.partition("#")
    path = Path(place).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no file {place}.", remedy="Name a data file or an experiment.")
    if path.suffix.lower() not in EXPERIMENT_KINDS:
        return _guessed(path, target)
    if target:
        raise UsageError(f"{path} says itself what its target is.", remedy="Change it there.")
    loaded = load_spec(path)
    labels = [data.label for data in loaded.spec.datasets]
    named = dict(zip(labels, _of_experiment(loaded), strict=True))
    if wanted in named:
        return named[wanted]
    if wanted or len(named) > 1:
        raise UsageError(
            f"{path} has no data set {wanted!r}." if wanted else f"{path} has {len(named)} data sets.",
            remedy=f"Name one: {', '.join(f'{place}#{each}' for each in named)}.",
        )
    return next(iter(named.values()))


def _of_experiments(folder: Path) -> Iterator[RowSource]:
    for path in _files(folder, EXPERIMENTS, EXPERIMENT_KINDS):
        with suppress(ExperimentError):
            yield from _of_experiment(load_spec(path))


def _of_experiment(loaded: Loaded) -> Iterator[RowSource]:
    spec = loaded.spec
    for data in spec.datasets:
        yield RowSource(
            f"{data.label} ({loaded.path.name})",
            data.model_dump(mode="json", exclude_unset=True),
            loaded.folder,
            spec.seed,
            loaded,
            AnswerType(spec.task.answer),
            tuple(spec.task.labels or ()),
        )


def _guessed(path: Path, target: str = "") -> RowSource:
    entry: dict[str, Any] = {"path": path.name, **guess_reading(path)}
    spec = DatasetSpec.model_validate({**entry, "limit": GUESSED_ROWS})
    columns = profile_columns(itertools.islice(read_rows(spec, path.parent), GUESSED_ROWS))
    if not columns:
        raise UsageError(f"{path} has no rows.")
    names = [each.name for each in columns]
    if target and target not in names:
        raise UsageError(
            f"{path} has no column {target!r}.",
            remedy=did_you_mean(target, names),
        )
    guess = guess_columns(columns, target=target or None)
    if guess.target:
        entry["target"] = guess.target
    for name in ("id", "rationale", "choices"):
        if value := getattr(guess, name):
            entry[name] = value
    split = next((each for each in columns if each.name == guess.split_column), None)
    if split is not None and all(own_split_name(str(each)) for each in split.examples):
        entry["split"] = {"column": split.name}
    return RowSource(path.name, entry, path.parent, answer=guess.answer, labels=tuple(guess.labels))


def _files(folder: Path, places: Sequence[str], endings: Any) -> list[Path]:
    found = [
        path
        for place in places
        if (folder / place).is_dir()
        for path in sorted((folder / place).iterdir())
        if path.suffix.lower() in endings and path.is_file()
    ]
    return found[:MOST_FILES]


def _place(source: RowSource) -> Path | None:
    path = source.entry.get("path")
    return (source.folder / path).resolve() if isinstance(path, str) else None


@dataclass
class Cursor:
    """A place in one split of a data set. Moving past an end comes back at the other."""

    dataset: Dataset
    split: SplitName
    position: int = 0
    rng: random.Random = field(default_factory=random.Random)

    @property
    def size(self) -> int:
        return self.dataset.sizes[self.split]

    def sample(self) -> Sample | None:
        """The sample there; None where the split is empty."""
        return self.dataset.sample(self.split, self.position % self.size) if self.size else None

    def move(self, steps: int) -> None:
        """So many rows on; negative: back."""
        if self.size:
            self.position = (self.position + steps) % self.size

    def jump(self) -> None:
        """To another row by chance."""
        if self.size > 1:
            self.position = (self.position + self.rng.randrange(1, self.size)) % self.size


def row_values(sample: Sample, names: Iterable[str]) -> dict[str, str]:
    """What a row gives to variables of these names."""
    return {name: str(sample.inputs[name]) for name in names if name in sample.inputs}


def question_with(values: Mapping[str, str], sample: Sample | None = None) -> Question:
    """The row itself where these values are all its own, else what was typed by hand."""
    if sample is not None and row_values(sample, values) == dict(values):
        return sample.question()
    return Question("typed by hand", dict(values))


def typed_rows(values: Mapping[str, Any]) -> Dataset:
    """One row typed by hand, as a data set: techniques work on it as on any other. Close it when done."""
    with tempfile.TemporaryDirectory(prefix="promptlab-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "typed.jsonl").write_bytes(orjson.dumps({"typed": "", **values}) + b"\n")
        spec = DatasetSpec(path="typed.jsonl", name="typed by hand")
        return open_dataset(spec, folder=Path(folder), home=Path(folder))
