"""What will be run: cells, and their trials, lazily."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from promptlab.basics.registry import matching_names
from promptlab.datasets import Dataset, Sample, Task
from promptlab.experiment.loading import Loaded
from promptlab.experiment.models import check_keys, check_model_key, check_model_price, check_prices
from promptlab.experiment.scoring import Scoring
from promptlab.experiment.spec import ExperimentSpec
from promptlab.experiment.timespan import seconds
from promptlab.experiment.variants import Variant
from promptlab.models import Limits, Model, Rate
from promptlab.sandbox import check_sandbox
from promptlab.techniques import CellContext


@dataclass(frozen=True)
class Cell:
    """Variant × model × data set. `hash` is its part of every one of its trials' identity."""

    variant: Variant
    model: Model
    dataset: Dataset
    task: Task
    hash: str
    spec: dict[str, Any]
    context: CellContext

    @property
    def drawn_once(self) -> str | None:
        """What all its trials share by one draw ("demo set"); None where each repeat draws its own."""
        once = self.variant.technique.drawn_once()
        return None if once == "demo set" and "demos" in self.context.vary else once

    @property
    def models(self) -> dict[str, Model]:
        """The models that its trials ask, its own first."""
        others = sorted(self.variant.technique.asked_models() - {self.model.name})
        return {self.model.name: self.model, **{name: self.context.models[name] for name in others}}

    @property
    def label(self) -> str:
        return f"{self.variant.name} × {self.model.name} × {self.dataset.name}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell on one sample, one repeat. `position` is the sample's place in the test split."""

    cell: Cell
    sample: Sample
    position: int
    repeat: int
    identity: bytes


@dataclass(frozen=True)
class Selection:
    """Filters of one command over the same run: None means all."""

    limit: int | None = None
    variants: frozenset[str] | None = None
    models: frozenset[str] | None = None

    def takes(self, cell: Cell) -> bool:
        return (self.variants is None or cell.variant.name in self.variants) and (
            self.models is None or cell.model.name in self.models
        )


@dataclass
class Plan:
    """A checked experiment: its cells in the file's order, and how they are scored and compared."""

    loaded: Loaded
    cells: list[Cell]
    datasets: list[Dataset]
    scoring: Scoring
    notes: list[str] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)
    variants: list[Variant] = field(default_factory=list)
    embedding: Model | None = None
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def spec(self) -> ExperimentSpec:
        return self.loaded.spec

    @property
    def chosen(self) -> list[Cell]:
        """The cells that the selection takes."""
        return [cell for cell in self.cells if self.selection.takes(cell)]

    @property
    def chosen_models(self) -> dict[str, Model]:
        """By name, the models that the chosen cells ask."""
        return {name: model for cell in self.chosen for name, model in cell.models.items()}

    def samples_in(self, dataset: Dataset) -> int:
        """How many test samples of `dataset` the selection takes."""
        size = dataset.sizes["test"]
        return size if self.selection.limit is None else min(size, self.selection.limit)

    def trials_in(self, cell: Cell) -> int:
        return self.samples_in(cell.dataset) * self.spec.repeats

    def chunks(self, cells: Sequence[Cell], dataset: Dataset, size: int) -> Iterator[list[list[Trial]]]:
        """The trials of `cells` (all over `dataset`), sample by sample in chunks of `size` samples.

        Each inner list holds one sample's trials. Reads only as far as it is asked.
        """
        total = self.samples_in(dataset)
        for start in range(0, total, size):
            chunk = []
            samples = dataset.samples("test", start, min(start + size, total))
            for position, sample in enumerate(samples, start):
                chunk.append(
                    [
                        Trial(cell, sample, position, repeat, identity(cell, sample, repeat))
                        for repeat in range(self.spec.repeats)
                        for cell in cells
                    ]
                )
            yield chunk

    def check_keys(self) -> None:
        """ExperimentError for a model of the selection whose key is nowhere."""
        check_keys(self.loaded, self.chosen_models.values())
        for model in self._embedding_models():
            named = self.spec.embedding.api_key_env if self.spec.embedding else None
            check_model_key(self.loaded, model, named, ("embedding",))

    def check_prices(self) -> None:
        """ExperimentError for a model of the selection whose price a budget needs and nobody knows."""
        check_prices(self.loaded, self.chosen_models.values(), self.limits())
        for model in self._embedding_models():
            check_model_price(self.loaded, model, self.limits(), ("embedding",))

    @property
    def runs_code(self) -> bool:
        """Whether programs that models wrote are run: by a technique, or by a scorer."""
        scored = any(each.runs_code for each in self.scoring.scorers.values())
        return scored or any(cell.variant.technique.may_run_code() for cell in self.cells)

    def check_code(self) -> None:
        """UsageError where programs would run that this machine cannot confine, unless the file says so."""
        if self.runs_code:
            check_sandbox(allow_unsafe=self.spec.allow_unsafe_code)

    def _embedding_models(self) -> list[Model]:
        found = [cell.context.embedding for cell in self.chosen]
        return list({model.name: model for model in found if model is not None}.values())

    def limits(self) -> Limits:
        """What the file says under `limits`, for the door."""
        return limits_of(self.spec)

    def max_age_s(self) -> float | None:
        """The oldest cached answer that counts, in seconds; None: any."""
        return max_age_s(self.spec)

    def select(self, *, limit: int | None, variants: Sequence[str], models: Sequence[str]) -> None:
        """Sets the filters of one command, by name or by what a matrix made of a name.

        Unknown names are usage errors.
        """
        chosen_variants = matching_names(
            variants, (cell.variant.name for cell in self.cells), "the experiment has no variant"
        )
        chosen_models = matching_names(
            models, (cell.model.name for cell in self.cells), "the experiment has no model"
        )
        self.selection = Selection(
            limit, frozenset(chosen_variants) or None, frozenset(chosen_models) or None
        )

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def limits_of(spec: ExperimentSpec) -> Limits:
    """What the file says under `limits`, for the door."""
    given = spec.limits
    return Limits(
        concurrency=given.concurrency,
        rpm=given.rpm,
        tpm=given.tpm,
        timeout_s=given.timeout_s,
        retry_429_s=given.retry_429_s,
        budget_usd=given.budget_usd,
        budget_tokens=given.budget_tokens,
        budget_calls=given.budget_calls,
        rates={name.upper(): Rate(each.usd, each.date, each.source) for name, each in given.rates.items()},
    )


def max_age_s(spec: ExperimentSpec) -> float | None:
    """The oldest cached answer that counts, in seconds; None: any."""
    age = spec.cache.max_age
    return None if age is None else seconds(age)


def identity(cell: Cell, sample: Sample, repeat: int) -> bytes:
    """A trial's identity, 16 bytes: the cell's hash, the sample's id and content, the repeat."""
    text = f"{cell.hash}\n{sample.content}\n{repeat}\n{sample.id}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
