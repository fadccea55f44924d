"""How often samples were looked at by hand: what a later comparison on them must say."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import orjson

from promptlab.basics.errors import StorageError
from promptlab.datasets import Sample, SplitName

LOOKS = Path("playground", "looks.jsonl")


@dataclass(frozen=True, slots=True)
class Looks:
    """(sample's id, hash of its content) → how often it was shown."""

    times: Counter[tuple[str, str]]

    @property
    def total(self) -> int:
        return self.times.total()


def count_look(home: Path, dataset: str, split: SplitName, sample: Sample) -> None:
    """Notes that a sample was shown, from whatever split: what is dev here may be test in an experiment."""
    row = {
        "at": time.time(),
        "dataset": dataset,
        "split": split,
        "sample": sample.id,
        "content": sample.content,
    }
    path = home / LOOKS
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab") as stream:  # one short line: processes do not mix theirs
            stream.write(orjson.dumps(row) + b"\n")
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}.", remedy="A look that is not counted is not given."
        ) from error


def read_looks(home: Path, split: SplitName | None = None) -> Looks:
    """All of that home, or those at rows that were of that split. A line that is cut short does not count."""
    times: Counter[tuple[str, str]] = Counter()
    try:
        lines = (home / LOOKS).read_bytes().splitlines()
    except FileNotFoundError:
        return Looks(times)
    for line in lines:
        try:
            row = orjson.loads(line)
            if split in (None, row["split"]):
                times[row["sample"], row["content"]] += 1
        except (ValueError, KeyError, TypeError):
            continue
    return Looks(times)
