"""What will be run: cells, and their trials, lazily. Everything that can be wrong is found here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.hashing import digest
from promptlab.basics.registry import did_you_mean
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets import AnswerType, Dataset, Sample, Task, open_dataset
from promptlab.datasets.task import template_values
from promptlab.experiment.loading import Loaded, load_spec
from promptlab.experiment.models import check_keys, check_prices, resolve_models
from promptlab.experiment.scoring import Scoring, resolve_scoring
from promptlab.experiment.spec import ExperimentSpec
from promptlab.experiment.timespan import seconds
from promptlab.experiment.variants import Variant, resolve_variants
from promptlab.experiment.yaml_lines import Path_
from promptlab.models import Limits, Model, Rate
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
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def spec(self) -> ExperimentSpec:
        return self.loaded.spec

    @property
    def chosen(self) -> list[Cell]:
        """The cells that the selection takes."""
        return [cell for cell in self.cells if self.selection.takes(cell)]

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
        check_keys(self.loaded, self._chosen_models())

    def check_prices(self) -> None:
        """ExperimentError for a model of the selection whose price a budget needs and nobody knows."""
        check_prices(self.loaded, self._chosen_models(), self.limits())

    def _chosen_models(self) -> list[Model]:
        return list({cell.model.name: cell.model for cell in self.chosen}.values())

    def limits(self) -> Limits:
        """What the file says under `limits`, for the door."""
        return limits_of(self.spec)

    def max_age_s(self) -> float | None:
        """The oldest cached answer that counts, in seconds; None: any."""
        return max_age_s(self.spec)

    def select(self, *, limit: int | None, variants: Sequence[str], models: Sequence[str]) -> None:
        """Sets the filters of one command. Unknown names are usage errors."""
        known_variants = list(dict.fromkeys(cell.variant.name for cell in self.cells))
        known_models = list(dict.fromkeys(cell.model.name for cell in self.cells))
        for given, known, kind in ((variants, known_variants, "variant"), (models, known_models, "model")):
            for name in given:
                if name not in known:
                    raise UsageError(
                        f"the experiment has no {kind} {name!r}.", remedy=did_you_mean(name, known)
                    )
        self.selection = Selection(limit, frozenset(variants) or None, frozenset(models) or None)

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


def make_plan(path: Path, home: Path) -> Plan:
    """Loads, resolves and checks an experiment file. Calls nothing; ExperimentError for any mistake."""
    return plan_of(load_spec(path), home)


def plan_of(loaded: Loaded, home: Path) -> Plan:
    """The plan of a loaded file. `home` keeps the data sets' indexes."""
    variants = resolve_variants(loaded)
    models = resolve_models(loaded)
    stack = ExitStack()
    try:
        datasets = _open_datasets(loaded, variants, home, stack)
        scoring = resolve_scoring(loaded, [variant.name for variant in variants])
        cells = [
            _cell(loaded, variant, model, dataset)
            for dataset in datasets
            for model in models
            for variant in variants
        ]
        _no_twins(loaded, variants, cells)
        for dataset in datasets:
            _check_questions(loaded, scoring, dataset)
        labels = loaded.spec.human_labels
        if labels is not None and not (loaded.folder / labels).is_file():
            raise loaded.error(("human_labels",), "there is no such file", value=labels)
        for index, dataset in enumerate(datasets):
            for variant in variants:
                _check(loaded, variant, dataset, index, cells)
        notes = [f"{dataset.name}: {note}" for dataset in datasets for note in dataset.notes]
        return Plan(loaded, cells, datasets, scoring, notes, _stack=stack)
    except BaseException:
        stack.close()
        raise


def _open_datasets(loaded: Loaded, variants: list[Variant], home: Path, stack: ExitStack) -> list[Dataset]:
    need_train = any(variant.technique.needs_train() for variant in variants)
    need_dev = any(variant.technique.needs_dev() for variant in variants)
    opened: list[Dataset] = []
    for index, spec in enumerate(loaded.spec.datasets):
        path: Path_ = ("datasets", index)
        try:
            dataset = open_dataset(
                spec,
                folder=loaded.folder,
                home=home,
                seed=loaded.spec.seed,
                need_train=need_train,
                need_dev=need_dev,
            )
        except ExperimentError as error:
            raise _placed(loaded, path, error) from error
        stack.callback(dataset.close)
        if dataset.name in [each.name for each in opened]:
            raise loaded.error(
                path, f"two data sets are named {dataset.name!r}", remedy="Give each its own `name:`."
            )
        if dataset.sizes["test"] == 0:
            raise loaded.error(
                path, "no sample is left for the test split", remedy="Change `split:` or `limit:`."
            )
        if need_train and dataset.sizes["train"] == 0:
            names = [variant.name for variant in variants if variant.technique.needs_train()]
            raise loaded.error(
                path,
                f"{names[0]!r} takes demos from the train split, but this data set has no train rows",
                remedy="Add `split: {test: …, train: …}`.",
            )
        opened.append(dataset)
    return opened


def _why_not(name: str, dataset: Dataset) -> str:
    """Why a template cannot use that name."""
    if name in dataset.withheld:
        return f"{dataset.name} keeps that column from the model: the target comes from it"
    if name in dataset.partial_columns:
        return f"some rows of {dataset.name} lack it ({dataset.partial_columns[name]})"
    return f"{dataset.name} has no such column"


def _placed(loaded: Loaded, path: Path_, error: ExperimentError) -> ExperimentError:
    """A data set's own error at its line of the experiment file, with the data file's row if it has one."""
    message = f"{error.file}:{error.line}: {error.message}" if error.line is not None else error.message
    inner = tuple(int(part) if part.isdigit() else part for part in error.field.split(".") if part)
    return loaded.error((*path, *inner), message, value=error.value, remedy=error.remedy)


def _cell(loaded: Loaded, variant: Variant, model: Model, dataset: Dataset) -> Cell:
    task = variant.task
    if task.answer is AnswerType.LABEL and not task.labels:
        try:
            labels = tuple(dataset.labels())
        except ExperimentError as error:
            raise loaded.error(("task", "answer"), error.message, remedy=error.remedy) from error
        task = replace(task, labels=labels)
    spec: dict[str, Any] = {
        "variant": variant.identity(task),
        "model": model.identity(),
        "dataset": dataset.name,
        "seed": loaded.spec.seed,
    }
    if variant.technique.needs_train():
        spec["train"] = dataset.split_hash("train")
    if variant.technique.needs_dev():
        spec["dev"] = dataset.split_hash("dev")
    cell_hash = digest(spec)
    context = CellContext(
        task=task,
        model=model,
        technique=variant.technique,
        dataset=dataset,
        seed=loaded.spec.seed,
        sampling=variant.sampling,
        cell=cell_hash,
        timeout_s=loaded.spec.limits.timeout_s,
    )
    return Cell(variant, model, dataset, task, cell_hash, spec, context)


def _check_questions(loaded: Loaded, scoring: Scoring, dataset: Dataset) -> None:
    """The judges' own questions on the first sample."""
    for each in scoring.judges.values():
        try:
            template(each.judge.question or "").render(template_values(dataset.first().question()))
        except TemplateError as error:
            raise loaded.error(
                (*each.path, "settings", "question"),
                f"on the first sample of {dataset.name}, {error.message}",
                value=each.judge.question,
                remedy=error.remedy,
            ) from error


def _no_twins(loaded: Loaded, variants: list[Variant], cells: list[Cell]) -> None:
    """Two variants or models that ask exactly the same under two names would share their trials."""
    seen: dict[str, Cell] = {}
    for cell in cells:
        twin = seen.setdefault(cell.hash, cell)
        if twin is cell:
            continue
        if twin.variant is not cell.variant:
            raise loaded.error(
                cell.variant.path,
                f"{cell.variant.name!r} asks exactly what {twin.variant.name!r} asks",
                remedy="Change one, or remove it; `repeats:` draws the same variant several times.",
            )
        raise loaded.error(("models",), f"{cell.model.name!r} and {twin.model.name!r} are the same model")


def _check(loaded: Loaded, variant: Variant, dataset: Dataset, index: int, cells: list[Cell]) -> None:
    """Templates against the columns and on the first sample; the technique's settings on this data."""
    cell = next(each for each in cells if each.variant is variant and each.dataset is dataset)
    first = dataset.first()
    known = {*dataset.columns, "inputs", "metadata"} | ({"choices"} if first.choices else set())
    checked = [
        *((part.source, place) for part, place in zip(cell.task.messages, variant.places, strict=True)),
        (cell.task.answer_instruction, ("task", "answer_instruction")),
    ]
    for source, place in checked:
        for name in sorted(template(source).variables - known):
            raise loaded.error(
                place,
                f"the template uses {{{{ {name} }}}}, but {_why_not(name, dataset)}",
                remedy=did_you_mean(name, known - {"inputs", "metadata"}),
            )
        try:
            template(source).render(template_values(first.question()))
        except TemplateError as error:
            raise loaded.error(
                place, f"on the first sample of {dataset.name}, {error.message}", remedy=error.remedy
            ) from error
    if cell.task.answer is AnswerType.CHOICE and not first.choices:
        raise loaded.error(
            ("task", "answer"),
            f"`answer: choice` needs choices, but {dataset.name} names no `choices:` column",
            remedy="Add `choices: COLUMN` to the data set, or use `answer: label`.",
        )
    if not first.targets:
        raise loaded.error(
            ("datasets", index),
            f"{dataset.name} has no target, so nothing can be scored",
            remedy="Add `target: COLUMN`.",
        )
    try:
        variant.technique.check(cell.context)
    except ExperimentError as error:
        raise loaded.error(
            (*variant.path, *error.field.split(".")) if error.field else variant.path,
            error.message,
            value=error.value,
            remedy=error.remedy,
        ) from error
