"""Endpoints that somebody added: where each one is, which variable holds its key, what it offers.

They are kept in PROMPTLAB_HOME/endpoints.json. A key never stands there: only the name of its variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import orjson

from promptlab.basics.errors import StorageError, UsageError
from promptlab.basics.files import write_atomically
from promptlab.basics.registry import did_you_mean
from promptlab.models.catalog import check_key, list_prices_apply, provider_at, resolve
from promptlab.models.keys import find_key
from promptlab.models.price_list import ListedPrice
from promptlab.models.request import Model
from promptlab.models.usable import Offer, offers_at

FILE = "endpoints.json"
_VERSION = 1
# A variable's name is short; what is longer was pasted by mistake and may be a key.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NAME_CHARS = 80


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A relay or a server: `name` is what people call it, `models` the ids it was last seen to offer.

    `key_env` names the variable of its key, "" where it wants none. `prices` are those of its models, as
    they were listed. UsageError for what cannot be one: no http address, a login in the address, a variable
    that is no name.
    """

    name: str
    api_base: str
    key_env: str = ""
    models: tuple[str, ...] = ()
    prices: Mapping[str, ListedPrice] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > _NAME_CHARS or not self.name.isprintable():
            raise UsageError(f"an endpoint needs a name of 1 to {_NAME_CHARS} characters.")
        if self.key_env and not VARIABLE.fullmatch(self.key_env):
            raise UsageError(  # what stands there is not repeated: it may be the key itself
                "this is no name of a variable.",
                remedy="Name the variable, as in RELAY_KEY; the key itself is typed elsewhere.",
            )
        address = self.asked().api_base
        if urlsplit(address).username or urlsplit(address).password or urlsplit(address).query:
            raise UsageError(
                "the address holds a login or a query, which may be a secret.",
                remedy="Write https://HOST/v1 and put the key into a variable.",
            )

    def asked(self) -> Model:
        """The endpoint itself, for asking what it offers."""
        found = resolve(self.id("?"), name=self.name, api_base=self.api_base)
        return replace(found, key_env=self.key_env)

    def id(self, model: str) -> str:
        """The id of one of its models in an experiment file: `openai_like/qwen-plus`."""
        return f"{provider_at(self.api_base)}/{model}"

    def model(self, model: str, **given: Any) -> Model:
        """One of its models, ready to be asked; `given` goes to `resolve` (name, sampling, settings, …)."""
        listed = self.prices.get(model)
        found = resolve(
            self.id(model),
            api_base=self.api_base,
            key_env=self.key_env or None,
            price=listed.price() if listed else None,
            **{"name": model, **given},
        )
        return replace(found, key_env=self.key_env)

    def entry(self, model: str) -> dict[str, Any]:
        """One of its models as it stands under `models:` of an experiment file."""
        listed = self.prices.get(model)
        return {
            "id": self.id(model),
            "api_base": self.api_base,
            **({"api_key_env": self.key_env} if self.key_env else {}),
            **({"price": listed.entry()} if listed else {}),
        }

    @property
    def has_list_prices(self) -> bool:
        """Whether it is a provider's own address, where the provider's list prices hold."""
        return list_prices_apply(self.asked())


def load(home: Path) -> list[Endpoint]:
    """The endpoints that were added, by name. StorageError where the file is damaged."""
    path = home / FILE
    try:
        stored = orjson.loads(path.read_bytes())
        return [_endpoint(each) for each in stored["endpoints"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
        raise StorageError(
            f"{path} cannot be read: {error}.", remedy="Mend it, or move it away and add the endpoints anew."
        ) from error


def save(home: Path, endpoints: Iterable[Endpoint]) -> None:
    """Writes all of them. UsageError for two of one name."""
    rows = sorted(endpoints, key=lambda each: each.name)
    for before, after in pairwise(rows):
        if before.name == after.name:
            raise UsageError(f"there is an endpoint {after.name!r} already.", remedy="Give another name.")
    stored = {"version": _VERSION, "endpoints": [_stored(each) for each in rows]}
    write_atomically(home / FILE, orjson.dumps(stored, option=orjson.OPT_INDENT_2))


def keep(home: Path, endpoint: Endpoint) -> None:
    """Adds one, or replaces that of its name."""
    save(home, [*(each for each in load(home) if each.name != endpoint.name), endpoint])


def remove(home: Path, name: str) -> None:
    """Takes one away; its key stays where it is. UsageError: there is none."""
    found = named(home, name)
    save(home, [each for each in load(home) if each.name != found.name])


def named(home: Path, name: str) -> Endpoint:
    """The endpoint of that name. UsageError with the nearest."""
    known = {each.name: each for each in load(home)}
    if name not in known:
        raise UsageError(f"no endpoint is named {name!r}.", remedy=did_you_mean(name, known))
    return known[name]


async def offered(endpoint: Endpoint) -> list[Offer]:
    """What it offers now (/v1/models). UsageError: its key is nowhere. CallError: down, refused, no JSON."""
    asked = endpoint.asked()
    check_key(asked)
    return await offers_at(asked if find_key(asked) else replace(asked, key_env=""))


def _stored(endpoint: Endpoint) -> dict[str, Any]:
    prices = {
        model: {**asdict(each), "amounts": dict(each.amounts)} for model, each in endpoint.prices.items()
    }
    return {
        "name": endpoint.name,
        "api_base": endpoint.api_base,
        "key_env": endpoint.key_env,
        "models": list(endpoint.models),
        "prices": prices,
    }


def _endpoint(stored: Mapping[str, Any]) -> Endpoint:
    prices = {str(model): ListedPrice(**each) for model, each in stored.get("prices", {}).items()}
    return Endpoint(
        stored["name"],
        stored["api_base"],
        stored.get("key_env", ""),
        tuple(map(str, stored.get("models", ()))),
        MappingProxyType(prices),
    )
