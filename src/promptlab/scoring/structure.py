"""JSON replies: whether they parse, whether they follow a schema."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, NoReturn

from pydantic import Field

from promptlab.basics.errors import UsageError
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.extraction.code import fenced_blocks

_INVALID = object()


class _Json(Scorer):
    """`fenced`: JSON in a Markdown code block counts; else the reply must be JSON and nothing else."""

    needs_target = False

    fenced: bool = True

    @property
    def strict(self) -> bool:
        return not self.fenced

    def parsed(self, text: str) -> Any:
        """The reply's JSON value, or _INVALID."""
        value = _loads(text)
        if value is _INVALID and self.fenced:
            blocks = fenced_blocks(text)
            value = _loads(blocks[-1]) if blocks else _INVALID
        return value


def _loads(text: str) -> Any:
    try:
        return json.loads(text.strip(), parse_constant=_reject)
    except (ValueError, RecursionError):
        return _INVALID


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


@scorer("json_valid")
class JsonValid(_Json):
    """The reply is valid JSON. NaN and Infinity are not."""

    def score(self, answered: Answered, gold: Gold) -> float:
        return float(self.parsed(answered.text) is not _INVALID)


@scorer("json_schema")
class JsonSchema(_Json):
    """The reply is JSON that follows `schema`. References outside the schema are not fetched."""

    schema_: dict[str, Any] = Field(alias="schema")

    def check(self, form: AnswerForm) -> None:
        try:
            import jsonschema
        except ImportError:
            raise UsageError(
                "the scorer 'json_schema' needs the package jsonschema.",
                remedy="Install it: pip install jsonschema.",
            ) from None
        try:
            jsonschema.validators.validator_for(self.schema_).check_schema(self.schema_)
        except jsonschema.SchemaError as error:
            raise UsageError(f"the JSON schema is wrong: {error.message}.") from None

    @cached_property
    def _validator(self) -> Any:
        import jsonschema
        import referencing

        cls = jsonschema.validators.validator_for(self.schema_)
        return cls(self.schema_, registry=referencing.Registry())

    def score(self, answered: Answered, gold: Gold) -> float:
        value = self.parsed(answered.text)
        if value is _INVALID:
            return 0.0
        try:
            return float(self._validator.is_valid(value))
        except RecursionError:
            return 0.0
