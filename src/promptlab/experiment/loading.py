"""From a file to a spec: read, unfolded, typed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.explaining import Places, explain_all
from promptlab.experiment.matrix import Unfolded
from promptlab.experiment.spec import ExperimentSpec
from promptlab.experiment.unfolding import unfold
from promptlab.experiment.yaml_lines import Document, Path_, parse_document, read_document

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Loaded:
    """A spec and where it came from, so that later findings can still name their line.

    `unfolded` says what the file's matrix made of which entry.
    """

    spec: ExperimentSpec
    places: Places
    path: Path
    unfolded: tuple[Unfolded, ...] = ()

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def text(self) -> str:
        """The file as it was written."""
        return self.places.document.text

    def error(self, path: Path_, message: str, *, value: object = None, remedy: str = "") -> ExperimentError:
        """An error at that place of the file."""
        return self.places.error(path, message, value=value, remedy=remedy)


def load_spec(path: Path) -> Loaded:
    """Reads an experiment file. ExperimentError for everything that is wrong with the file alone."""
    return _load(read_document(path, str(path)), path.resolve())


def load_text(text: str, path: Path) -> Loaded:
    """The same for a text that stands (or will stand) at `path`."""
    return _load(parse_document(text, str(path)), path.resolve())


def load_all(text: str, path: Path) -> Loaded | list[ExperimentError]:
    """The same as `load_text`, or everything that is wrong with the text, not only the first."""
    try:
        return _read(parse_document(text, str(path)), path.resolve())
    except ExperimentError as error:
        return [error]


def _load(document: Document, path: Path) -> Loaded:
    found = _read(document, path)
    if isinstance(found, list):
        raise found[0] from None
    return found


def _read(document: Document, path: Path) -> Loaded | list[ExperimentError]:
    value = document.value
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"the single value {value!r}"
        raise ExperimentError(
            f"an experiment is a mapping of keys to values, but this file holds {kind}",
            file=document.file,
            line=1,
            remedy="Start with `name:`, `datasets:`, `task:`, `models:` and `variants:`.",
        )
    places = Places(document)
    long, unfolded = unfold(value, places)
    try:
        spec = ExperimentSpec.model_validate(long)
    except ValidationError as error:
        return explain_all(error, places, (), ExperimentSpec)
    return Loaded(spec, places, path, unfolded)


def expand_variables(text: str, env: dict[str, str] | None = None) -> str:
    """`${NAME}` from the environment. KeyError names what is not set."""
    values = os.environ if env is None else env

    def value(match: re.Match[str]) -> str:
        return values[match.group(1)]

    return _VARIABLE.sub(value, text)
