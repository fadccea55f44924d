"""From a model's id to where and how it is asked. Reads the environment's *_BASE_URL; sends nothing."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from promptlab.basics.errors import UsageError
from promptlab.basics.hashing import file_digest
from promptlab.basics.registry import did_you_mean
from promptlab.models import weights
from promptlab.models.keys import KEY_VARIABLES, find_key
from promptlab.models.providers import FAMILIES, PROVIDERS, Provider
from promptlab.models.request import Model, Price

DEFAULT_CONTEXT_TOKENS = 2048  # of one slot of a local model
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Where a model's address came from, as `settings` remember it.
_BASE_FROM = "api_base_from"


def resolve(
    id: str,
    *,
    name: str | None = None,
    api_base: str | None = None,
    key_env: str | None = None,
    transport: str | None = None,
    sampling: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    extra_body: Mapping[str, Any] | None = None,
    price: Price | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Model:
    """The model behind a litellm-style id ("openai/gpt-4o-mini", "local/smollm2-135m", "scripted/x.yaml").

    An `api_base` beats the environment's *_BASE_URL, which beats the provider's own address. An id without
    a known provider but with an `api_base` is an OpenAI-compatible relay's, sent as it is written.
    `settings["folder"]` is the experiment's folder, for files; `settings["context"]` the context of a local
    model in tokens. UsageError: unknown provider, address that is none, file that is not there.
    """
    settings = dict(settings or {})
    common: dict[str, Any] = {
        "name": name or id,
        "sampling": dict(sampling or {}),
        "headers": dict(headers or {}),
        "extra_body": dict(extra_body or {}),
        "price": price,
        "settings": settings,
    }
    prefix, _, rest = id.partition("/")
    if prefix in ("local", "scripted"):
        if api_base or not rest:
            raise UsageError(f"model {id!r}: write {prefix}/NAME, without api_base.")
        endpoint = _gguf_endpoint(rest, settings) if prefix == "local" else _script_endpoint(rest, settings)
        return Model(id=id, transport=prefix, endpoint=endpoint, **common)
    provider = PROVIDERS.get(prefix) if rest else None
    if provider is None:
        if not api_base:
            raise _unknown(id, prefix, rest)
        provider, id = PROVIDERS["openai_like"], f"openai_like/{id}"
        key_env = key_env or KEY_VARIABLES["openai"][0]
    transport = _known_transport(transport) or provider.transport
    base, source = _address(provider, api_base)
    if not base:
        if transport != "litellm":
            raise UsageError(f"model {id!r} has no address.", remedy="Add api_base: https://HOST/v1")
        endpoint = provider.api_base or provider.name
    else:
        endpoint = _identity(base)
        if source:
            settings[_BASE_FROM] = source
    if transport == "litellm" and provider.name == "ollama":
        base = base.removesuffix("/v1")  # litellm speaks Ollama's own protocol
    variables = KEY_VARIABLES.get(provider.name, KEY_VARIABLES["openai"] if api_base else ())
    key_env = key_env or (variables[0] if variables else "")
    return Model(id=id, transport=transport, endpoint=endpoint, api_base=base, key_env=key_env, **common)


def where(model: Model) -> str:
    """Where the model is asked, for people: the address without secrets, and what redirected it."""
    source = model.settings.get(_BASE_FROM, "")
    return f"{model.endpoint} (from {source})" if source.isupper() else model.endpoint


def endpoint_at(address: str, key_env: str | None = None) -> Model:
    """The endpoint itself, for asking what it offers: a known provider's where the address is its own.

    A key is sent where there is one; only a named `key_env` must be set. UsageError: no http address.
    """
    model = resolve(f"{provider_at(address)}/?", name="the endpoint", api_base=address, key_env=key_env)
    if key_env:
        check_key(model)
    return model if find_key(model) else replace(model, key_env="")


def provider_at(address: str) -> str:
    """The provider whose own address this is, else `openai_like`. UsageError: no http address."""
    identity = _identity(_clean(address, "api_base", PROVIDERS["openai_like"]))
    owners = (each for each in PROVIDERS.values() if identity in {_identity(base) for base in each.bases()})
    return next((each.name for each in owners), "openai_like")


def provider_of(model: Model) -> Provider | None:
    """The model's provider, None for local and scripted models."""
    return PROVIDERS.get(model.id.partition("/")[0])


def list_prices_apply(model: Model) -> bool:
    """Whether the provider's list prices are those of this endpoint: false for relays and own servers."""
    provider = provider_of(model)
    if provider is None or provider.local_server:
        return False
    if provider.name == "azure":  # every customer has an address of its own there
        return True
    own = {_identity(base) for base in provider.bases()}
    return model.endpoint in own or model.endpoint == provider.name


def key_needed(model: Model) -> bool:
    """Whether asking without a key is pointless: not on one's own servers and networks."""
    provider = provider_of(model)
    if not model.key_env or provider is None or provider.local_server:
        return False
    parts = urlsplit(model.api_base)
    return not (model.api_base and (parts.username or _is_private(parts.hostname or "")))


def check_key(model: Model) -> None:
    """UsageError, naming the variable to set, where a needed key is nowhere."""
    if key_needed(model) and find_key(model) is None:
        raise UsageError(f"model {model.name!r} has no key.", remedy=missing_key_remedy(model))


def missing_key_remedy(model: Model) -> str:
    """What to do about a missing or refused key."""
    if not model.key_env:
        return "Give the model an api_key_env: the name of the variable that holds its key."
    return f"Set {model.key_env} in the environment, in .env or in the system keyring."


def _unknown(id: str, prefix: str, rest: str) -> UsageError:
    if not rest:
        family = next((name for start, name in FAMILIES.items() if id.lower().startswith(start)), None)
        remedy = f"Did you mean '{family}/{id}'?" if family else "Write PROVIDER/MODEL, or add api_base."
        return UsageError(f"model {id!r} names no provider.", remedy=remedy)
    remedy = did_you_mean(prefix, [*PROVIDERS, "local", "scripted"])
    return UsageError(
        f"model {id!r}: unknown provider {prefix!r}.",
        remedy=f"{remedy} For an OpenAI-compatible endpoint add api_base.",
    )


def _known_transport(name: str | None) -> str | None:
    if name is None:
        return None
    from promptlab.models.transports import transports

    names = transports.names()
    if name not in names:
        raise UsageError(f"unknown transport {name!r}.", remedy=did_you_mean(name, names))
    return name


def _address(provider: Provider, api_base: str | None) -> tuple[str, str]:
    """The address to call, and who moved it there: "" (nobody), "api_base", or a variable's name."""
    if api_base:
        return _clean(api_base, "api_base", provider), "api_base"
    for variable in provider.variables():
        if value := os.environ.get(variable, "").strip():
            return _clean(value, variable, provider), variable
    return provider.api_base, ""


def _clean(address: str, origin: str, provider: Provider) -> str:
    address = address.strip()
    if "://" not in address and provider.local_server:
        address = f"http://{address}"  # OLLAMA_HOST is written so
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        remedy = f"Write https://{address}" if "://" not in address else "Write https://HOST/v1"
        # The address may hold a password.
        shown = address.rpartition("@")[2].partition("?")[0]
        raise UsageError(f"{origin} is no http address ({shown!r}).", remedy=f"{remedy}.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    if not path and provider.base_suffix and provider.transport == "openai_chat":
        path = provider.base_suffix
    return parts._replace(path=path, fragment="").geturl()


def _identity(address: str) -> str:
    """An address as part of what a model is: no user info, no query, no default port."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    if parts.port and parts.port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal", ".lan"))
    return address.is_private or address.is_loopback or address.is_link_local


def _gguf_endpoint(name: str, settings: Mapping[str, Any]) -> str:
    if name in weights.BUILT_IN:
        sha256 = weights.BUILT_IN[name].sha256
    else:
        path = weights.locate(name, settings.get("folder"))
        assert path is not None  # only built-in weights may be missing
        sha256 = weights.gguf_digest(path)
    return f"gguf:{sha256}:ctx{context_tokens(settings)}"


def context_tokens(settings: Mapping[str, Any]) -> int:
    """The context of one slot of a local model, as its settings say."""
    given = settings.get("context", DEFAULT_CONTEXT_TOKENS)
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise UsageError(f"context must be a number of tokens ({given!r}).")
    return given


def _script_endpoint(name: str, settings: Mapping[str, Any]) -> str:
    path = script_path(name, settings)
    return f"script:{file_digest(path)}"


def script_path(name: str, settings: Mapping[str, Any]) -> Path:
    """The file behind `scripted/NAME`, relative to the experiment's folder."""
    path = Path(settings.get("folder") or ".", Path(name).expanduser()).resolve()
    if not path.is_file():
        raise UsageError(f"model 'scripted/{name}': there is no file {path}.")
    return path
