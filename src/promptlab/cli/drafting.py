"""From a data file and flags to the text of an experiment: read, guess, ask, check."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from promptlab.basics.errors import UsageError
from promptlab.basics.home import open_home
from promptlab.cli.data_flags import known_column, listed, reading_keys, spec_of
from promptlab.cli.init import ANSWERS, DEFAULT_MODEL
from promptlab.cli.rows import print_rows, shortened
from promptlab.datasets import AnswerType
from promptlab.datasets.guessing import Guess, guess_columns
from promptlab.datasets.profile import ColumnProfile, profile_columns, read_rows
from promptlab.experiment.starter.drafting import MAX_ROWS, checked, drafted

_SHOWN_EXAMPLE = 30
_READING = ("columns", "encoding", "delimiter", "records", "limit")
_NONE = "none"


def draft_for(
    data: Path, path: Path, *, asks: bool, model: str | None, name: str | None, **flags: Any
) -> tuple[str, list[str]]:
    """The text of an experiment at `path` about the file `data`, checked; and what is to be said of it.

    With `asks`, what no flag says is asked at the terminal. UsageError, ExperimentError: what is wrong with
    the data or a flag.
    """
    keys, said = reading_keys(data, **{each: flags[each] for each in _READING})
    limit = keys.get("limit", MAX_ROWS)
    spec = spec_of({**keys, "path": str(data)})
    rows = read_rows(spec, Path.cwd())
    columns = profile_columns(itertools.islice(rows, limit), max_distinct=MAX_ROWS)
    if not columns:
        raise UsageError(f"{data}: there are no rows.", remedy="Is the file complete?")
    count = columns[0].filled + columns[0].empty
    if count == MAX_ROWS and "limit" not in keys and next(rows, None) is not None:
        keys["limit"] = MAX_ROWS
        said.append(f"limit: the first {MAX_ROWS:,} rows")
    given = _given(flags, columns)
    if asks:
        _show(data, count, columns)
        given, model = _asked(columns, given, model)
    guess = guess_columns(columns, **given)
    _check(guess, data, columns)
    said += _guessed(guess, given)
    draft, splits = drafted(
        data, path, columns, guess, reading=keys, model=model or DEFAULT_MODEL, name=name or data.stem
    )
    notes = [f"{data}: {count:,} rows; columns {', '.join(_plain(each.name) for each in columns)}"]
    if said:
        notes.append(f"guessed: {'; '.join(said)} (flags say otherwise: promptlab init --help)")
    notes.append(splits)
    return draft.text(), notes + checked(draft, path, open_home())


def _given(flags: dict[str, Any], columns: Sequence[ColumnProfile]) -> dict[str, Any]:
    """What the flags say of the columns, as `guess_columns` takes it. UsageError for an unknown column."""
    inputs, choices = listed(flags["inputs"], columns), listed(flags["choices"], columns)
    for name in ("target", "rationale", "id", "split_column"):
        known_column(flags[name], columns, f"--{name.replace('_', '-')}")
    for name in inputs:
        known_column(name, columns, "--input")
    for name in choices:
        known_column(name, columns, "--choices")
    return {
        "target": flags["target"],
        "inputs": inputs,
        "answer": AnswerType(flags["answer"]) if flags["answer"] else None,
        "choices": choices[0] if len(choices) == 1 else choices or None,
        "rationale": flags["rationale"],
        "id": flags["id"],
        "split_column": flags["split_column"],
    }


def _show(data: Path, count: int, columns: Sequence[ColumnProfile]) -> None:
    click.echo(f"{data}: {count:,} rows\n")
    print_rows(
        [
            {
                "column": shortened(each.name, _SHOWN_EXAMPLE),
                "type": each.kind,
                "distinct": f"{each.distinct:,}" if each.distinct is not None else "many",
                "example": shortened(str(each.examples[0]) if each.examples else "", _SHOWN_EXAMPLE),
            }
            for each in columns
        ]
    )
    click.echo("\nEnter takes what stands in brackets.", err=True)


def _asked(
    columns: Sequence[ColumnProfile], given: dict[str, Any], model: str | None
) -> tuple[dict[str, Any], str | None]:
    """The same with answers from the terminal; each guess knows the answers before it."""
    names = [each.name for each in columns]

    def column(*, several: bool = False) -> Callable[[str], str]:
        def check(text: str) -> str:
            for each in listed(text, columns) if several else [text]:
                if each != _NONE or _NONE in names:
                    known_column(each, columns, "")
            return text

        return check

    given = dict(given)
    kind = None
    if given["target"] is None:
        guess = guess_columns(columns, **given)
        given["target"] = _ask("The right answer stands in column", guess.target, column())
        if given["target"] == guess.target:  # perhaps a template, which says less than the column does
            given["rationale"] = given["rationale"] or guess.rationale
            kind = guess.answer
    if not given["inputs"]:
        guess = guess_columns(columns, **given)
        text = _ask(
            "The model is shown (columns, with commas)",
            ",".join(guess.inputs),
            column(several=True),
        )
        given["inputs"] = listed(text, columns)
    if given["answer"] is None:
        kind = kind or guess_columns(columns, **given).answer
        given["answer"] = AnswerType(
            click.prompt("Kind of answer", type=click.Choice(ANSWERS), default=str(kind), err=True)
        )
    if given["answer"] is AnswerType.CHOICE and not given["choices"]:
        guess = guess_columns(columns, **given)
        shown = guess.choices if isinstance(guess.choices, str) else ",".join(guess.choices or [])
        choices = listed(
            _ask("The choices stand in (one column, or one each)", shown, column(several=True)),
            columns,
        )
        given["choices"] = choices[0] if len(choices) == 1 else choices
    if given["split_column"] is None:
        guess = guess_columns(columns, **given)
        text = _ask("A column that says train, dev or test", guess.split_column or _NONE, column())
        given["split_column"] = "" if text == _NONE else text
    if model is None:
        model = click.prompt("Model", default=DEFAULT_MODEL, err=True)
    return given, model


def _ask(question: str, default: str, check: Callable[[str], str]) -> str:
    def checked(text: str) -> str:
        try:
            return check(text.strip())
        except UsageError as error:
            raise click.UsageError(str(error)) from None

    answer: str = click.prompt(question, default=default or None, value_proc=checked, err=True)
    return answer


def _check(guess: Guess, data: Path, columns: Sequence[ColumnProfile]) -> None:
    names = ", ".join(_plain(each.name) for each in columns)
    if guess.answer is AnswerType.CHOICE and not guess.choices:
        raise UsageError(
            f"{data}: an answer that is a choice needs choices.",
            remedy=f"Say which: --choices COLUMN, or one each: A,B,C. Columns: {names}.",
        )
    if not guess.target:
        raise UsageError(
            f"{data}: no column could be the answer.",
            remedy=f"Say which: --target COLUMN. Columns: {names}.",
        )
    if not guess.inputs:
        raise UsageError(
            f"{data}: beside the target {guess.target!r} no column is left to ask about.",
            remedy=f"Say which: --input COLUMN. Columns: {names}.",
        )


def _guessed(guess: Guess, given: dict[str, Any]) -> list[str]:
    """What the flags and the person at the terminal left open."""
    found = {
        "target": guess.target,
        "input": ", ".join(guess.inputs),
        "answer": str(guess.answer),
        "choices": guess.choices if isinstance(guess.choices, str) else ", ".join(guess.choices or []),
        "rationale": guess.rationale,
        "id": guess.id,
        "split column": guess.split_column,
    }
    keys = {"input": "inputs", "split column": "split_column"}
    return [
        f"{name}: {_plain(value)}"
        for name, value in found.items()
        if value and not given[keys.get(name, name)]
    ]


def _plain(text: str) -> str:
    from promptlab.export import plain

    return plain(text)
