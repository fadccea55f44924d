"""From a spec to an opened data set: an index that fits is used again, else one is built."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from promptlab.basics.hashing import short_digest
from promptlab.datasets.dataset import Dataset
from promptlab.datasets.index import INDEX_VERSION, IndexBuild
from promptlab.datasets.mapping import SampleMapping
from promptlab.datasets.origins import FileState, Origin, find_origins
from promptlab.datasets.spec import DatasetSpec

_FOLDER = "datasets"


def open_dataset(
    spec: DatasetSpec,
    *,
    folder: Path,
    home: Path,
    seed: int = 0,
    need_train: bool = False,
    need_dev: bool = False,
    may_lack: bool = False,
) -> Dataset:
    """Opens a data set. `folder` is where relative paths begin, `home` is PROMPTLAB_HOME.

    `need_train` and `need_dev` say that some variant reads these splits: they are made where they are
    missing. With `may_lack`, for who only looks at rows, a split stays empty for which there are none; else
    that is an error. The source is read only if it or any of these changed since the index was made.
    Raises ExperimentError with a `field` of the spec ("target", "split.train") for what is wrong with the
    spec or with a row, StorageError where the index cannot be written.
    """
    origins = find_origins(spec, folder)
    mapping = _mapping(spec, origins)
    identity = [
        INDEX_VERSION,
        [origin.identity for origin in origins],
        spec.model_dump(mode="json", exclude={"name"}),
    ]
    index = home / _FOLDER / f"{short_digest([identity, seed, need_train, need_dev, may_lack])}.sqlite"
    stored = _open_if_current(index, spec, mapping, origins)
    if stored is not None:
        return stored
    IndexBuild(spec, origins, mapping, seed, need_train, need_dev, may_lack).write(index)
    return Dataset(index, spec.label, mapping)


def _mapping(spec: DatasetSpec, origins: list[Origin]) -> SampleMapping:
    source = origins[0].source
    target, split_column = spec.target, spec.split.column if spec.split is not None else None
    if source is not None:
        target = target or source.target_column
        names_own_splits = spec.split is not None and spec.split.folds is None and not spec.split.by_amount
        if names_own_splits and split_column is None:
            split_column = source.split_column
    return SampleMapping(spec, target=target, split_column=split_column)


def _open_if_current(
    index: Path, spec: DatasetSpec, mapping: SampleMapping, origins: list[Origin]
) -> Dataset | None:
    """None where there is no index, or it is damaged, of another version, or of files as they were before."""
    if not index.is_file():
        return None
    try:
        dataset = Dataset(index, spec.label, mapping)
    except (sqlite3.Error, ValueError, KeyError, TypeError):
        return None  # built anew
    if dataset.states == [FileState.of(origin.path) for origin in origins if origin.path is not None]:
        return dataset
    dataset.close()
    return None
