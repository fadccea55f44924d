"""From a loaded file to its plan. Everything that can be wrong is found here, before the first call."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.hashing import digest
from promptlab.basics.registry import did_you_mean
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets import AnswerType, Dataset, open_dataset
from promptlab.datasets.task import template_values
from promptlab.experiment.gates import check_gates
from promptlab.experiment.loading import Loaded, load_spec
from promptlab.experiment.models import resolve_embedding, resolve_models
from promptlab.experiment.plan import Cell, Plan
from promptlab.experiment.scoring import Scoring, resolve_scoring
from promptlab.experiment.variants import Variant, resolve_variants
from promptlab.experiment.yaml_lines import Path_
from promptlab.models import Model
from promptlab.optimizers import Optimizer, clean_splits
from promptlab.scoring import AnswerForm, Gold
from promptlab.scoring.code_tests import CodeTests
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
        _no_twins(loaded, variants, cells)
        for dataset in datasets:
            _check_questions(loaded, scoring, dataset)
            _check_tests(loaded, scoring, dataset)
        labels = loaded.spec.human_labels
        if labels is not None and not (loaded.folder / labels).is_file():
            raise loaded.error(("human_labels",), "there is no such file", value=labels)
        for index, dataset in enumerate(datasets):
            for variant in variants:
                _check(loaded, variant, dataset, index, cells)
        _check_breakdown(loaded, datasets)
        _check_vary(loaded, variants)
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


def _check_breakdown(loaded: Loaded, datasets: list[Dataset]) -> None:
    """Each field must be one of some data set's samples; another data set may lack it."""
    known = {"target"}
    for spec, dataset in zip(loaded.spec.datasets, datasets, strict=True):
        known |= {*dataset.columns, *dataset.partial_columns, *dataset.first().metadata}
        known |= {"group"} if spec.group is not None else set()
    for index, name in enumerate(loaded.spec.breakdown):
        place = ("breakdown", index)
        if name in loaded.spec.breakdown[:index]:
            raise loaded.error(place, f"{name!r} stands here twice", remedy="Remove one of them.")
        if name in known or ("." in name and name.partition(".")[0] in known):
            continue
        if any(name in dataset.withheld for dataset in datasets):
            remedy = "`target` breaks down by what is to be answered."
            raise loaded.error(
                place, "that column holds the target or the rationale", value=name, remedy=remedy
            )
        raise loaded.error(
            place, "no data set has such a field", value=name, remedy=did_you_mean(name, sorted(known))
        )


def _check_vary(loaded: Loaded, variants: list[Variant]) -> None:
    """What is to be drawn anew must be there to be drawn, more than once."""
    spec = loaded.spec
    for index, what in enumerate(spec.vary):
        place = ("vary", index)
        if what in spec.vary[:index]:
            raise loaded.error(place, f"{what!r} stands here twice", remedy="Remove one of them.")
        if what == "completion":
            continue
        if spec.repeats == 1:
            raise loaded.error(
                place, f"with one repeat there is no second draw of {_DRAWN[what]}", remedy="Set `repeats:`."
            )
        if not any(what in variant.technique.redraws(variant.task) for variant in variants):
            raise loaded.error(place, _NOT_DRAWN[what], remedy="Leave it out.")


_DRAWN = {"demos": "demos", "order": "an order of demos"}
_NOT_DRAWN = {
    "demos": "no variant draws its demos once by chance (`select: random` or `balanced`)",
    "order": "no variant shows several demos, so there is no order to draw",
}


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


def _check_questions(loaded: Loaded, scoring: Scoring, dataset: Dataset) -> None:
    """The judges' own questions on the first sample."""
    for each in scoring.judges.values():
        try:
            template(each.judge.question or "").render(template_values(dataset.first().question()))
        except TemplateError as error:
            raise loaded.error(
                (*each.path, "question"),
                f"on the first sample of {dataset.name}, {error.message}",
                value=each.judge.question,
                remedy=error.remedy,
            ) from error


def _check_tests(loaded: Loaded, scoring: Scoring, dataset: Dataset) -> None:
    """The tests of the first sample, for scorers that run them."""
    first = dataset.first()
    gold = Gold(first.targets, AnswerForm(AnswerType.CODE), first.inputs, first.metadata)
    for index, name in enumerate(scoring.shown):
        each = scoring.scorers.get(name)
        if isinstance(each, CodeTests):
            try:
                each.check_sample(gold)
            except UsageError as error:
                raise loaded.error(
                    ("scorers", index),
                    f"on the first sample of {dataset.name}, {error.message.rstrip('.')}",
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
        cell.context.check()
    except ExperimentError as error:
        raise loaded.error(
            (*variant.path, *error.field.split(".")) if error.field else variant.path,
            error.message,
            value=error.value,
            remedy=error.remedy,
        ) from error
