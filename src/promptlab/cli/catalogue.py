"""`techniques` and `scorers`: what there is, with settings and sources."""

from __future__ import annotations

import inspect
from typing import Any

import click


@click.command()
@click.argument("name", required=False)
def techniques(name: str | None) -> None:
    """List the techniques, or show one NAME with its settings."""
    from promptlab.techniques import techniques as registry

    show(registry, "technique", name)


@click.command()
@click.argument("name", required=False)
def scorers(name: str | None) -> None:
    """List the scorers, or show one NAME with its settings."""
    from promptlab.scoring import scorers as registry

    show(registry, "scorer", name)


def show(registry: Any, kind: str, name: str | None) -> None:
    """Lists a registry, or one of its classes with its settings and how an experiment file names it."""
    if name is None:
        found = [(each, inspect.getdoc(cls) or "") for each, cls in registry]
        width = max(len(each) for each, _ in found)
        for each, text in found:
            click.echo(f"{each:<{width}}  {text.splitlines()[0] if text else ''}")
        return
    cls = registry.get(name)
    click.echo(f"{name}\n\n{inspect.getdoc(cls) or ''}\n")
    click.echo("\n".join(_settings(cls)) or "  No settings.")
    where, key = {"technique": ("variants", kind), "source": ("datasets", "generate")}.get(
        kind, ("scorers", kind)
    )
    click.echo(f"\n{where}:\n  - {name if key == kind else _flow({key: name})}")
    settings = {field: _default(info) for field, info in cls.model_fields.items() if not info.is_required()}
    if settings:
        full = {kind: name, **settings}
        click.echo(f"  - {_flow(full if key == kind else {key: full})}")


def _settings(cls: Any, indent: str = "  ") -> list[str]:
    """One line a setting: name, type, default; the settings of a setting below it."""
    from pydantic import BaseModel

    lines = []
    for field, info in cls.model_fields.items():
        nested = isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        default = "required" if info.is_required() else f"default {_flow(_default(info))}"
        lines.append(
            f"{indent}{info.alias or field}: {'a mapping' if nested else _type(info.annotation)}, {default}"
        )
        if nested:
            lines += _settings(info.annotation, f"{indent}  ")
    return lines


def _default(info: Any) -> Any:
    value = info.get_default(call_default_factory=True)
    return value.model_dump(mode="json", exclude_none=True) if hasattr(value, "model_dump") else value


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    import orjson

    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str) and value.replace("_", "").isalnum():
        return value
    return orjson.dumps(value).decode()


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return text.replace("typing.", "").replace("Literal", "one of ")
