"""What differs between the specs of two runs: models, prompts, settings, scorers. Not the numbers."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

_MISSING = "not set"
_SHORT_CHARS = 40
# What only says where and when a run was made.
_SILENT = ("train", "dev", "dataset")


@dataclass(frozen=True, slots=True)
class SpecChange:
    """`place` ("variant zero_shot: prompt") said `before` in the first run and `after` in run `label`."""

    label: str
    place: str
    before: str
    after: str

    def lines(self) -> list[str]:
        """`before → after`, or for prompts and long texts the lines that differ, with - and +."""
        is_text = self.place.endswith((": prompt", ": instruction")) or "\n" in self.before + self.after
        if not is_text and max(len(self.before), len(self.after)) <= _SHORT_CHARS:
            return [f"{self.before} → {self.after}"]
        found = difflib.unified_diff(self.before.split("\n"), self.after.split("\n"), n=0, lineterm="")
        return [f"{line[0]} {line[1:]}" for line in list(found)[2:] if not line.startswith("@@")]

    def to_json(self) -> dict[str, str]:
        return {"run": self.label, "place": self.place, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A run's manifest, its cells' specs, and its scorers' specs by their columns."""

    manifest: Mapping[str, Any]
    cells: tuple[Mapping[str, Any], ...]
    scorers: Mapping[str, str]

    @classmethod
    def of(
        cls, manifest: Mapping[str, Any], cells: Sequence[sqlite3.Row], scorers: Mapping[str, str]
    ) -> RunSpec:
        rows = tuple(
            {"variant": row["variant"], "model": row["model"], "spec": orjson.loads(row["spec"])}
            for row in cells
        )
        return cls(manifest, rows, scorers)

    def variants(self) -> dict[str, Mapping[str, Any]]:
        return {row["variant"]: row["spec"]["variant"] for row in reversed(self.cells)}

    def models(self) -> dict[str, Mapping[str, Any]]:
        return {row["model"]: row["spec"]["model"] for row in reversed(self.cells)}


def counterparts(first: Sequence[str], other: Sequence[str]) -> dict[str, str]:
    """Names of `other` → those of `first` they stand for: equal ones, else the only one left on each side."""
    found = {name: name for name in other if name in first}
    left_first = [name for name in first if name not in other]
    left_other = [name for name in other if name not in first]
    if len(left_first) == len(left_other) == 1:
        found[left_other[0]] = left_first[0]
    return found


def spec_changes(first: RunSpec, other: RunSpec, label: str) -> Iterator[SpecChange]:
    """Everything that `other` says differently, in the order model, variant, scorer, rest."""
    for kind in ("model", "variant"):
        one, two = (
            (first.models(), other.models()) if kind == "model" else (first.variants(), other.variants())
        )
        same = counterparts(list(one), list(two))
        found: dict[tuple[str, str, str], list[str]] = {}
        for name, before in same.items():
            if name != before:
                yield SpecChange(label, f"{kind} name", before, name)
            for change in _differing(one[before], two[name]):
                found.setdefault(change, []).append(name)
        for (place, a, b), names in found.items():  # a prompt of the task changes in every variant
            yield SpecChange(
                label, f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names)}: {place}", a, b
            )
        for name in one:
            if name not in same.values():
                yield SpecChange(label, f"{kind} {name}", "there", "gone")
        for name in two:
            if name not in same:
                yield SpecChange(label, f"{kind} {name}", "not there", "new")
    for name in first.scorers:
        if name in other.scorers:
            specs = orjson.loads(first.scorers[name]), orjson.loads(other.scorers[name])
            for place, a, b in _differing(*specs):
                yield SpecChange(label, f"scorer {name}: {place}", a, b)
    for key, unsaid in (("seed", None), ("repeats", None), ("vary", ["completion"]), ("promptlab", None)):
        said, says = first.manifest.get(key, unsaid), other.manifest.get(key, unsaid)
        if said != says:
            yield SpecChange(label, key, _text(said), _text(says))


def _differing(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    a, b = dict(_flat(one)), dict(_flat(two))
    for place in [*a, *(each for each in b if each not in a)]:
        if a.get(place, _MISSING) != b.get(place, _MISSING):
            yield place, a.get(place, _MISSING), b.get(place, _MISSING)


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        if key in _SILENT and not prefix:
            continue
        if key == "messages" and not prefix:
            yield "prompt", "\n".join(f"[{role}] {text}" for role, text in each)
        elif isinstance(each, Mapping):
            yield from _flat(each, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(each)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
