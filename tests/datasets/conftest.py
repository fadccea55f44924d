"""Real files in a folder of their own, and a home for the indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from promptlab.datasets import Dataset, DatasetSpec, open_dataset

_OF_THE_CALL = ("seed", "need_train", "need_dev", "may_lack")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def opened(folder: Path, home: Path) -> Iterator[Callable[..., Dataset]]:
    """Opens a data set from the keys of its spec; `seed`, needs and `folder` go to the call."""
    made: list[Dataset] = []

    def open_it(**keys: Any) -> Dataset:
        call = {name: keys.pop(name) for name in _OF_THE_CALL if name in keys}
        where = keys.pop("folder", folder)
        made.append(open_dataset(DatasetSpec(**keys), folder=where, home=home, **call))
        return made[-1]

    yield open_it
    for dataset in made:
        dataset.close()
