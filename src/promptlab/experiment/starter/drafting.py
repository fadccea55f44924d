"""From a data file to the text of an experiment, as far as its columns tell."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.datasets import AnswerType, DatasetSpec
from promptlab.datasets.guessing import Guess, guess_columns
from promptlab.datasets.profile import ColumnProfile, profile_columns, read_rows
from promptlab.datasets.spec import own_split_name
from promptlab.experiment.loading import load_text
from promptlab.experiment.planning import plan_of
from promptlab.experiment.starter.draft import Draft, SplitSizes

MAX_ROWS = 100_000
DEFAULT_MODEL = "local/smollm2-135m"
STARTER = "starter"
_STARTER_DATA = "capitals.jsonl"
_FEWEST_ROWS_TO_SPLIT = 5


def starter_text() -> str:
    """The ready experiment that `init` writes; `write_starter_data` puts its data beside it."""
    return _starter_file("experiment.yaml")


def write_starter_data(folder: Path) -> None:
    """The ready experiment's data, where it is not there yet."""
    data = folder / _STARTER_DATA
    if not data.exists():
        data.write_text(_starter_file(_STARTER_DATA), encoding="utf-8", newline="\n")


def draft_text(data: Path, path: Path, model: str = DEFAULT_MODEL) -> str:
    """The text of an experiment at `path` about the file `data`; what its columns are is guessed.

    UsageError where no column could be the answer or the question; ExperimentError: the file cannot be read.
    """
    rows = read_rows(DatasetSpec(path=str(data.resolve())), Path.cwd())
    columns = profile_columns(itertools.islice(rows, MAX_ROWS), max_distinct=MAX_ROWS)
    if not columns:
        raise UsageError(f"{data}: there are no rows.", remedy="Is the file complete?")
    guess = guess_columns(columns)
    if not guess.target or not guess.inputs:
        raise UsageError(
            f"{data}: no column could be the {'question' if guess.target else 'answer'}.",
            remedy=f"`promptlab init` lets you say it. Columns: {', '.join(each.name for each in columns)}.",
        )
    if guess.answer is AnswerType.CHOICE and not guess.choices:
        guess = replace(guess, answer=AnswerType.TEXT)
    more = {"limit": MAX_ROWS} if next(rows, None) is not None else {}
    return drafted(data, path, columns, guess, reading=more, model=model, name=data.stem)[0].text()


def drafted(
    data: Path,
    path: Path,
    columns: Sequence[ColumnProfile],
    guess: Guess,
    *,
    reading: Mapping[str, Any],
    model: str,
    name: str,
) -> tuple[Draft, str]:
    """The draft of an experiment at `path` about the file `data`, and what is to be said of its splits.

    `columns` are the profiles of its rows, `reading` the spec's keys that say how it is read. UsageError:
    the split column names no test row.
    """
    draft = Draft(
        name=name,
        path=_relative_path(data, path),
        guess=guess,
        model=model,
        rows=columns[0].filled + columns[0].empty,
        sizes=None,
        train_rows=0,
        chars=_long_question(guess, columns),
        cjk=sum(each.cjk for each in columns if each.name in guess.inputs) * 2 > len(guess.inputs),
        reading=reading,
    )
    return _share_out(draft, columns)


def checked(draft: Draft, path: Path, home: Path) -> list[str]:
    """Makes the plan of the draft as `validate` would; returns what to mind before it runs."""
    notes = []
    try:
        with plan_of(load_text(draft.text(), path), home) as plan:
            try:
                plan.check_keys()
            except ExperimentError as error:
                notes.append(f"before it runs: {error.message}. {error.remedy}".strip())
    except ExperimentError as error:
        raise ExperimentError(
            error.message,
            field=error.field.rpartition("datasets.0.")[2],
            value=error.value,
            remedy=error.remedy,
        ) from None
    if draft.cjk and draft.model == DEFAULT_MODEL:
        notes.append("the embedded model reads English only: name another with --model, or in the file")
    return notes


def _long_question(guess: Guess, columns: Sequence[ColumnProfile]) -> int:
    """The characters of a long question: of every input what 95 % of the rows stay below."""
    return sum(each.lengths.p95 for each in columns if each.lengths and each.name in guess.inputs)


def _share_out(draft: Draft, columns: Sequence[ColumnProfile]) -> tuple[Draft, str]:
    """The draft with its splits, and what is said of them."""
    column = next((each for each in columns if each.name == draft.guess.split_column), None)
    if column is not None:
        sizes: dict[str, int] = {}
        for value, count in (column.counts or {}).items():
            split = own_split_name(value) or "unused"
            sizes[split] = sizes.get(split, 0) + count
        if "test" not in sizes:
            values = ", ".join(repr(value) for value in list(column.counts or column.examples)[:5])
            raise UsageError(
                f"--split-column: no row of {column.name!r} says test, but {values}.",
                remedy="Its values must be train, dev and test; without the flag rows are shared out.",
            )
        shown = ", ".join(
            f"{name} {sizes[name]:,}" for name in ("test", "dev", "train", "unused") if name in sizes
        )
        return replace(
            draft, train_rows=sizes.get("train", 0)
        ), f"splits: {shown} rows, by column {column.name}"
    if draft.rows < _FEWEST_ROWS_TO_SPLIT:
        return draft, f"splits: all {draft.rows} rows are test: too few to share out"
    sized = SplitSizes.of(draft.rows)
    unused = draft.rows - sum(sized)
    rest = f"; the other {unused:,} stay unused until you raise them" if unused else ""
    said = f"splits: test {sized.test:,}, train {sized.train:,} of {draft.rows:,} rows, by seeded hash{rest}"
    return replace(draft, sizes=sized, train_rows=sized.train), said


def _relative_path(data: Path, experiment: Path) -> str:
    """The data file's path from where the experiment lies."""
    try:
        return Path(os.path.relpath(data.resolve(), experiment.resolve().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return data.resolve().as_posix()


def _starter_file(name: str) -> str:
    return (resources.files("promptlab.experiment.starter") / name).read_text(encoding="utf-8")
