"""From a loaded file to its plan. Everything that can be wrong is found here, before the first call."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import digest
from promptlab.datasets import AnswerType, Dataset, open_dataset
from promptlab.experiment.data_checks import (
    check_breakdown,
    check_questions,
    check_tests,
    check_twins,
    check_variant,
    check_vary,
)
from promptlab.experiment.gates import check_gates
from promptlab.experiment.loading import Loaded, load_spec
from promptlab.experiment.models import resolve_embedding, resolve_models
from promptlab.experiment.plan import Cell, Plan
from promptlab.experiment.scoring import Scoring, resolve_scoring
from promptlab.experiment.variants import Variant, resolve_variants
from promptlab.experiment.yaml_lines import Path_
from promptlab.models import Model
from promptlab.optimizers import Optimizer, clean_splits
from promptlab.scoring.metric import Metric
from promptlab.techniques import CellContext


def make_plan(path: Path, home: Path) -> Plan:
    """Loads, resolves and checks an experiment file. Calls nothing; ExperimentError for any mistake."""
    return plan_of(load_spec(path), home)


def plan_of(loaded: Loaded, home: Path) -> Plan:
    """The plan of a loaded file. `home` keeps the data sets' indexes."""
    variants = resolve_variants(loaded)
    models = resolve_models(loaded)
    embedding = resolve_embedding(loaded)
    stack = ExitStack()
    try:
        datasets = _open_datasets(loaded, variants, home, stack)
        scoring = resolve_scoring(loaded, [variant.name for variant in variants])
        metrics = _metrics(scoring, variants[0])
        cells = [
            _cell(loaded, variant, model, dataset, embedding, scoring, metrics, models)
            for dataset in datasets
            for model in models
            for variant in variants
        ]
        check_gates(
            loaded,
            [(cell.variant.name, cell.model.name, cell.dataset.name) for cell in cells],
            scoring.columns,
        )
        check_twins(loaded, variants, cells)
        for dataset in datasets:
            check_questions(loaded, scoring, dataset)
            check_tests(loaded, scoring, dataset)
        labels = loaded.spec.human_labels
        if labels is not None and not (loaded.folder / labels).is_file():
            raise loaded.error(("human_labels",), "there is no such file", value=labels)
        for index, dataset in enumerate(datasets):
            for variant in variants:
                check_variant(loaded, variant, dataset, index, cells)
        check_breakdown(loaded, datasets)
        check_vary(loaded, variants)
        notes = [f"{dataset.name}: {note}" for dataset in datasets for note in dataset.notes]
        return Plan(
            loaded, cells, datasets, scoring, notes, variants=variants, embedding=embedding, _stack=stack
        )
    except BaseException:
        stack.close()
        raise


def add_variants(plan: Plan, added: Mapping[str, Variant]) -> None:
    """Puts each variant right after the one that is named, in every model and data set."""
    cells: list[Cell] = []
    models = list({cell.model.name: cell.model for cell in plan.cells}.values())
    metrics = _metrics(plan.scoring, plan.variants[0])
    for cell in plan.cells:
        cells.append(cell)
        variant = added.get(cell.variant.name)
        if variant is not None:
            around = (cell.model, cell.dataset, plan.embedding, plan.scoring, metrics, models)
            cells.append(_cell(plan.loaded, variant, *around))
    plan.cells = cells
    plan.variants = [*plan.variants, *added.values()]


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


def _placed(loaded: Loaded, path: Path_, error: ExperimentError) -> ExperimentError:
    """A data set's own error at its line of the experiment file, with the data file's row if it has one."""
    message = f"{error.file}:{error.line}: {error.message}" if error.line is not None else error.message
    inner = tuple(int(part) if part.isdigit() else part for part in error.field.split(".") if part)
    return loaded.error((*path, *inner), message, value=error.value, remedy=error.remedy)


def _cell(
    loaded: Loaded,
    variant: Variant,
    model: Model,
    dataset: Dataset,
    embedding: Model | None,
    scoring: Scoring,
    metrics: Mapping[str, Metric],
    models: list[Model],
) -> Cell:
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
    searches = embedding if variant.technique.reads_embeddings() else None
    if searches is not None:
        spec["embedding"] = searches.identity()
    headline = scoring.primary or scoring.shown[0]
    known_models = {each.name: each for each in models}
    optimized: list[dict[str, Any]] = []
    for optimizer in variant.technique.optimizers():
        assert isinstance(optimizer, Optimizer)
        metric = metrics.get(optimizer.metric or headline)
        if metric is not None and metric.identity() not in optimized:
            optimized.append(metric.identity())
        spec |= clean_splits(dataset, task).identity()
    if optimized:
        spec["metric"] = optimized[0] if len(optimized) == 1 else optimized
    asked = sorted(variant.technique.asked_models() & known_models.keys())
    if asked:
        spec["asks"] = [known_models[name].identity() for name in asked]
    vary = frozenset(loaded.spec.vary) & (variant.technique.redraws(task) | {"completion"})
    if vary != {"completion"}:
        spec["vary"] = sorted(vary)
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
        embedding=searches,
        allow_unsafe_code=loaded.spec.allow_unsafe_code,
        metrics=metrics,
        headline=headline,
        models=known_models,
        vary=vary,
    )
    return Cell(variant, model, dataset, task, cell_hash, spec, context)


def _metrics(scoring: Scoring, first: Variant) -> dict[str, Metric]:
    """What optimizers may optimize. Judges are shown the question that the first variant asks."""
    asked = first.task.messages[-1].source
    found = {name: Metric(name, each) for name, each in scoring.scorers.items()}
    for name, each in scoring.judges.items():
        found[name] = Metric(name, each.judge, each.model, each.judge.question or asked)
    return found
