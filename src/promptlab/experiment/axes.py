"""The axes of a matrix as the file writes them: a field, and the values it is to take under their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.explaining import Places
from promptlab.experiment.spec import ExperimentSpec, ModelSpec, VariantSpec
from promptlab.experiment.yaml_lines import Path_

SHORT_TEXT_CHARS = 40  # a longer text needs a name of its own
PROMPTS = ("prompt", "prompt_file", "messages")
_OF_A_VARIANT = (*PROMPTS, "system", "answer_instruction")  # what a variant may say in the task's place

# The lists of the file a matrix reaches, and the fields that an entry without `name` is called after.
LISTS: Mapping[str, tuple[str, ...]] = {
    "datasets": ("path", "generate"),
    "models": ("id",),
    "variants": ("technique",),
    "scorers": ("scorer",),
}


@dataclass(frozen=True)
class Alternative:
    """One value of an axis: what it sets (path within the entry, value, place in the file), and its name."""

    name: str
    named: bool
    value: Any
    sets: tuple[tuple[Path_, Any, Path_], ...]

    def is_meant_by(self, said: Any) -> bool:
        """Whether `exclude` means this one, by name or by value. True is not 1."""
        return said == self.name or (
            said == self.value and isinstance(said, bool) == isinstance(self.value, bool)
        )


@dataclass(frozen=True)
class Axis:
    """A field and its alternatives. `number` is one entry's place in its list, None means all of them.

    `from_task` marks a field of the task: variants that say it themselves are not asked differently.
    """

    key: str
    list: str
    number: int | None
    path: Path_
    alternatives: tuple[Alternative, ...]
    place: Path_
    from_task: bool = False

    @property
    def told(self) -> str:
        return ".".join(map(str, self.path))

    def part(self, alternative: Alternative) -> str:
        """What stands in the brackets of a name."""
        return alternative.name if alternative.named else f"{self.told}={alternative.name}"


def read_axes(matrix: Any, places: Places, place: Path_, own: str | None = None) -> list[Axis]:
    """The axes of a `matrix:` at that place; `own` names the list whose entry it stands in, if any."""
    if not isinstance(matrix, dict):
        raise places.error(
            place,
            "must be a mapping of fields to their values",
            value=matrix,
            remedy="`temperature: [0, 1]`.",
        )
    axes = []
    for key, values in matrix.items():
        where = (*place, key)
        if key == "exclude":
            continue
        if key == "include":
            raise places.error(
                where, "a matrix has no `include`", remedy="Write that combination as an entry of its own."
            )
        if own is not None:
            target, number, path, from_task = own, None, _path(key), False
        else:
            target, number, path, from_task = _target(key, places, where)
        if path[0] in ("name", "as", "matrix"):
            raise places.error(where, f"{path[0]!r} cannot vary: the matrix makes the names")
        axes.append(
            Axis(key, target, number, path, _alternatives(values, path, places, where), where, from_task)
        )
    if not axes:
        raise places.error(place, "the matrix names no field", remedy="`matrix: {temperature: [0, 1]}`.")
    return axes


def _path(key: str) -> Path_:
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


def _target(key: str, places: Places, where: Path_) -> tuple[str, int | None, Path_, bool]:
    """What a key of the experiment's matrix reaches: the list, the entry, the path in it, and the task."""
    head, *rest = _path(key)
    if head == "dataset":
        head = "datasets"
    if head == "task" and rest:
        if rest[0] not in _OF_A_VARIANT:
            raise places.error(
                where, f"{key} is the same for all variants, so it cannot vary", remedy=_SPLIT_UP
            )
        return "variants", None, tuple(rest), True
    if head in LISTS:
        number = rest.pop(0) if rest and isinstance(rest[0], int) else None
        if not rest:
            example = f"{key}.{LISTS[str(head)][0]}"
            raise places.error(where, "name a field of it", remedy=f"For example `{example}`.")
        return str(head), number if isinstance(number, int) else None, tuple(rest), False
    if head in VariantSpec.model_fields and head not in ExperimentSpec.model_fields:
        return "variants", None, (head, *rest), False
    if head == "seed":
        remedy = (
            "`variants.seed` is what the provider is sent; the experiment's own seed holds for all cells."
        )
        raise places.error(where, "say which seed", remedy=remedy)
    if head in ExperimentSpec.model_fields:
        raise places.error(
            where, f"{head!r} holds for the whole experiment, so it cannot vary", remedy=_SPLIT_UP
        )
    if head in ModelSpec.model_fields:
        raise places.error(where, f"{head!r} is a field of models", remedy=f"Write `models.{key}`.")
    return "variants", None, (head, *rest), False


_SPLIT_UP = "Write a second file: `promptlab compare A.yaml B.yaml` takes several."


def _alternatives(values: Any, path: Path_, places: Places, where: Path_) -> tuple[Alternative, ...]:
    found: list[Alternative] = []
    if isinstance(values, dict):
        for name, value in values.items():
            found.append(Alternative(name, True, value, ((path, value, (*where, name)),)))
    elif isinstance(values, list):
        for number, item in enumerate(values):
            found.append(_listed(item, path, places, (*where, number)))
    if not found:
        raise places.error(
            where,
            "an axis is a mapping of names to values, or a list of values",
            value=values,
            remedy="`{cold: 0, warm: 1}` or `[0, 1]`.",
        )
    for number, each in enumerate(found):
        if not each.name.strip():
            raise places.error(each.sets[0][2], "a name cannot be empty")
        if any(each.name == other.name for other in found[:number]):
            raise places.error(
                each.sets[0][2], f"the axis has {each.name!r} twice", remedy="Remove one of them."
            )
    return tuple(found)


def _listed(item: Any, path: Path_, places: Places, where: Path_) -> Alternative:
    """A plain value, or `{name: N, value: V}`, or `{name: N, FIELD: V, ...}` with what is set together.

    Fields are set together where the axis' own field is among them; else they are that field's value.
    """
    if not isinstance(item, dict):
        return Alternative(_plain_name(item, places, where), False, item, ((path, item, where),))
    rest = {key: value for key, value in item.items() if key != "name"}
    name = item.get("name")
    if not isinstance(name, str):
        raise _needs_name(item, places, where)
    if rest.keys() == {"value"}:
        return Alternative(name, True, rest["value"], ((path, rest["value"], (*where, "value")),))
    if path[-1] in rest:
        sets = tuple(((*path[:-1], key), value, (*where, key)) for key, value in rest.items())
        return Alternative(name, True, rest[str(path[-1])], sets)
    return Alternative(name, True, rest, ((path, rest, where),))


def _plain_name(value: Any, places: Places, where: Path_) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str) and len(value) <= SHORT_TEXT_CHARS and "\n" not in value and "{{" not in value:
        return value
    raise _needs_name(value, places, where)


def _needs_name(value: Any, places: Places, where: Path_) -> ExperimentError:
    return places.error(
        where,
        "this value needs a name",
        value=value,
        remedy="Write `{name: short, value: …}`, or `{short: …}`.",
    )
