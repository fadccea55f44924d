"""The contract of a source that makes its rows: the built-in generators and other packages' own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from promptlab.basics.registry import Registry


class Source(BaseModel, ABC):
    """Makes rows. Settings are pydantic fields; the same settings give the same rows on every platform.

    `version` rises whenever the same settings could give other rows. `target_column` names the column that
    holds the target where the experiment names none; `split_column`, if any, holds the name of the source's
    own split (`split: {test: NAME}` picks it).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: ClassVar[int] = 1
    registered_name: ClassVar[str] = ""
    target_column: ClassVar[str] = "answer"
    split_column: ClassVar[str | None] = None

    seed: int = 0

    @abstractmethod
    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Rows of JSON values in a fixed order. Lazily: a reader with a limit stops early."""


sources: Registry[Source] = Registry(
    "source",
    Source,
    {
        "arithmetic": "promptlab.datasets.generated.arithmetic",
        "coin_flip": "promptlab.datasets.generated.coin_flip",
        "last_letter": "promptlab.datasets.generated.last_letter",
        "scan": "promptlab.datasets.generated.scan",
    },
    group="promptlab.sources",
)

S = TypeVar("S", bound=type[Source])


def source(name: str) -> Callable[[S], S]:
    """Registers a source class under `name`."""

    def register(cls: S) -> S:
        cls.registered_name = name
        sources.add(name, cls)
        return cls

    return register
