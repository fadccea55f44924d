"""A file that a setting names: found beside the experiment, known by its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from promptlab.basics.hashing import file_digest


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was when the settings were read. `name` is as written, `digest` its SHA-256."""

    name: str
    path: Path
    digest: str

    def text(self) -> str:
        """All of it. ValueError where it is not UTF-8."""
        return self.path.read_text(encoding="utf-8-sig")


def _find(value: Any, info: ValidationInfo) -> FileContent:
    if isinstance(value, FileContent):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be the name of a file")
    path = (info.context or {}).get("folder", Path()) / value
    try:
        return FileContent(value, path, file_digest(path))
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}: {path}") from None


# The folder is given as validation context; the setting's key ends in `_file`.
NamedFile = Annotated[
    FileContent,
    PlainValidator(_find),
    PlainSerializer(lambda found: found.name),
    WithJsonSchema({"type": "string"}),
]
