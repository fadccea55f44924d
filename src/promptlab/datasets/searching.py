"""Samples whose text holds something: their positions, so that a page of them can be read."""

from __future__ import annotations

from typing import Any

from promptlab.datasets.dataset import Dataset
from promptlab.datasets.sample import Sample, SplitName


def find_positions(dataset: Dataset, split: SplitName, text: str) -> list[int]:
    """Where in the split the samples stand whose id, inputs, choices or target hold `text`, in any case.

    Reads the split once; memory does not grow with its samples.
    """
    wanted = text.casefold()
    return [
        position
        for position, sample in enumerate(dataset.samples(split))
        if any(wanted in part.casefold() for part in _texts(sample))
    ]


def _texts(sample: Sample) -> list[str]:
    return [sample.id, *map(_text, sample.inputs.values()), *sample.choices, *sample.targets]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
