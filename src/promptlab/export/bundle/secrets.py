"""What must not go into a bundle: keys, whether they stand in the environment, in .env or in the file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.experiment.yaml_lines import read_document
from promptlab.models.keys import KEY_VARIABLES, find_key, mask

_SECRET_NAME = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"auth|cookie|key|secret|token", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_MIN_CHARS = 8  # shorter values are placeholders, and stand in many texts by chance


class Watch:
    """Looks through everything that goes into a bundle. UsageError where a key stands in it."""

    def __init__(self, experiment: Path, folder: Path) -> None:
        """Refuses an experiment file with a key in it at once."""
        self._values = _known(experiment, folder)
        _refuse_literals(experiment)

    def passed(self, member: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The same lines, unless one holds a key."""
        for line in lines:
            text = line.decode("utf-8", "replace")
            for name, value in self._values.items():
                if mask(text, [value]) != text:
                    raise UsageError(
                        f"no bundle was written: the value of {name} stands in {member}.",
                        remedy="Change that key, take it out of file and data, and run with --fresh.",
                    )
            yield line


def _known(experiment: Path, folder: Path) -> dict[str, str]:
    """Variable → value, of everything here that may be a key."""
    values = {name: value.strip() for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    for name in sorted(_named(experiment)):
        if name not in values and (secret := find_key(name, folder)) is not None:
            values[name] = secret.reveal()
    return {name: value for name, value in values.items() if len(value) >= _MIN_CHARS}


def _named(experiment: Path) -> set[str]:
    """The variables of the models' keys, as the file names them or as is usual, and those in headers."""
    found: set[str] = set()
    for model in _models(experiment):
        found.update(KEY_VARIABLES.get(str(model.get("id")).partition("/")[0], ()))
        if isinstance(name := model.get("api_key_env"), str):
            found.add(name)
        for text in _headers(model).values():
            found |= set(_VARIABLE.findall(str(text)))
    return found


def _refuse_literals(experiment: Path) -> None:
    for model in _models(experiment):
        for header, text in _headers(model).items():
            if _SECRET_HEADER.search(str(header)) and "${" not in str(text):
                raise UsageError(
                    f"no bundle was written: the header {header!r} of {model.get('id')!r} may hold a key.",
                    remedy="Write `${NAME}` there, set that variable, and run again.",
                )
        base = str(model.get("api_base") or "")
        parts = urlsplit(base)
        if "${" not in base and (parts.username or parts.password or parts.query):
            raise UsageError(
                f"no bundle was written: the api_base of {model.get('id')!r} has user info or a query in it.",
                remedy="Write `${NAME}` there, set that variable, and run again.",
            )


def _models(experiment: Path) -> list[Mapping[str, object]]:
    try:
        value = read_document(experiment, str(experiment)).value
    except ExperimentError as error:
        raise UsageError(f"no bundle was written: {error}") from error
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(models, list):
        return []
    return [each if isinstance(each, dict) else {"id": each} for each in models]


def _headers(model: Mapping[str, object]) -> Mapping[str, object]:
    headers = model.get("headers")
    return headers if isinstance(headers, dict) else {}
