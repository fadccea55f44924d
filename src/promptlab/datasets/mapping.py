"""From a row to what a sample says: columns or templates for target, rationale, choices, group and id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from promptlab.basics.errors import ExperimentError
from promptlab.basics.hashing import digest
from promptlab.basics.registry import did_you_mean
from promptlab.basics.templates import Template, TemplateError, template
from promptlab.datasets.sample import Sample
from promptlab.datasets.spec import DatasetSpec, is_template

CONTENT_HEX_CHARS = 32
_LARGEST_EXACT_FLOAT = 2**53


class RowProblem(Exception):
    """One row cannot become a sample. Whoever knows the file and the row says where."""

    def __init__(self, field: str, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class _Value:
    """A column (dots lead into it: `answers.text`), or a template over the row, for one field of the spec."""

    field: str
    text: str
    compiled: Template | None

    @classmethod
    def of(cls, field: str, text: str) -> _Value:
        if not is_template(text):
            return cls(field, text, None)
        try:
            return cls(field, text, template(text))
        except TemplateError as error:
            raise ExperimentError(error.message, field=field, value=text, remedy=error.remedy) from None

    @property
    def columns(self) -> frozenset[str]:
        if self.compiled is not None:
            return self.compiled.variables
        return frozenset({self.text, self.text.partition(".")[0]})

    def missing(self, known: Sequence[str]) -> list[str]:
        """The names that are no columns."""
        if self.compiled is None:
            return [] if any(name in known for name in self.columns) else [self.text]
        return sorted(name for name in self.columns if name not in known)

    def read(self, row: Mapping[str, Any]) -> Any:
        if self.compiled is None:
            return self._look_up(row)
        try:
            return self.compiled.render(row).strip()
        except TemplateError as error:
            raise RowProblem(self.field, error.message, "The template must work for every row.") from None

    def _look_up(self, row: Mapping[str, Any]) -> Any:
        if self.text in row:
            return row[self.text]
        value: Any = row
        for name in self.text.split("."):
            if not isinstance(value, Mapping) or name not in value:
                remedy = "Every row needs it: add it or fill in null."
                raise RowProblem(self.field, f"there is no column {self.text!r}", remedy)
            value = value[name]
        return value


class SampleMapping:
    """The spec's fields over rows.

    Inputs are all columns but those that hold the target, the rationale, the id or the split: what a
    technique gets never holds the answer. A template for target or rationale withholds every column it uses.
    """

    def __init__(self, spec: DatasetSpec, *, target: str | None, split_column: str | None) -> None:
        """`target` and `split_column` are the spec's or, for a generated source, its own.

        Raises ExperimentError for a template that does not parse and for metadata that leaks the target.
        """
        self._target = _Value.of("target", target) if target is not None else None
        self._rationale = _Value.of("rationale", spec.rationale) if spec.rationale is not None else None
        self._group = _Value.of("group", spec.group) if spec.group is not None else None
        self.id = _Value.of("id", spec.id) if spec.id is not None else None
        self.split_column = split_column
        if isinstance(spec.choices, list):
            self._choices = [_Value.of(f"choices.{n}", text) for n, text in enumerate(spec.choices)]
        else:
            self._choices = [_Value.of("choices", spec.choices)] if spec.choices is not None else []
        self._choices_in_one_column = isinstance(spec.choices, str)
        self._metadata = tuple(spec.metadata)
        answers = [value for value in (self._target, self._rationale) if value is not None]
        self._secret = frozenset().union(*(value.columns for value in answers))
        for position, column in enumerate(self._metadata):
            if column in self._secret:
                raise ExperimentError(
                    "metadata is shown to the technique, and this column holds the target or the rationale",
                    field=f"metadata.{position}",
                    value=column,
                    remedy="Leave it out.",
                )
        id_column = spec.id if self.id is not None and self.id.compiled is None else None
        organising = {column for column in (id_column, split_column) if column is not None}
        self._withheld = (self._secret | organising) - set(self._metadata)
        self._shown_as_metadata = tuple(dict.fromkeys([*self._metadata, *sorted(organising - self._secret)]))

    def withheld(self, columns: Sequence[str]) -> list[str]:
        """Which of the columns are kept out of the inputs."""
        return [column for column in columns if column in self._withheld]

    def check_columns(self, known: Sequence[str], remedy: str = "") -> None:
        """Raises ExperimentError where the spec names a column that is not among those of the first row."""
        values = [self._target, self._rationale, self._group, self.id, *self._choices]
        wrong = [
            (value.field, name) for value in values if value is not None for name in value.missing(known)
        ]
        wrong += [
            (f"metadata.{place}", name) for place, name in enumerate(self._metadata) if name not in known
        ]
        if self.split_column is not None and self.split_column not in known:
            wrong.append(("split.column", self.split_column))
        for field, name in wrong:
            raise ExperimentError(
                "there is no such column",
                field=field,
                value=name,
                remedy=f"{did_you_mean(name, known)} {remedy}".strip(),
            )

    def sample(self, row: Mapping[str, Any], sample_id: str = "") -> Sample:
        """The sample a row makes. RowProblem names the field that the row does not fill."""
        inputs = {name: value for name, value in row.items() if name not in self._withheld}
        target = self._read_target(row)
        rationale = _text_or_none(self._rationale, row)
        choices = self._read_choices(row)
        group = _text_or_none(self._group, row)
        metadata = {name: row[name] for name in self._shown_as_metadata if name in row}
        for position, name in enumerate(self._metadata):
            if name not in row:
                raise RowProblem(f"metadata.{position}", f"there is no column {name!r}", "Fill in null.")
        content = digest([inputs, target, rationale, choices, group, metadata])[:CONTENT_HEX_CHARS]
        return Sample(sample_id, inputs, target, content, rationale, choices, group, metadata)

    def read_id(self, row: Mapping[str, Any]) -> str | None:
        """The given id; None where the spec names none."""
        if self.id is None:
            return None
        text = _text_or_none(self.id, row)
        if text is None:
            raise RowProblem("id", "the id is empty", "Fill it in, or leave out `id:` to use content hashes.")
        return text

    def read_split(self, row: Mapping[str, Any]) -> str:
        """The text in the split column; empty where the row has none."""
        value = row.get(self.split_column) if self.split_column is not None else None
        return "" if value is None else _text("split.column", value)

    def _read_target(self, row: Mapping[str, Any]) -> str | tuple[str, ...] | None:
        if self._target is None:
            return None
        value = self._target.read(row)
        if isinstance(value, list):
            return tuple(_text("target", each) for each in value)
        if value is None or value == "":
            raise RowProblem("target", "the target is empty", "Fill it in, or take the row out.")
        return _text("target", value)

    def _read_choices(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        if not self._choices:
            return ()
        if self._choices_in_one_column:
            options = _options(self._choices[0].read(row))
        else:
            options = [choice.read(row) for choice in self._choices]
        texts = tuple(_text("choices", option) for option in options if option is not None and option != "")
        if len(texts) < 2:
            raise RowProblem(
                "choices", "there are fewer than two choices", "Give a list, or one column each."
            )
        return texts


def _options(value: Any) -> list[Any]:
    """A list; an object's values (or its list `text`); a text that holds a JSON list or an option a line."""
    if isinstance(value, dict):
        value = value["text"] if isinstance(value.get("text"), list) else list(value.values())
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise RowProblem(
                    "choices", "the choices look like a list but are not JSON", 'Write ["one", "two"].'
                ) from None
        else:
            value = [line.strip() for line in value.splitlines()]
    if not isinstance(value, list):
        raise RowProblem("choices", f"the choices are {type(value).__name__}, not a list", "Give a list.")
    return value


def _text_or_none(value: _Value | None, row: Mapping[str, Any]) -> str | None:
    found = value.read(row) if value is not None else None
    if found is None:
        return None
    return _text(value.field if value is not None else "", found) or None


def _text(field: str, value: Any) -> str:
    """A cell as text, without the spaces around it. A whole number is written without ".0"."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < _LARGEST_EXACT_FLOAT
        return str(int(value)) if whole else repr(value)
    raise RowProblem(
        field,
        f"it is {'empty' if value is None else type(value).__name__}, not a text or a number",
        'Take what you need with a template: "{{ column[0] }}".',
    )
