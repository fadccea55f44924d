"""The page docs/techniques.md, made from the code; a test holds the file to it."""

from __future__ import annotations

import inspect
from importlib import resources
from typing import Any

from promptlab.cli.techniques import own_settings
from promptlab.techniques import techniques


def page() -> str:
    """All of it, with a final newline."""
    from promptlab.retrieval import set_names

    found = [(name, cls) for name, cls in techniques if cls.__module__.startswith("promptlab.")]
    rows = [f"| `{name}` | {' | '.join(map(_cell, cls.fidelity))} |" for name, cls in found if cls.fidelity]
    sets = ", ".join(f"`{name}`" for name in set_names())
    sections = [_section(name, cls) for name, cls in found]
    head = (resources.files("promptlab.cli") / "techniques_page.md").read_text(encoding="utf-8")
    return head.replace("{sets}", sets) + "\n".join([*rows, "", *sections])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(name: str, cls: Any) -> str:
    settings = "\n".join(own_settings(cls))
    listed = f"\n```\n{settings}\n```\n" if settings else ""
    return (
        f"## {name}\n\n{inspect.getdoc(cls)}\n{listed}\n```yaml\nvariants:\n  - {cls.example or name}\n```\n"
    )
