"""Kinds of settings that are more than values: another technique, and a file beside the experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from promptlab.basics.errors import UsageError
from promptlab.basics.named_file import FileContent
from promptlab.basics.registry import did_you_mean

if TYPE_CHECKING:
    from promptlab.techniques.base import Technique


def build(value: Any, info: ValidationInfo) -> Technique:
    """A technique from `NAME` or `{technique: NAME, …settings}`. ValueError in one line."""
    from promptlab.techniques.base import Technique, techniques

    if isinstance(value, Technique):
        return value
    given = {"technique": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("technique"), str):
        raise ValueError("must be a technique: NAME, or {technique: NAME, …}")
    settings = {key: each for key, each in given.items() if key != "technique"}
    folder = (info.context or {}).get("folder")
    try:
        return techniques.get(given["technique"], folder=folder).model_validate(
            settings, context=info.context
        )
    except UsageError as error:
        raise ValueError(str(error)) from None
    except ValidationError as error:
        raise ValueError(_first(error, given["technique"])) from None


def _first(error: ValidationError, name: str) -> str:
    """The first mistake in an inner technique's settings, in one line."""
    from promptlab.techniques.base import techniques

    detail = error.errors(include_url=False)[0]
    where = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        known = techniques.get(name).model_fields if ".py:" not in name else {}
        return f"{name} has no setting {where!r}. {did_you_mean(where, known)}"
    message = str(detail.get("ctx", {}).get("error", detail["msg"]))
    return f"{name}: {where}: {message}"


def spelled(technique: Technique) -> dict[str, Any]:
    """A technique as the YAML names it, with all its settings."""
    return {"technique": technique.registered_name, **technique.model_dump(mode="json", exclude_none=True)}


def plain_settings(value: Any) -> Any:
    """A setting's value for an identity: inner techniques by theirs, files by their content."""
    from promptlab.techniques.base import Technique

    if isinstance(value, Technique):
        return value.identity()
    if isinstance(value, FileContent):
        return {"sha256": value.digest}
    if isinstance(value, BaseModel):
        # Settings that came later and are not given leave older identities as they were.
        later = getattr(value, "later_settings", ())
        kept = {name: getattr(value, name) for name in type(value).model_fields}
        return {
            name: plain_settings(each) for name, each in kept.items() if name not in later or each is not None
        }
    if isinstance(value, dict):
        return {key: plain_settings(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_settings(each) for each in value]
    return value


Inner = Annotated[
    "Technique",
    PlainValidator(build),
    PlainSerializer(spelled),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"technique": {"type": "string"}},
                    "required": ["technique"],
                },
            ]
        }
    ),
]
