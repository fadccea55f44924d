"""What is known of a model before it is asked: context, abilities, and which models a provider has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.models.price_file import read_price_file

# The file's names of abilities, in the words people use.
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_response_schema": "JSON schema",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_audio_input": "audio",
    "supports_pdf_input": "PDF",
    "supports_web_search": "web search",
    "supports_prompt_caching": "prompt caching",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What litellm's price file says of one model; None and "" are unknown."""

    id: str
    mode: str
    context_tokens: int | None
    reply_tokens: int | None
    abilities: tuple[str, ...]
    ends: str
    source: str


def facts_of(model_id: str) -> Facts | None:
    """The facts of a litellm id; None where the file does not know it."""
    provider, _, rest = model_id.partition("/")
    source, entries = read_price_file()
    for name in (model_id, rest):
        entry = entries.get(name)
        if entry is not None and str(entry.get("litellm_provider", "")).startswith(provider):
            return _facts(model_id, entry, source)
    return None


def known_models(provider: str) -> dict[str, Facts]:
    """Every chat model the file knows of a provider, by its id."""
    source, entries = read_price_file()
    found = {}
    for name, entry in entries.items():
        if entry.get("litellm_provider") == provider and entry.get("mode") in ("chat", "responses"):
            id = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
            found[id] = _facts(id, entry, source)
    return dict(sorted(found.items()))


def _facts(id: str, entry: Mapping[str, Any], source: str) -> Facts:
    return Facts(
        id=id,
        mode=str(entry.get("mode", "")),
        context_tokens=_count(entry.get("max_input_tokens")),
        reply_tokens=_count(entry.get("max_output_tokens")),
        abilities=tuple(word for name, word in _ABILITIES.items() if entry.get(name)),
        ends=str(entry.get("deprecation_date", "")),
        source=source,
    )


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) and value > 0 else None
