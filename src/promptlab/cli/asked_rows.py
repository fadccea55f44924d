"""The row that `ask` asks, and the experiment that asks every row so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.cli.data_flags import without_file
from promptlab.datasets.task import template_values
from promptlab.export import plain
from promptlab.playground import Cursor, Prompt, RowSource, count_look, read_looks
from promptlab.playground.rows import EXPERIMENT_KINDS, question_with, row_source, row_values

if TYPE_CHECKING:
    from promptlab.datasets import Dataset, Question, Sample, SplitName
    from promptlab.playground import ModelChoice

SHOWN_CHARS = 300
RANDOM = "random"


@dataclass(frozen=True)
class Row:
    """A row of a data set, the prompt as its data set reads answers, and what is asked."""

    source: RowSource
    cursor: Cursor
    sample: Sample
    prompt: Prompt
    question: Question

    @property
    def dataset(self) -> Dataset:
        return self.cursor.dataset

    def look(self, home: Path) -> None:
        """Counts the look, and tells whose row it is."""
        cursor = self.cursor
        count_look(home, self.dataset.name, cursor.split, self.sample)
        told = f"{self.dataset.name}: {cursor.split} row {cursor.position + 1:,} of {cursor.size:,}"
        told += f" ({self.sample.id})"
        if self.sample.targets:
            target = " | ".join(self.sample.targets)
            told += f"; target: {target if len(target) <= SHOWN_CHARS else target[:SHOWN_CHARS] + '…'}"
        if cursor.split == "test":
            told += f"; looks at test samples so far: {read_looks(home, 'test').total:,}"
        click.echo(plain(told), err=True)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dataset": self.dataset.name,
            "split": self.cursor.split,
            "row": self.cursor.position + 1,
            "sample": self.sample.id,
            "targets": list(self.sample.targets),
        }


def open_row(
    home: Path,
    prompt: Prompt,
    given: Mapping[str, str],
    *,
    data: str,
    target: str | None,
    split: str | None,
    row: str | None,
) -> Row:
    """The row that `data`, `split` and `row` name, in which `given` stands for what it says otherwise.

    UsageError, ExperimentError: there is none, or the prompt names what it does not have.
    """
    is_file = Path(data.partition("#")[0]).suffix.lower() not in EXPERIMENT_KINDS
    try:
        source = row_source(data, target=target or "")
        dataset = source.open(home)
    except ExperimentError as error:
        raise (without_file(error) if is_file else error) from None
    cursor = _placed(dataset, split, row)
    sample = cursor.sample()
    assert sample is not None
    prompt = replace(prompt, answer=source.answer, labels=source.labels)
    question = question_with({**row_values(sample, prompt.variables()), **given}, sample)
    columns = ", ".join(map(plain, dataset.columns)) or "no other columns"
    for name in prompt.variables():
        if name not in template_values(question):
            raise UsageError(
                f"the question's {{{{ {name} }}}} has no value.",
                remedy=f"{dataset.name} has {columns}; or --var {name}=…",
            )
    return Row(source, cursor, sample, prompt, question)


def _placed(dataset: Dataset, split: str | None, row: str | None) -> Cursor:
    """dev, else train; test where it is named. Rows are counted from 1."""
    chosen = cast("SplitName", split or ("dev" if dataset.sizes["dev"] else "train"))
    cursor = Cursor(dataset, chosen)
    if not cursor.size:
        filled = [name for name, size in dataset.sizes.items() if size]
        raise UsageError(
            f"{dataset.name} has no {split or 'dev or train'} rows.",
            remedy=f"It has some here: --split {' or '.join(filled)}.",
        )
    if row == RANDOM:
        cursor.position = cursor.rng.randrange(cursor.size)
        return cursor
    number = int(row) if row is not None and row.isdecimal() else 1 if row is None else 0
    if not 1 <= number <= cursor.size:
        raise UsageError(
            f"--row {row!r}: {dataset.name} has {cursor.size:,} {chosen} rows.",
            remedy=f"Say 1 to {cursor.size}, or {RANDOM}.",
        )
    cursor.position = number - 1
    return cursor


def save_experiment(
    path: Path,
    row: Row,
    given: Mapping[str, str],
    models: Sequence[tuple[ModelChoice, Mapping[str, Any]]],
    techniques: Mapping[str, Mapping[str, Any]],
    *,
    force: bool,
) -> None:
    """Writes what is asked as an experiment over all rows. UsageError, ExperimentError: it cannot be one."""
    from promptlab.experiment import load_text
    from promptlab.experiment.variants import resolve_variants
    from promptlab.playground.saving import Draft, experiment_text, save

    if path.suffix.lower() not in EXPERIMENT_KINDS:
        raise UsageError(
            f"--save {path} is no YAML file.", remedy=f"Name it {path.stem or 'experiment'}.yaml."
        )
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", remedy="Name another file, or say --force.")
    if not row.source.has_target:
        raise UsageError(
            f"{row.dataset.name} names no target, so nothing could be scored.",
            remedy="Name its column: --target COLUMN.",
        )
    if not row.dataset.sizes["test"]:
        raise UsageError(
            f"{row.dataset.name} has no test rows, and an experiment reports on those.",
            remedy="Give it some, or leave out --save.",
        )
    for name in given:
        if name not in row.sample.inputs:
            raise UsageError(
                f"--var {name}: {row.dataset.name} has no such column, so {path} could not fill it.",
                remedy="Write its value into the question, or leave out --save.",
            )
    draft = Draft(path.stem, row.prompt, row.source, models, list(techniques.items()))
    text = experiment_text(draft, path.parent)
    resolve_variants(load_text(text, path))  # files that settings name have to be there from `path` too
    try:
        save(path, text, over=force)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}.") from error
    click.echo(f"wrote {path}: look at it, then: promptlab compare {path}", err=True)
