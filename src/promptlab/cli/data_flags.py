"""What `init` and `datasets check` share: the flags that say how a data file is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.registry import did_you_mean

if TYPE_CHECKING:
    from promptlab.datasets import DatasetSpec
    from promptlab.datasets.profile import ColumnProfile

F = TypeVar("F", bound=Callable[..., Any])

_SETTING = re.compile(r"`(encoding|records|delimiter|target|id|group|rationale|choices|limit): ([^`]+)`")
_HEADERLESS = re.compile(r"`header: false` and `columns:( \[\.\.\.\])?`")
_FLAGS = [
    click.option("--target", metavar="COLUMN", help="The right answer: a column, or a template."),
    click.option("--choices", metavar="COLUMN,...", help="What is chosen from: one column, or one each."),
    click.option("--rationale", metavar="COLUMN", help="A worked solution: a column, or a template."),
    click.option("--id", metavar="COLUMN", help="Ids; without it they come from the content."),
    click.option("--split-column", metavar="COLUMN", help="Its values say train, dev or test."),
    click.option("--columns", metavar="NAME,...", help="The columns' names, if no header line says them."),
    click.option("--encoding", metavar="NAME", help="For example gb18030; utf-8 needs no saying."),
    click.option("--delimiter", metavar="CHAR", help="Between the cells of a csv file, if no comma."),
    click.option("--records", metavar="KEY", help="The key of a json file, or the sheet of an xlsx file."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N rows."),
]  # fmt: skip


def reading_flags(command: F) -> F:
    """Adds the flags. Their values go to `reading_keys`, but for the columns' roles."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


def listed(text: str | None, columns: Sequence[ColumnProfile] = ()) -> list[str]:
    """Names separated by commas; a column whose own name has one stands alone."""
    if text and text in (column.name for column in columns):
        return [text]
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def reading_keys(
    path: Path,
    columns: str | None,
    encoding: str | None,
    delimiter: str | None,
    records: str | None,
    limit: int | None,
) -> tuple[dict[str, Any], list[str]]:
    """The spec's keys for reading that file, given or guessed, and which were guessed."""
    from promptlab.datasets.guessing import guess_reading

    delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter or "", delimiter)
    given = {"encoding": encoding, "delimiter": delimiter, "records": records, "limit": limit}
    keys: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if columns:
        keys |= {"header": False, "columns": listed(columns)}
    guessed = guess_reading(path) if path.is_file() and not (encoding and columns and delimiter) else {}
    guessed = {name: value for name, value in guessed.items() if name not in keys}
    said = []
    if "encoding" in guessed:
        said.append(f"encoding: {guessed['encoding']}")
    if "delimiter" in guessed:
        said.append(f"delimiter: {guessed['delimiter']!r}")
    if "columns" in guessed:
        said.append(f"no header line: columns {', '.join(guessed['columns'])}")
    return keys | guessed, said


def spec_of(keys: dict[str, Any]) -> DatasetSpec:
    """The spec of these keys; UsageError names the flag that is wrong."""
    from pydantic import ValidationError

    from promptlab.datasets import DatasetSpec

    try:
        return DatasetSpec(**keys)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][:1])
        reason = str(first.get("ctx", {}).get("error", first["msg"]))
        raise UsageError(f"{_flag(field)}{reason}.") from None


def known_column(name: str | None, columns: Sequence[ColumnProfile], flag: str) -> None:
    """UsageError where a flag names no column (and is no template)."""
    from promptlab.datasets.spec import is_template

    names = [column.name for column in columns]
    if name and not is_template(name) and name not in names and name.partition(".")[0] not in names:
        raise UsageError(
            f"{flag and f'{flag}: '}there is no column {name!r}.", remedy=did_you_mean(name, names)
        )


def parsed_split(text: str | None) -> dict[str, int | float] | None:
    """``test=0.8,train=0.2``, ``test=60,train=20`` or ``folds=5,fold=0`` as the spec's `split`."""
    if text is None:
        return None
    split: dict[str, int | float] = {}
    for part in listed(text):
        name, _, amount = part.partition("=")
        number = float(amount) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", amount) else None
        if number is None or name.strip() not in ("train", "dev", "test", "folds", "fold"):
            raise UsageError(
                f"--split {text!r} is no rule.",
                remedy="Write test=0.8,train=0.2, or rows: test=60,train=20, or folds=5.",
            )
        whole = number.is_integer() and "." not in amount
        split[name.strip()] = int(number) if whole else number
    return split


def without_file(error: ExperimentError) -> UsageError:
    """An error in a data file for someone who wrote flags, and no experiment file."""
    remedy = _HEADERLESS.sub("`--columns NAME,NAME`", error.remedy)
    remedy = _SETTING.sub(r"`--\1 \2`", remedy)
    got = "" if error.value is None else f" (got {str(error.value)[:80]!r})"
    return UsageError(f"{_flag(error.field)}{error.message}{got}.", remedy=remedy)


def _flag(field: str) -> str:
    name = field.partition(".")[0]
    if field == "split.column":
        return "--split-column: "
    known = ("target", "choices", "rationale", "id", "columns", "encoding", "delimiter", "records", "limit")
    return f"--{name}: " if name in known else ""
