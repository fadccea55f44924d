"""From a data file and what its columns are to the draft of an experiment, checked as a run would."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.datasets.guessing import Guess
from promptlab.datasets.profile import ColumnProfile
from promptlab.datasets.spec import own_split_name
from promptlab.experiment.loading import load_text
from promptlab.experiment.planning import plan_of
from promptlab.experiment.starter.draft import Draft, SplitSizes

DEFAULT_MODEL = "local/smollm2-135m"
_FEWEST_ROWS_TO_SPLIT = 5


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

    `columns` are the profiles of all its rows, `reading` the spec's keys that say how it is read. UsageError
    where a split column names no test row.
    """
    draft = Draft(
        name=name,
        path=_relative(data, path),
        guess=guess,
        model=model,
        rows=columns[0].filled + columns[0].empty,
        sizes=None,
        train_rows=0,
        chars=_chars(guess, columns),
        cjk=sum(each.cjk for each in columns if each.name in guess.inputs) * 2 > len(guess.inputs),
        reading=reading,
    )
    return _split(draft, columns)


def _chars(guess: Guess, columns: Sequence[ColumnProfile]) -> int:
    """The characters of a long question: of every input what 95 % of the rows stay below."""
    return sum(each.lengths.p95 for each in columns if each.lengths and each.name in guess.inputs)


def _split(draft: Draft, columns: Sequence[ColumnProfile]) -> tuple[Draft, str]:
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


def _relative(data: Path, experiment: Path) -> str:
    """The data file's path from where the experiment lies."""
    try:
        return Path(os.path.relpath(data.resolve(), experiment.resolve().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return data.resolve().as_posix()
