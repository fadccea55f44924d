"""Names of variants and models where the file gives none: the base, plus what sets an entry apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NamedEntry = tuple[str | None, str, Mapping[str, Any]]
"""(given name, base, settings)."""


def default_names(entries: Sequence[NamedEntry]) -> list[str]:
    """The name of each entry: given, or the base plus the settings that differ from another of that base."""
    flat = [_flatten(settings) for _, _, settings in entries]
    names: list[str] = []
    for index, (given, base, _) in enumerate(entries):
        if given is not None:
            names.append(given)
            continue
        others = [flat[i] for i, (_, other, _) in enumerate(entries) if other == base and i != index]
        differing = {
            name: value for name, value in flat[index].items() if any(o.get(name) != value for o in others)
        }
        told = ", ".join(f"{name}={value}" for name, value in differing.items())
        names.append(f"{base}({told})" if told else base)
    return names


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
