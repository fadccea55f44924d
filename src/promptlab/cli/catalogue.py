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

    _show(registry, "technique", name)


@click.command()
@click.argument("name", required=False)
def scorers(name: str | None) -> None:
    """List the scorers, or show one NAME with its settings."""
    from promptlab.scoring import scorers as registry

    _show(registry, "scorer", name)


def _show(registry: Any, kind: str, name: str | None) -> None:
    if name is None:
        found = [(each, inspect.getdoc(cls) or "") for each, cls in registry]
        width = max(len(each) for each, _ in found)
        for each, text in found:
            click.echo(f"{each:<{width}}  {text.splitlines()[0] if text else ''}")
        return
    cls = registry.get(name)
    click.echo(f"{name}\n\n{inspect.getdoc(cls) or ''}\n")
    if not cls.model_fields:
        click.echo("No settings.")
    for field, info in cls.model_fields.items():
        default = "required" if info.is_required() else f"default {_default(info)}"
        click.echo(f"  {field}: {_type(info.annotation)}, {default}")
    click.echo(f"\n{kind}s:\n  - {name}")
    settings = {field: _default(info) for field, info in cls.model_fields.items() if not info.is_required()}
    if settings:
        told = ", ".join(f"{field}: {value}" for field, value in settings.items())
        click.echo(f"  - {{{kind}: {name}, {told}}}".replace("techniques:", "variants:"))


def _default(info: Any) -> str:
    import orjson

    value = info.get_default(call_default_factory=True)
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", exclude_none=True)
    return orjson.dumps(value).decode()


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return text.replace("typing.", "").replace("Literal", "one of ")
