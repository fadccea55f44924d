"""`scorers` and the like: what there is, with settings and sources."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, Literal, get_args, get_origin

import click

from promptlab.basics.named_file import FileContent


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
    click.echo("\n".join(settings_lines(cls.model_fields)) or "  No settings.")
    where, key = {"source": ("datasets", "generate")}.get(kind, ("scorers", kind))
    click.echo(f"\n{where}:\n  - {name if key == kind else _flow({key: name})}")
    settings = {field: _default(info) for field, info in cls.model_fields.items() if not info.is_required()}
    if settings:
        full = {kind: name, **settings}
        click.echo(f"  - {_flow(full if key == kind else {key: full})}")


def settings_lines(fields: dict[str, Any], indent: str = "  ") -> list[str]:
    """One line a setting: name, type, default; the settings of a setting below it."""
    from pydantic import BaseModel

    lines = []
    for field, info in fields.items():
        nested = isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        nested = nested and not _is_technique(info.annotation)
        default = "required" if info.is_required() else f"default {_flow(_default(info))}"
        kept = "" if nested else f", {default}"
        lines.append(f"{indent}{info.alias or field}: {_type(info.annotation)}{kept}")
        if nested:
            lines += settings_lines(info.annotation.model_fields, f"{indent}  ")
    return lines


def _default(info: Any) -> Any:
    return _plain(info.get_default(call_default_factory=True))


def _plain(value: Any) -> Any:
    from pydantic import BaseModel

    if _is_technique(type(value)):
        return value.registered_name
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    import orjson

    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str) and value.replace("_", "").isalnum():
        return value
    return orjson.dumps(value).decode()


def _type(annotation: Any) -> str:
    """A setting's type in a few words."""
    from pydantic import BaseModel

    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    args = [each for each in get_args(annotation) if each is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is list:
        return f"a list of {_type(args[0])}"
    if args and origin is not dict:
        return " or ".join(map(_type, args))
    if not isinstance(annotation, type):
        return str(annotation).replace("typing.", "")
    if _is_technique(annotation):
        return "a technique"
    if issubclass(annotation, BaseModel):
        return "a mapping"
    return "a file" if annotation is FileContent else annotation.__name__


def _is_technique(cls: Any) -> bool:
    from promptlab.techniques import Technique

    return isinstance(cls, type) and issubclass(cls, Technique)
