"""The same content in other clothes: a prompt's parts as plain text, Markdown, YAML or JSON.

After "Does Prompt Formatting Have Any Impact on LLM Performance?" (arXiv 2411.10541): the texts stay as they
are, only what stands around them changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

Format = Literal["plain", "markdown", "yaml", "json"]
# The name of a part and its text, in the order in which they stand.
Part = tuple[str, str]

_PLACE = re.compile(r"\{(\w+)\}")


def rendered(parts: Sequence[Part], form: Format) -> str:
    """The parts that are not empty, in that format. `plain` has no names: texts, a blank line between."""
    kept = [(name, text) for name, text in parts if text]
    if form == "markdown":
        return "\n\n".join(f"## {name.replace('_', ' ').capitalize()}\n\n{text}" for name, text in kept)
    if form == "yaml":
        return "\n".join(f"{name}: |\n{_indented(text)}" for name, text in kept)
    if form == "json":
        return json.dumps(dict(kept), ensure_ascii=False, indent=2)
    return "\n\n".join(text for _, text in kept)


def filled(text: str, **values: str) -> str:
    """`text` with each `{name}` in its place; what the values themselves hold is left alone."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.split("\n"))
