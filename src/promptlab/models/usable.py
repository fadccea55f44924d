"""What can be used from here: local models, servers on this machine, providers with and without a key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.basics.errors import CallError, CallErrorKind, UsageError
from promptlab.models.catalog import endpoint_at, list_prices_apply, resolve, where
from promptlab.models.facts import facts_of
from promptlab.models.keys import KEY_VARIABLES, find_key
from promptlab.models.pricing import list_price
from promptlab.models.providers import PROVIDERS, Provider
from promptlab.models.request import Model, Price

PROBE_TIMEOUT_S = 0.3
# What endpoints call the context in their lists of models.
_CONTEXT_FIELDS = ("context_length", "max_model_len", "max_context_length", "context_window")


@dataclass(frozen=True, slots=True)
class Server:
    """A server on this machine: the models it offers, or why it cannot be asked."""

    provider: str
    address: str
    models: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A provider and its key: where it was found ("" nowhere), which variables may hold it.

    Without variables it has credentials of another kind, which litellm finds.
    """

    provider: str
    transport: str
    address: str
    key_source: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """One model an endpoint offers. None is unknown."""

    id: str
    context_tokens: int | None
    price: Price | None


def accounts() -> list[Account]:
    """Every provider that wants a key or credentials, those with a key first. Nothing is called."""
    found = []
    for provider in _providers():
        if provider.local_server or provider.name == "openai_like":
            continue
        variables = KEY_VARIABLES.get(provider.name, ())
        key = find_key(variables[0]) if variables else None
        try:
            address = where(resolve(f"{provider.name}/?"))
        except UsageError as error:  # its variable holds no address
            address = str(error)
        source = key.source if key else ""
        found.append(Account(provider.name, provider.transport, address, source, variables))
    return sorted(found, key=lambda each: (not each.key_source, each.provider))


async def servers() -> list[Server]:
    """The servers on this machine, all asked at once, each for PROBE_TIMEOUT_S."""
    return list(await asyncio.gather(*(_probe(each) for each in _providers() if each.local_server)))


async def offers(api_base: str, key_env: str | None = None) -> list[Offer]:
    """What an endpoint offers. Prices are its own words or, at a provider's own address, list prices.

    UsageError: no http address, a named key that is not set. CallError: down, a refused key, no JSON.
    """
    return await offers_at(endpoint_at(api_base, key_env))


async def offers_at(endpoint: Model) -> list[Offer]:
    """The same of an endpoint that was resolved. CallError: down, a refused key, no JSON."""
    from promptlab.models.transports.openai_chat import OpenAIChat

    transport = OpenAIChat()
    try:
        entries = await transport.offered(endpoint)
    finally:
        await transport.close()
    return [_offer(endpoint, each) for each in entries]


async def _probe(provider: Provider) -> Server:
    from promptlab.models.transports.openai_chat import OpenAIChat

    try:
        model = resolve(f"{provider.name}/?", name=provider.name)
    except UsageError as error:
        return Server(provider.name, "", trouble=str(error))
    transport = OpenAIChat()
    try:
        entries = await transport.offered(model, PROBE_TIMEOUT_S)
    except CallError as error:
        down = error.kind in (CallErrorKind.CONNECTION, CallErrorKind.TIMEOUT)
        return Server(provider.name, where(model), trouble="not running" if down else error.message)
    finally:
        await transport.close()
    return Server(provider.name, where(model), tuple(each["id"] for each in entries))


def _providers() -> list[Provider]:
    """Each once, without its aliases."""
    return sorted({each.name: each for each in PROVIDERS.values()}.values(), key=lambda each: each.name)


def _offer(endpoint: Model, entry: Mapping[str, Any]) -> Offer:
    id = f"{endpoint.id.partition('/')[0]}/{entry['id']}"
    context = next((entry[name] for name in _CONTEXT_FIELDS if isinstance(entry.get(name), int)), None)
    price = _own_price(entry.get("pricing"))
    if list_prices_apply(endpoint):
        price = price or list_price(id)
        if context is None and (facts := facts_of(id)):
            context = facts.context_tokens
    return Offer(entry["id"], context, price)


def _own_price(stated: object) -> Price | None:
    """OpenRouter's form, which relays share: USD a token, as text."""
    if not isinstance(stated, Mapping):
        return None
    try:
        read, written = float(stated["prompt"]), float(stated["completion"])
    except (KeyError, TypeError, ValueError):
        return None
    # Negative: it depends on where the request is sent on to.
    return Price(read, written, source="the endpoint's list") if read >= 0 and written >= 0 else None
