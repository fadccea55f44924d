"""Who answers: a model with its sampling, by a technique."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from promptlab.basics.errors import UsageError
from promptlab.experiment.models import stated_price
from promptlab.experiment.spec import ModelSpec
from promptlab.models import Model, resolve
from promptlab.techniques import Technique, techniques

PLAIN = "zero_shot"
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be chosen: the name people see, and its entry as under `models:` of an experiment."""

    label: str
    entry: Mapping[str, Any]

    def model(self, sampling: Mapping[str, Any] = _NOTHING) -> Model:
        """The model, resolved. UsageError for what is wrong with the entry or the sampling."""
        try:
            spec = ModelSpec.model_validate({**self.entry, **sampling})
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            where = ".".join(map(str, detail["loc"]))
            raise UsageError(f"{self.label}: {where}: {detail['msg']}.") from None
        return resolve(
            spec.id,
            name=self.label,
            api_base=spec.api_base,
            key_env=spec.api_key_env,
            transport=spec.transport,
            sampling=spec.given(),
            headers=spec.headers,
            extra_body=spec.extra_body,
            price=stated_price(spec.price),
            settings={
                "folder": str(Path.cwd()),
                **({} if spec.context is None else {"context": spec.context}),
            },
        )


@dataclass(frozen=True)
class Candidate:
    """One column of the playground: a model, and the technique that asks it."""

    model: Model
    technique: Technique
    choice: ModelChoice
    settings: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    @property
    def name(self) -> str:
        """The model's name; with a technique other than asking plainly, that too."""
        if self.technique.registered_name == PLAIN and not self.settings:
            return self.choice.label
        return f"{self.choice.label} × {self.technique.registered_name}"


def build_technique(
    name: str, settings: Mapping[str, Any] = _NOTHING, *, allow_code: bool = False
) -> Technique:
    """The technique of that name with these settings, as an experiment would build it.

    UsageError for an unknown name, a wrong setting, and without `allow_code` for a Python file.
    """
    if not allow_code and any(".py:" in text for text in (name, *_texts(settings))):
        raise UsageError(
            "a technique from a Python file is not run from here.",
            remedy="Start the workbench with --allow-code, or run it with `promptlab compare`.",
        )
    folder = Path.cwd()
    try:
        return techniques.get(name, folder=folder).model_validate(dict(settings), context={"folder": folder})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(map(str, detail["loc"]))
        told = str(detail.get("ctx", {}).get("error", detail["msg"]))
        raise UsageError(f"{name}: {where}: {told}.") from None


@lru_cache(maxsize=1)
def technique_names() -> tuple[str, ...]:
    """The techniques that can answer a single question: asking plainly first, no optimizers, no oracles."""
    found = [name for name, cls in techniques if not (cls.optimizes or cls.oracle)]
    return (PLAIN, *(name for name in found if name != PLAIN))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a tree of settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
