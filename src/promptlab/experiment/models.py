"""The models of an experiment file, resolved to endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from promptlab.basics.errors import UsageError
from promptlab.experiment.loading import Loaded, expand_variables
from promptlab.experiment.names import NamedEntry
from promptlab.experiment.spec import ExperimentSpec, ModelSpec, PriceSpec
from promptlab.experiment.variants import unique_names
from promptlab.experiment.yaml_lines import Path_
from promptlab.models import Limits, Model, Price, resolve
from promptlab.models.catalog import key_needed, missing_key_remedy
from promptlab.models.keys import find_key
from promptlab.models.pricing import price_gap, price_of


def resolve_models(loaded: Loaded) -> list[Model]:
    """Every model of the file with its endpoint. Nothing is called, no key is read."""
    return [
        resolve_model(loaded, each, name, ("models", index))
        for index, (each, name) in enumerate(zip(loaded.spec.models, _names(loaded), strict=True))
    ]


def _names(loaded: Loaded) -> list[str]:
    return unique_names(loaded, "models", named_entries(loaded.spec))


def named_entries(spec: ExperimentSpec) -> list[NamedEntry]:
    """What the models' names are made of."""
    return [(each.name, each.id, {**each.given(), **each.extra_body}) for each in spec.models]


def resolve_model(loaded: Loaded, each: ModelSpec, name: str, path: Path_) -> Model:
    """One entry that stands at `path` of the file."""
    expand = _Expander(loaded, path)
    settings: dict[str, Any] = {"folder": str(loaded.folder)}
    if each.context is not None:
        settings["context"] = each.context
    try:
        return resolve(
            each.id,
            name=name,
            api_base=expand("api_base", each.api_base),
            key_env=each.api_key_env,
            transport=each.transport,
            sampling=each.given(),
            headers=each.headers,
            extra_body=each.extra_body,
            price=stated_price(each.price),
            settings=settings,
        )
    except UsageError as error:
        raise loaded.error(
            _place(loaded, path, "id"), error.message.rstrip("."), remedy=error.remedy
        ) from error


def resolve_embedding(loaded: Loaded) -> Model | None:
    """The model under `embedding:`, if any."""
    spec = loaded.spec.embedding
    return None if spec is None else resolve_model(loaded, spec, spec.name or spec.id, ("embedding",))


def check_keys(loaded: Loaded, models: Iterable[Model]) -> None:
    """ExperimentError for a model whose key is nowhere, before anything is called.

    On one's own machine no key is needed, unless the file names its variable.
    """
    names = _names(loaded)
    for model in models:
        index = names.index(model.name)
        check_model_key(loaded, model, loaded.spec.models[index].api_key_env, ("models", index))


def check_model_key(loaded: Loaded, model: Model, named: str | None, path: Path_) -> None:
    """The same for one model whose entry stands at `path` and names `named` as its key's variable."""
    if (named or key_needed(model)) and find_key(model) is None:
        raise loaded.error(
            _place(loaded, path, "api_key_env"),
            f"model {model.name!r} has no key",
            remedy=missing_key_remedy(model),
        )


def check_prices(loaded: Loaded, models: Iterable[Model], limits: Limits) -> None:
    """ExperimentError where `budget_usd` is set and a model's price, or its currency's rate, is unknown."""
    if limits.budget_usd is None:
        return
    names = _names(loaded)
    for model in models:
        check_model_price(loaded, model, limits, ("models", names.index(model.name)))


def check_model_price(loaded: Loaded, model: Model, limits: Limits, path: Path_) -> None:
    """The same for one model whose entry stands at `path`."""
    if limits.budget_usd is None:
        return
    price = price_of(model)
    if gap := price_gap(price, limits.rates):
        known = price is not None and price.input is not None and price.output is not None
        raise loaded.error(
            _place(loaded, path, "price"),
            f"limits.budget_usd is set, but the price of {model.name!r} {gap}",
            remedy=f"Add `limits.rates: {{{price.currency}: {{usd: …, date: …, source: …}}}}`."
            if known and price is not None
            else "Add `price: {input: …, output: …, currency: USD, per: 1000000}`.",
        )


def _place(loaded: Loaded, path: Path_, key: str) -> Path_:
    return (*path, key) if loaded.places.stands((*path, key)) else path


class _Expander:
    """`${NAME}` in a model's settings; a variable that is not set is named with its line."""

    def __init__(self, loaded: Loaded, path: Path_) -> None:
        self._loaded = loaded
        self._path = path

    def __call__(self, key: str, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            return expand_variables(text)
        except KeyError as error:
            raise self._loaded.error(
                (*self._path, key),
                f"the environment variable {error.args[0]} is not set",
                value=text,
                remedy=f"Set it: export {error.args[0]}=…",
            ) from None


def stated_price(spec: PriceSpec | None) -> Price | None:
    """A price of the file, per token."""
    if spec is None:
        return None

    def each(value: float | None) -> float | None:
        return None if value is None else value / spec.per

    return Price(
        input=each(spec.input),
        output=each(spec.output),
        cached_input=each(spec.cached_input),
        reasoning=each(spec.reasoning),
        request=spec.request,
        currency=spec.currency,
        source=spec.source or "experiment file",
        date=spec.date,
        up_to_prompt_tokens=spec.up_to_prompt_tokens,
    )
