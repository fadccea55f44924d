"""What can be wrong between an experiment and its data: said at its line, before the first call."""

from __future__ import annotations

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.basics.templates import TemplateError, template
from promptlab.datasets import AnswerType, Dataset
from promptlab.datasets.task import template_values
from promptlab.experiment.loading import Loaded
from promptlab.experiment.plan import Cell
from promptlab.experiment.scoring import Scoring
from promptlab.experiment.variants import Variant
from promptlab.scoring import AnswerForm, Gold
from promptlab.scoring.code_tests import CodeTests


def check_breakdown(loaded: Loaded, datasets: list[Dataset]) -> None:
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


def check_vary(loaded: Loaded, variants: list[Variant]) -> None:
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


def check_questions(loaded: Loaded, scoring: Scoring, dataset: Dataset) -> None:
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


def check_tests(loaded: Loaded, scoring: Scoring, dataset: Dataset) -> None:
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


def check_twins(loaded: Loaded, variants: list[Variant], cells: list[Cell]) -> None:
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


def check_variant(loaded: Loaded, variant: Variant, dataset: Dataset, index: int, cells: list[Cell]) -> None:
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


def _why_not(name: str, dataset: Dataset) -> str:
    """Why a template cannot use that name."""
    if name in dataset.withheld:
        return f"{dataset.name} keeps that column from the model: the target comes from it"
    if name in dataset.partial_columns:
        return f"some rows of {dataset.name} lack it ({dataset.partial_columns[name]})"
    return f"{dataset.name} has no such column"
