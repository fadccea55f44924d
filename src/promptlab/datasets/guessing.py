"""Which column is what, and how a file is to be read: guesses for a person to confirm, never for a run."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptlab.basics.templates import template
from promptlab.datasets import column_names
from promptlab.datasets.profile import ColumnProfile, as_number
from promptlab.datasets.spec import TEXT_KINDS, is_template, own_split_name
from promptlab.datasets.task import AnswerType, choice_letter

_OPTION = re.compile(r"(?P<stem>.*?)[ _.-]?(?P<mark>[a-j]|\d{1,2})")
_MAX_LABELS = 20
_MAX_LABEL_CHARS = 40
_ROWS_PER_LABEL = 2
_MAX_NUMBER_LABELS = 2  # 0 and 1 are labels; three different numbers may well be answers
_MAX_LETTERS = 26
_SNIFFED_BYTES = 2**20
_MAX_HEADER_CHARS = 60


@dataclass
class Guess:
    """What the columns may be: the fields of a data set's spec, the columns to ask about, the answer type.

    `labels` are the values of the target, as the file writes them, where they are few and are the answer.
    """

    target: str = ""
    inputs: list[str] = field(default_factory=list)
    answer: AnswerType = AnswerType.TEXT
    choices: str | list[str] | None = None
    rationale: str | None = None
    id: str | None = None
    split_column: str | None = None
    labels: list[str] = field(default_factory=list)


def guess_columns(
    columns: Sequence[ColumnProfile],
    *,
    target: str | None = None,
    inputs: Sequence[str] = (),
    answer: AnswerType | None = None,
    choices: str | list[str] | None = None,
    rationale: str | None = None,
    id: str | None = None,
    split_column: str | None = None,
) -> Guess:
    """Guesses what is not given. A target of "", no inputs: nothing fits. `split_column` "": there is none.

    An id must differ in every row, and every value of a split column name a split; of the rest the column's
    name decides, then what it holds.
    """
    rest = {column.name: column for column in columns}
    profiles = dict(rest)
    guess = Guess()
    for text in (target, rationale, id, split_column, *inputs, *_listed(choices)):
        for name in columns_of(text or ""):
            rest.pop(name, None)
    if split_column is None:
        split_column = next((c.name for c in rest.values() if _names_splits(c)), None)
    guess.split_column = split_column or None
    rest.pop(guess.split_column or "", None)
    guess.id = id or _named(rest, column_names.IDS, lambda c: c.empty == 0 and c.distinct == c.filled)
    rest.pop(guess.id or "", None)
    guess.choices = choices or _guess_choices(rest)
    for name in _listed(guess.choices):
        rest.pop(name, None)
    guess.target = target or _guess_target(rest)
    rest.pop(guess.target, None)
    found = profiles.get(guess.target)
    if found is not None and rationale is None and found.worked and found.name.isidentifier():
        # As in GSM8K: the reasoning, then the answer after ####.
        guess.target = _template(f"{found.name}.split('####')[1]")
        guess.rationale = _template(f"{found.name}.split('####')[0]")
        found = None
        answer = answer or AnswerType.NUMBER
    else:
        guess.rationale = rationale or _named(rest, column_names.RATIONALES)
        rest.pop(guess.rationale or "", None)
    guess.inputs = list(inputs) or _guess_inputs(rest)
    if found is not None:
        _guess_answer(guess, found, profiles, answer)
    elif answer is not None:
        guess.answer = answer
    elif guess.choices:
        guess.answer = AnswerType.CHOICE
    return guess


def columns_of(text: str) -> list[str]:
    """The columns a setting reads: the one it names, or those of its template."""
    if is_template(text):
        return sorted(template(text).variables)
    return list(dict.fromkeys([text, text.partition(".")[0]])) if text else []


def guess_reading(path: Path) -> dict[str, Any]:
    """Keys of the spec that a text file seems to need: `encoding`, `delimiter`, `header`, `columns`."""
    kind = TEXT_KINDS.get(path.suffix.lower())
    if kind is None:
        return {}
    with path.open("rb") as stream:
        raw = stream.read(_SNIFFED_BYTES)
    found: dict[str, Any] = {}
    if not _decodes(raw, "utf-8") and _decodes(raw, "gb18030"):
        found["encoding"] = "gb18030"
    lines = raw.decode(found.get("encoding", "utf-8"), errors="replace").removeprefix("\ufeff").splitlines()
    if kind == "jsonl" or not lines:
        return found
    delimiter = "\t" if kind == "tsv" else ","
    if kind == "csv" and "," not in lines[0]:
        delimiter = max(";\t|", key=lines[0].count)
        if lines[0].count(delimiter):
            found["delimiter"] = delimiter
        else:
            delimiter = ","
    cells = next(csv.reader(lines[:1], delimiter=delimiter), [])
    if len(cells) > 1 and any(_is_no_name(cell) for cell in cells):
        found["header"] = False
        found["columns"] = (
            ["input", "target"] if len(cells) == 2 else [f"column_{n}" for n in range(1, len(cells) + 1)]
        )
    return found


def _decodes(raw: bytes, encoding: str) -> bool:
    """Whether the bytes are that encoding; a character cut off at their end does not count."""
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return len(raw) == _SNIFFED_BYTES and error.start >= len(raw) - 4
    return True


def _is_no_name(cell: str) -> bool:
    return (
        as_number(cell) is not None
        or len(cell) > _MAX_HEADER_CHARS
        or cell.rstrip().endswith(tuple("?？。！"))
    )


def _template(expression: str) -> str:
    return f"{{{{ {expression} }}}}"


def _listed(choices: str | list[str] | None) -> list[str]:
    return [choices] if isinstance(choices, str) else list(choices or ())


def _key(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def _named(rest: dict[str, ColumnProfile], names: Iterable[str], fits: Any = None) -> str | None:
    """The column whose name comes first in `names`."""
    by_key = {_key(name): name for name in reversed(rest)}
    for wanted in names:
        name = by_key.get(wanted)
        if name is not None and rest[name].filled and (fits is None or fits(rest[name])):
            return name
    return None


def _names_splits(column: ColumnProfile) -> bool:
    names = [own_split_name(value) for value in column.counts or ()]
    return "test" in names and None not in names and len(names) > 1


def _guess_choices(rest: dict[str, ColumnProfile]) -> str | list[str] | None:
    whole = _named(rest, column_names.CHOICES, lambda c: c.empty == 0 and c.kind in ("list", "object"))
    if whole is not None:
        return whole
    stems: dict[str, list[str]] = {}
    for name in rest:
        match = _OPTION.fullmatch(_key(name))
        if match and match["stem"] in column_names.OPTION_STEMS:
            stems.setdefault(match["stem"], []).append(name)
    beside = 2  # at least the question and the answer
    return next(
        (
            sorted(names, key=_key)
            for names in stems.values()
            if len(names) >= 2 and len(rest) - len(names) >= beside
        ),
        None,
    )


def _guess_target(rest: dict[str, ColumnProfile]) -> str:
    kept = {name: column for name, column in rest.items() if column.kind not in ("object", "empty")}
    full = {name: column for name, column in kept.items() if column.empty == 0}
    # A column of that name with gaps is still meant: the gaps are what has to be said.
    named = _named(full, column_names.TARGETS) or _named(kept, column_names.TARGETS)
    if named is not None:
        return named
    others = [column for column in full.values() if _key(column.name) not in column_names.INPUTS]
    labelled = [column for column in others if _are_labels(column)]
    return next((column.name for column in reversed(labelled or others)), "")


def _guess_inputs(rest: dict[str, ColumnProfile]) -> list[str]:
    filled = {name: column for name, column in rest.items() if column.filled}
    named = [name for name in filled if _key(name) in column_names.INPUTS]
    texts = [name for name, column in filled.items() if column.kind == "text" and not _are_labels(column)]
    return named or texts or list(filled)


def _are_labels(column: ColumnProfile) -> bool:
    return (
        column.counts is not None
        and 2 <= len(column.counts) <= _MAX_LABELS
        and column.filled >= _ROWS_PER_LABEL * len(column.counts)
        and column.lengths is not None
        and column.lengths.longest <= _MAX_LABEL_CHARS
        and column.kind not in ("list", "object", "mixed")
    )


def _guess_answer(
    guess: Guess, target: ColumnProfile, profiles: dict[str, ColumnProfile], answer: AnswerType | None
) -> None:
    values = [value.casefold() for value in target.counts or ()]
    if answer is not None:
        guess.answer = answer
    elif guess.choices:
        guess.answer = AnswerType.CHOICE
    elif values and any(set(values) <= pair for pair in column_names.YES_NO):
        guess.answer = AnswerType.YES_NO
    elif target.kind == "number" and not (
        _are_labels(target)
        and (len(values) <= _MAX_NUMBER_LABELS or _key(target.name) in column_names.LABELS)
    ):
        guess.answer = AnswerType.NUMBER
    elif _are_labels(target):
        guess.answer = AnswerType.LABEL
    if guess.answer in (AnswerType.LABEL, AnswerType.YES_NO) and target.counts:
        guess.labels = sorted(target.counts)
    if guess.answer is AnswerType.CHOICE:
        _letters_for_positions(
            guess, target, [profiles[name] for name in _listed(guess.choices) if name in profiles]
        )


def _letters_for_positions(guess: Guess, target: ColumnProfile, choices: list[ColumnProfile]) -> None:
    """A target that counts the choices (0, 1, 2 … or 1, 2, 3 …) becomes a letter by a template."""
    values = [as_number(value) for value in target.counts or ()]
    numbers = sorted(int(value) for value in values if value is not None)
    if target.kind != "number" or not numbers or not target.name.isidentifier():
        return
    if any(_hold_numbers(column) for column in choices):
        return  # the target may be the text of a choice
    first, last = numbers[0], numbers[-1]
    if first in (0, 1) and last - first < _MAX_LETTERS:
        letters = "".join(choice_letter(place) for place in range(last - first + 1))
        shift = " - 1" if first else ""
        guess.target = _template(f"'{letters}'[{target.name}|int{shift}]")


def _hold_numbers(column: ColumnProfile) -> bool:
    """Whether the options in that column look like numbers."""
    options: list[Any] = []
    for example in column.examples:
        inner = list(example.values()) if isinstance(example, dict) else example
        options += inner if isinstance(inner, list) else [inner]
    return all(as_number(str(option)) is not None for option in options)
