"""What a call costs: usage times price. Unknown is None, never 0."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from promptlab.models.catalog import list_prices_apply
from promptlab.models.limits import Rate
from promptlab.models.price_file import read_price_file
from promptlab.models.request import Model, Price, Usage

# Dearer prices for long prompts, which a Price does not hold.
_TIER = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_FREE = Price(input=0.0, output=0.0, source="runs on this machine")


def cost_of(usage: Usage, price: Price | None) -> float | None:
    """The cost of one reply in the price's currency; None where a price or a count it needs is unknown.

    Cached prompt tokens cost `cached_input` (else as much as others), reasoning tokens `reasoning` (else
    as much as other output).
    """
    if price is None or (
        price.up_to_prompt_tokens is not None and (usage.prompt_tokens or 0) > price.up_to_prompt_tokens
    ):
        return None
    cached = min(usage.cached_tokens, usage.prompt_tokens or 0)
    reasoning = min(usage.reasoning_tokens, usage.completion_tokens or 0)
    parts = (
        _part(usage.prompt_tokens, cached, price.input, price.cached_input),
        _part(usage.completion_tokens, reasoning, price.output, price.reasoning),
    )
    total = price.request
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _part(tokens: int | None, special: int, price: float | None, special_price: float | None) -> float | None:
    if price == 0.0 and not special_price:
        return 0.0
    if tokens is None or price is None:
        return None
    return (tokens - special) * price + special * (price if special_price is None else special_price)


def in_usd(cost: float | None, currency: str, rates: Mapping[str, Rate]) -> float | None:
    """The cost in US dollars at the experiment's own rates; None without one."""
    if cost is None or currency.upper() == "USD":
        return cost
    if cost == 0.0:
        return 0.0
    rate = rates.get(currency.upper())
    return None if rate is None else cost * rate.usd


def price_gap(price: Price | None, rates: Mapping[str, Rate]) -> str:
    """Why a price says nothing in US dollars, to be read after "the price of NAME"; "" where it does."""
    if price is None or price.input is None or price.output is None:
        return "is unknown"
    if not is_free(price) and in_usd(1.0, price.currency, rates) is None:
        return f"is in {price.currency}, which has no rate"
    return ""


def is_free(price: Price | None) -> bool:
    """Whether it is known to be 0."""
    return price is not None and price.input == price.output == price.request == 0


def price_of(model: Model) -> Price | None:
    """The model's price: the experiment's own, 0 on this machine, else the provider's list price.

    List prices do not apply behind a custom api_base. None: unknown.
    """
    if model.price is not None:
        return model.price
    if model.transport in ("local", "scripted"):
        return _FREE
    return list_price(model.id) if list_prices_apply(model) else None


def list_price(model_id: str) -> Price | None:
    """The list price of a litellm model id, from the price file litellm ships (litellm is not imported)."""
    provider, _, rest = model_id.partition("/")
    prices = _list_prices()
    return prices.get((provider, model_id)) or prices.get((provider, rest))


@functools.cache
def _list_prices() -> Mapping[tuple[str, str], Price]:
    """Prices by provider and name. Read on the first question only; no file, no list prices."""
    source, entries = read_price_file()
    prices: dict[tuple[str, str], Price] = {}
    for name, entry in entries.items():
        price = _price(entry, source)
        if price is not None:
            prices[entry.get("litellm_provider", ""), name] = price
    return prices


def _price(entry: Mapping[str, Any], source: str) -> Price | None:
    limits = [int(match[1]) * 1000 for name in entry if (match := _TIER.fullmatch(name))]
    tiers = entry.get("tiered_pricing")
    if isinstance(tiers, list) and tiers and "range" in tiers[0]:
        entry = tiers[0]
        limits = [int(entry["range"][1])]
    read, written = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if not read and not written:  # the file writes 0 also for what it does not know
        return None
    return Price(
        input=read,
        output=written,
        cached_input=entry.get("cache_read_input_token_cost"),
        reasoning=entry.get("output_cost_per_reasoning_token"),
        request=entry.get("input_cost_per_request") or 0.0,
        source=source,
        up_to_prompt_tokens=min(limits, default=None),
    )
