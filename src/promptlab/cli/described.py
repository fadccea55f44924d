"""What is known of one model, before it is asked."""

from __future__ import annotations

from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.models import Model, resolve
from promptlab.models.catalog import context_tokens, key_needed, list_prices_apply, where
from promptlab.models.facts import facts_of, known_models
from promptlab.models.gguf import read_shape
from promptlab.models.keys import find_key
from promptlab.models.pricing import price_of
from promptlab.models.providers import FAMILIES, PROVIDERS
from promptlab.models.weights import BUILT_IN, locate


def described_model(
    name: str, api_base: str | None, key_env: str | None, *, commands: list[str]
) -> dict[str, Any]:
    """Everything known of a model id; unknown is None or "". UsageError: no such model, with the nearest.

    `commands` are further words that may have been meant.
    """
    if "/" not in name and not api_base:
        _check_word(name, commands)
    model = resolve(name, api_base=api_base, key_env=key_env)
    facts = facts_of(model.id)
    if facts is None and list_prices_apply(model):
        _check_known(model)
    key = find_key(model)
    described: dict[str, Any] = {
        "model": model.id,
        "transport": model.transport,
        "endpoint": where(model),
        "key": key.source
        if key
        else (f"set {model.key_env}" if key_needed(model) else "no key needed" if model.api_base else ""),
        "context": facts.context_tokens if facts else None,
        "price": price_of(model),
        "abilities": facts.abilities if facts else (),
        "deprecated": facts.ends if facts else "",
        "source": facts.source if facts else "",
    }
    return described | (_weights(model) if model.transport == "local" else {})


def _check_word(name: str, commands: list[str]) -> None:
    """UsageError for a word that is neither a command nor the beginning of a known model's name."""
    if not name.lower().startswith(tuple(FAMILIES)):
        names = [*commands, *PROVIDERS]
        raise UsageError(f"{name!r} is no model, provider or command.", remedy=did_you_mean(name, names))


def _check_known(model: Model) -> None:
    """UsageError with the nearest names, where the provider's models are known, but not this one."""
    known = known_models(model.id.partition("/")[0])
    if known:
        raise UsageError(
            f"nothing is known of a model {model.id!r}.",
            remedy=f"{did_you_mean(model.id, known)} Whether it answers: promptlab models test {model.id}",
        )


def _weights(model: Model) -> dict[str, Any]:
    path = locate(model.wire_name)
    shape = read_shape(path) if path else None
    known = BUILT_IN.get(model.wire_name)
    trained = f", trained with {shape.trained_context_tokens:,}" if shape else ""
    return {
        "context": context_tokens(model.settings),
        "key": "no key needed",
        "weights": str(path) if path else f"not here: promptlab models pull {model.wire_name}",
        "settings": f"context: tokens of one request{trained}",
        "languages": known.languages if known else "",
        "licence": known.licence if known else "",
    }
