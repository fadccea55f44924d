"""`techniques`: what there is, with sources, calls, settings, and an entry for the file that works."""

from __future__ import annotations

import inspect
import shutil
import sys
import textwrap
from typing import Any

import click


@click.command()
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print the page of all techniques, docs/techniques.md.")
def techniques(name: str | None, markdown: bool) -> None:
    """List the techniques, or show one NAME with its settings. NAME may be file.py:Class."""
    from promptlab.techniques import techniques as registry

    if markdown:
        from promptlab.cli.techniques_page import page

        click.echo(page(), nl=False)
    elif name is None:
        _list(registry)
    else:
        _show(name, registry.get(name))


def _list(registry: Any) -> None:
    found = [(each, _first(cls)) for each, cls in registry]
    width = max(len(each) for each, _ in found)
    room = shutil.get_terminal_size().columns - width - 2 if sys.stdout.isatty() else 10_000
    for each, text in found:
        click.echo(f"{each:<{width}}  {textwrap.shorten(text, max(20, room), placeholder=' …')}")


def _show(name: str, cls: Any) -> None:
    click.echo(f"{name}\n\n{inspect.getdoc(cls) or ''}\n\nSettings:")
    click.echo("\n".join(own_settings(cls)) or "  None of its own.")
    shared = shared_settings()
    click.echo(f"Of every technique: {', '.join(shared)}.\n")
    click.echo(f"variants:\n  - {cls.example or name}")
    if cls.fidelity is not None:
        for told, text in zip(
            ("As in the source", "Changed for chat models", "Not in the source"), cls.fidelity, strict=True
        ):
            click.echo(textwrap.fill(f"{told}: {text}.", 100, subsequent_indent="  "))


def _first(cls: Any) -> str:
    text = inspect.getdoc(cls) or ""
    return text.splitlines()[0] if text else ""


def own_settings(cls: Any) -> list[str]:
    """One line a setting; of those that all techniques share, what this one has another default for."""
    from promptlab.cli.catalogue import settings_lines
    from promptlab.techniques import Technique

    shared = Technique.model_fields
    kept = {
        name: info
        for name, info in cls.model_fields.items()
        if name not in shared or info.get_default(call_default_factory=True) != shared[name].default
    }
    return settings_lines(kept)


def shared_settings() -> list[str]:
    """What every technique can be given."""
    from promptlab.techniques import Technique

    return list(Technique.model_fields)
