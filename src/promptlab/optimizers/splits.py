"""What an optimizer is given of the data: train and dev, and nothing that leads to a test sample."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from promptlab.basics.hashing import digest
from promptlab.datasets import Dataset, Sample, Task
from promptlab.datasets.sample import SplitName


@dataclass(frozen=True)
class Splits:
    """Rows with a target, each question in one split only. `notices` say what was taken out, and why."""

    train: tuple[Sample, ...]
    dev: tuple[Sample, ...]
    notices: tuple[str, ...] = ()

    def identity(self) -> dict[str, str]:
        """The hashes of both, part of the identity of what is made from them."""
        return {
            "train": digest([[each.id, each.content] for each in self.train]),
            "dev": digest([[each.id, each.content] for each in self.dev]),
        }


_known: WeakKeyDictionary[Dataset, dict[Task, Splits]] = WeakKeyDictionary()


def clean_splits(dataset: Dataset, task: Task) -> Splits:
    """Train and dev without the rows that ask what a test row asks, train without those of dev.

    Two rows are the same question if the task's prompt reads the same for both, but for case and spaces.
    """
    found = _known.setdefault(dataset, {})
    if task not in found:
        found[task] = _cleaned(dataset, task)
    return found[task]


def _cleaned(dataset: Dataset, task: Task) -> Splits:
    known = {_asked(sample, task) for sample in dataset.samples("test")}
    notices: list[str] = []

    def kept(split: SplitName, others: str) -> tuple[Sample, ...]:
        rows = [(sample, _asked(sample, task)) for sample in dataset.samples(split)]
        unknown = [(sample, asked) for sample, asked in rows if asked not in known]
        if len(unknown) < len(rows):
            count = len(rows) - len(unknown)
            rows_are = "row asks" if count == 1 else "rows ask"
            notices.append(f"{count} {split} {rows_are} what {others} asks, left out of optimization")
        known.update(asked for _, asked in unknown)
        return tuple(sample for sample, _ in unknown if sample.targets)

    dev = kept("dev", "a test row")
    train = kept("train", "a test or dev row")
    return Splits(train, dev, tuple(notices))


def _asked(sample: Sample, task: Task) -> bytes:
    asked = sample.question()
    inputs = {key: _plain(each) if isinstance(each, str) else each for key, each in asked.inputs.items()}
    text = "\n".join(content for _, content in task.render(replace(asked, inputs=inputs)))
    return hashlib.sha256(_plain(text).encode("utf-8", "surrogatepass")).digest()


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
