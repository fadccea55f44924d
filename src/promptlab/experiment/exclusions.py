"""What a matrix leaves out: `exclude` lists combinations by the names or values of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from promptlab.basics.registry import did_you_mean
from promptlab.experiment.axes import LISTS, Alternative, Axis
from promptlab.experiment.explaining import Places
from promptlab.experiment.yaml_lines import Path_


@dataclass
class Exclusion:
    """One item of `exclude`: combinations with all of `said` are left out, of `entry` alone if it has one."""

    said: dict[str, Any]
    place: Path_
    entry: Path_ | None = None
    used: bool = False


def read_exclusions(
    matrix: dict[str, Any], places: Places, place: Path_, entry: Path_ | None = None
) -> list[Exclusion]:
    """The `exclude` of a matrix, which stands at `place`."""
    said = matrix.get("exclude", [])
    if not isinstance(said, list) or not all(isinstance(each, dict) and each for each in said):
        raise places.error(
            place,
            "must be a list of combinations",
            value=said,
            remedy="`exclude: [{temperature: 0, prompt: long}]`.",
        )
    return [Exclusion(each, (*place, number), entry) for number, each in enumerate(said)]


def leaves_out(
    exclusion: Exclusion, entry: dict[str, Any], axes: Sequence[Axis], combination: Sequence[Alternative]
) -> bool:
    """Whether that combination of an entry has all that the exclusion says."""
    chosen = {axis.key: alternative for axis, alternative in zip(axes, combination, strict=True)}
    return all(
        chosen[key].is_meant_by(said) if key in chosen else key in _SAID_BY_ENTRY and entry.get(key) == said
        for key, said in exclusion.said.items()
    )


_SAID_BY_ENTRY = ("name", *(field for fields in LISTS.values() for field in fields))


def check_used(exclusion: Exclusion, axes: Sequence[Axis], places: Places) -> None:
    """An exclusion that leaves nothing out is a mistake: an unknown axis, an unknown value, or both apart."""
    if exclusion.used:
        return
    keys = {axis.key for axis in axes}
    for key, said in exclusion.said.items():
        place = (*exclusion.place, key)
        if key not in keys and key not in _SAID_BY_ENTRY:
            raise places.error(
                place, "the matrix has no such axis", value=key, remedy=did_you_mean(key, keys)
            )
        known = [each for axis in axes if axis.key == key for each in axis.alternatives]
        if known and not any(each.is_meant_by(said) for each in known):
            names = [each.name for each in known]
            raise places.error(
                place, f"{key} takes no such value", value=said, remedy=did_you_mean(str(said), names)
            )
    raise places.error(
        exclusion.place,
        "this leaves nothing out: no entry has all of that together",
        remedy="Variants, models and data sets are always crossed; `exclude` speaks of one of them.",
    )
