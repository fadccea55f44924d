"""Variants and their names: a row of the comparison, resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import file_digest
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets import AnswerType, PromptMessage, Task
from promptlab.experiment.explaining import explain
from promptlab.experiment.loading import Loaded
from promptlab.experiment.names import NamedEntry, default_names
from promptlab.experiment.spec import ExperimentSpec, TaskSpec, VariantSpec
from promptlab.experiment.unfolding import VARIANT_KEYS
from promptlab.experiment.yaml_lines import Path_
from promptlab.techniques import Technique, techniques


@dataclass(frozen=True)
class Variant:
    """A named technique with its settings, the task it asks, and the sampling it sets.

    `places` says where in the file each of the task's templates stands, for messages about them.
    """

    name: str
    technique: Technique
    task: Task
    sampling: Mapping[str, Any]
    source: str
    places: tuple[Path_, ...]
    path: Path_

    def identity(self, task: Task) -> dict[str, Any]:
        """What makes this variant another one in a trial's identity. Its name is not in it."""
        return {
            **self.technique.identity(),
            "technique": self.source,
            "sampling": dict(self.sampling),
            "messages": [[part.role, part.source] for part in task.messages],
            "instruction": task.answer_instruction,
            "answer": task.answer.value,
            "labels": list(task.labels),
        }


def resolve_variants(loaded: Loaded) -> list[Variant]:
    """Every variant of the file with its technique built and its templates parsed."""
    names = unique_names(loaded, "variants", named_entries(loaded.spec))
    return [
        resolve_variant(loaded, each, name, ("variants", index))
        for index, (each, name) in enumerate(zip(loaded.spec.variants, names, strict=True))
    ]


def named_entries(spec: ExperimentSpec) -> list[NamedEntry]:
    """What the variants' names are made of."""
    return [(each.name, each.technique, {**each.given(), **each.settings}) for each in spec.variants]


def resolve_variant(loaded: Loaded, each: VariantSpec, name: str, path: Path_) -> Variant:
    """One variant whose entry stands at `path`. ExperimentError for the first mistake in it."""
    try:
        cls = techniques.get(each.technique, folder=loaded.folder)
    except UsageError as error:
        where = (*path, "technique") if loaded.places.stands((*path, "technique")) else path
        raise loaded.error(where, error.message.rstrip("."), remedy=error.remedy) from error
    try:
        built = cls.model_validate(each.settings, context={"folder": loaded.folder})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise explain(detail, loaded.places, path, cls, {*VARIANT_KEYS, "matrix"}) from None
    task, places = _task(loaded, each, path)
    source = each.technique
    if ".py:" in source:
        file_name, _, class_name = source.rpartition(":")
        source = f"{class_name}@{file_digest(loaded.folder / file_name)}"
    return Variant(name, built, task, each.given(), source, places, path)


def _task(loaded: Loaded, variant: VariantSpec, path: Path_) -> tuple[Task, tuple[Path_, ...]]:
    """The task as this variant asks it: what the variant says replaces what the task says."""
    base = loaded.spec.task
    own = any(value is not None for value in (variant.prompt, variant.prompt_file, variant.messages))
    chosen: TaskSpec | VariantSpec = variant if own else base
    where: Path_ = path if own else ("task",)
    system = base.system
    system_place: Path_ = ("task", "system")
    if variant.system is not None:
        system, system_place = variant.system, (*path, "system")
    parts: list[PromptMessage] = []
    places: list[Path_] = []
    if system:
        parts.append(PromptMessage("system", system))
        places.append(system_place)
    for message, place in _messages(loaded, chosen, where):
        parts.append(message)
        places.append(place)
    if parts[-1].role != "user":
        raise loaded.error(places[-1], f"the last message must be the user's, not the {parts[-1].role}'s")
    instruction = base.answer_instruction
    if variant.answer_instruction is not None:
        instruction = variant.answer_instruction
    for part, place in zip(parts, places, strict=True):
        _parsed(loaded, part.source, place)
    _parsed(loaded, instruction, ("task", "answer_instruction"))
    return Task(tuple(parts), AnswerType(base.answer), instruction, tuple(base.labels or ())), tuple(places)


def _messages(
    loaded: Loaded, chosen: TaskSpec | VariantSpec, where: Path_
) -> list[tuple[PromptMessage, Path_]]:
    given = [key for key in ("prompt", "prompt_file", "messages") if getattr(chosen, key) is not None]
    if len(given) != 1:
        problem = "needs one of `prompt`, `prompt_file` and `messages`"
        raise loaded.error(where, problem if not given else f"{problem}, not {' and '.join(given)}")
    place = (*where, given[0])
    if chosen.prompt is not None:
        return [(PromptMessage("user", chosen.prompt), place)]
    if chosen.prompt_file is not None:
        return [(PromptMessage("user", _prompt_file(loaded, chosen.prompt_file, place)), place)]
    messages = chosen.messages or []
    if not messages:
        raise loaded.error(place, "needs at least one message")
    return [(PromptMessage(each.role, each.content), (*place, index)) for index, each in enumerate(messages)]


def _prompt_file(loaded: Loaded, name: str, place: Path_) -> str:
    path = loaded.folder / name
    try:
        return path.read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise loaded.error(place, f"the prompt file cannot be read: {reason}", value=name) from error


def _parsed(loaded: Loaded, source: str, place: Path_) -> None:
    try:
        template(source)
    except TemplateError as error:
        raise loaded.error(place, error.message, value=source, remedy=error.remedy) from error


def unique_names(loaded: Loaded, key: str, entries: Sequence[NamedEntry]) -> list[str]:
    """The name of each entry of the list `key`. Equal names are an error at the second one."""
    names = default_names(entries)
    for index, name in enumerate(names):
        if not name.strip():
            raise loaded.error((key, index, "name"), "a name cannot be empty")
        if name in names[:index]:
            place: Path_ = (
                (key, index, "name") if loaded.places.stands((key, index, "name")) else (key, index)
            )
            first = loaded.places.line((key, names.index(name)))
            raise loaded.error(
                place,
                f"two {key} are named {name!r} (the first in line {first})",
                remedy="Give each its own `name:`.",
            )
    return names
