"""A matrix unfolds: each entry that it reaches becomes one entry for every combination of its axes.

What comes out is what a person would have written by hand, entry by entry, so nothing below knows of it.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from promptlab.datasets import DatasetSpec
from promptlab.experiment.axes import LISTS, PROMPTS, Alternative, Axis, read_axes
from promptlab.experiment.exclusions import Exclusion, check_used, leaves_out, read_exclusions
from promptlab.experiment.explaining import Places
from promptlab.experiment.names import NamedEntry, default_names
from promptlab.experiment.spec import Sampling
from promptlab.experiment.yaml_lines import Path_

MAX_COMBINATIONS = 1000

_Combination = tuple[Alternative, ...]


@dataclass(frozen=True)
class Unfolded:
    """What one entry of `list` (`variants`, ...) became, and how many combinations were left out."""

    list: str
    stem: str
    names: tuple[str, ...]
    excluded: int


def unfold_matrix(value: dict[str, Any], places: Places) -> tuple[Unfolded, ...]:
    """Unfolds `value`, an experiment as read, in place; the entries' new places go into `places.moved`."""
    # Places as they are before anything moves: axes and exclusions stand where the file has them.
    file = Places(places.document, dict(places.moved))
    axes: list[Axis] = []
    exclusions: list[Exclusion] = []
    if "matrix" in value:
        matrix = value.pop("matrix")
        axes = read_axes(matrix, file, ("matrix",))
        exclusions = read_exclusions(matrix, file, ("matrix", "exclude"))
    _check_targets(value, axes, file)
    reached: list[Axis] = []
    unfolded: list[Unfolded] = []
    for name in LISTS:
        entries = value.get(name)
        if isinstance(entries, list):
            made = _List(
                name, entries, file, places, [axis for axis in axes if axis.list == name], exclusions
            )
            value[name] = made.unfold()
            unfolded += made.unfolded
            reached += made.reached
    for axis in axes:
        if axis not in reached:
            raise file.error(axis.place, "every variant says that itself, so this changes nothing")
    for exclusion in exclusions:
        check_used(exclusion, reached, file)
    return tuple(unfolded)


def _check_targets(value: dict[str, Any], axes: Sequence[Axis], places: Places) -> None:
    for axis in axes:
        entries = value.get(axis.list)
        size = len(entries) if isinstance(entries, list) else 0
        if not size:
            raise places.error(axis.place, f"there are no {axis.list} in the file that this could vary")
        if axis.number is not None and axis.number >= size:
            raise places.error(
                axis.place,
                f"{axis.list} has {size} entries, counted from 0",
                remedy=f"The last is {size - 1}.",
            )


class _List:
    """One list of the file and what a matrix makes of it."""

    def __init__(
        self,
        name: str,
        entries: list[Any],
        file: Places,
        places: Places,
        axes: list[Axis],
        exclusions: list[Exclusion],
    ) -> None:
        self._name = name
        self._file = file
        self._places = places
        self._axes = axes
        self._exclusions = exclusions
        self._entries = [_long(name, entry) for entry in entries]
        self.unfolded: list[Unfolded] = []
        self.reached: list[Axis] = []

    def unfold(self) -> list[Any]:
        plans = [self._axes_of(index, entry) for index, entry in enumerate(self._entries)]
        self.reached += [axis for axes, _ in plans for axis in axes]
        if not self.reached:
            return self._entries
        bare = [_without(entry, axes) for entry, (axes, _) in zip(self._entries, plans, strict=True)]
        stems = default_names([_named(self._name, entry) for entry in bare])
        result: list[Any] = []
        for index, (entry, stem, (axes, exclusions)) in enumerate(
            zip(self._entries, stems, plans, strict=True)
        ):
            kept, left_out = self._combinations(entry, axes, exclusions)
            if len(result) + len(kept) > MAX_COMBINATIONS:
                raise self._too_many(axes)
            names = []
            for combination in kept:
                path = (self._name, len(result))
                self._move(path, (self._name, index))
                made = self._applied(entry, combination, path, axes)
                if axes:
                    names.append(_name(self._name, stem, made, axes, combination))
                    made["as" if self._name == "scorers" else "name"] = names[-1]
                result.append(made)
            if axes:
                self.unfolded.append(Unfolded(self._name, stem, tuple(names), left_out))
        if not result:
            place = next(each.place for each in self._exclusions if each.used)
            raise self._file.error(place, f"`exclude` leaves no {self._name}")
        return result

    def _axes_of(self, index: int, entry: Any) -> tuple[list[Axis], list[Exclusion]]:
        """The axes that reach an entry, the experiment's before its own, and what is excluded of them."""
        if not isinstance(entry, dict):
            return [], []
        says_prompt = any(key in entry for key in PROMPTS)
        axes = [
            axis
            for axis in self._axes
            if axis.number in (None, index)
            and not (axis.from_task and (says_prompt if axis.path[0] in PROMPTS else axis.path[0] in entry))
        ]
        exclusions = [each for each in self._exclusions if each.entry is None]
        if "matrix" in entry:
            place = (self._name, index, "matrix")
            matrix = entry.pop("matrix")
            axes += read_axes(matrix, self._file, place, own=self._name)
            own = read_exclusions(matrix, self._file, (*place, "exclude"), entry=(self._name, index))
            self._exclusions += own  # checked for use with the others
            exclusions += own
        for later, axis in enumerate(axes):
            for other in axes[:later]:
                if _overlap(axis.path, other.path):
                    raise self._file.error(
                        axis.place, f"{other.key!r} sets that too", remedy="Keep one of them."
                    )
        return axes, exclusions

    def _combinations(
        self, entry: Any, axes: Sequence[Axis], exclusions: Sequence[Exclusion]
    ) -> tuple[list[_Combination], int]:
        count = math.prod(len(axis.alternatives) for axis in axes)
        if count > 100 * MAX_COMBINATIONS:
            raise self._too_many(axes)
        kept = []
        for combination in itertools.product(*(axis.alternatives for axis in axes)) if axes else [()]:
            excluded = [each for each in exclusions if axes and leaves_out(each, entry, axes, combination)]
            for each in excluded:
                each.used = True
            if not excluded:
                kept.append(combination)
        return kept, count - len(kept)

    def _too_many(self, axes: Sequence[Axis]) -> Exception:
        place = axes[-1].place if axes else (self._name,)
        return self._file.error(place, f"the matrix makes more than {MAX_COMBINATIONS:,} {self._name}")

    def _applied(self, entry: Any, combination: _Combination, path: Path_, axes: Sequence[Axis]) -> Any:
        made = copy.deepcopy(entry)
        for axis, alternative in zip(axes, combination, strict=True):
            for field, value, place in alternative.sets:
                for length in range(1, len(field) + 1):
                    if length == len(field) or not self._places.stands((*path, *field[:length])):
                        self._move((*path, *field[:length]), place)
                self._put(made, field, copy.deepcopy(value), axis)
        return made

    def _put(self, entry: dict[str, Any], field: Path_, value: Any, axis: Axis) -> None:
        holder: Any = entry
        for length, part in enumerate(field[:-1], start=1):
            if isinstance(holder, dict):
                holder = holder.setdefault(str(part), {})
            elif isinstance(part, int) and part < len(holder):
                holder = holder[part]
            else:
                raise self._file.error(axis.place, f"there is no entry {part} in that list")
            if not isinstance(holder, (dict, list)):
                told = ".".join(map(str, field[:length]))
                raise self._file.error(
                    axis.place,
                    f"{told!r} is no mapping here, so nothing in it can vary",
                    value=holder,
                    remedy=f"Write `{told}: {{…}}` with its keys.",
                )
        if isinstance(holder, dict):
            holder[str(field[-1])] = value
        elif isinstance(field[-1], int) and field[-1] < len(holder):
            holder[field[-1]] = value
        else:
            raise self._file.error(axis.place, f"there is no entry {field[-1]} in that list")
        if len(field) == 1 and field[0] in PROMPTS:
            for other in PROMPTS:
                if other != field[0]:
                    entry.pop(other, None)  # the matrix replaces the prompt, in whatever form it stood

    def _move(self, path: Path_, place: Path_) -> None:
        self._places.moved[path] = self._file.origin(place)


def _long(name: str, entry: Any) -> Any:
    if isinstance(entry, dict):
        return dict(entry)
    return {LISTS[name][0]: entry} if isinstance(entry, str) and name != "datasets" else entry


def _without(entry: Any, axes: Sequence[Axis]) -> Any:
    """The entry without what its axes set: what its name comes from."""
    bare = copy.deepcopy(entry)
    for axis in axes:
        for alternative in axis.alternatives:
            for field, _, _ in alternative.sets:
                holder = bare
                for part in field[:-1]:
                    holder = holder.get(str(part)) if isinstance(holder, dict) else None
                if isinstance(holder, dict):
                    holder.pop(str(field[-1]), None)
    return bare


def _named(name: str, entry: Any) -> NamedEntry:
    """(given name, base, settings) of an entry as written; the settings are what the spec would call so."""
    if not isinstance(entry, dict):
        return str(entry), "", {}
    given = entry.get("as" if name == "scorers" else "name")
    given = given if isinstance(given, str) else None
    if name == "datasets":
        return given, _dataset_label(entry), {}
    base = str(entry.get(LISTS[name][0], ""))
    apart = {"technique", "name", "system", "prompt", "prompt_file", "messages", "answer_instruction"}
    if name == "models":
        body = entry.get("extra_body")
        settings = {key: entry[key] for key in Sampling.model_fields if entry.get(key) is not None}
        return given, base, {**settings, **(body if isinstance(body, dict) else {})}
    return given, base, {key: each for key, each in entry.items() if key not in apart}


def _dataset_label(entry: dict[str, Any]) -> str:
    try:
        return DatasetSpec.model_validate(entry).label
    except ValidationError:
        return ""  # what is wrong with it is said when the file is checked, at its place


def _name(
    name: str, stem: str, entry: dict[str, Any], axes: Sequence[Axis], combination: _Combination
) -> str:
    """The stem and in brackets a part for every axis; an axis over what names the entry gives the stem."""
    key = "as" if name == "scorers" else "name"
    parts = []
    for axis, alternative in zip(axes, combination, strict=True):
        if key not in entry and axis.path in [(each,) for each in LISTS[name]]:
            stem = alternative.name if alternative.named else _named(name, entry)[1]
        else:
            parts.append(axis.part(alternative))
    return f"{stem}[{', '.join(parts)}]" if parts else stem


def _overlap(one: Path_, other: Path_) -> bool:
    if one[0] in PROMPTS and other[0] in PROMPTS:
        return one[0] != other[0] or one[: len(other)] == other or other[: len(one)] == one
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
