"""Where rows come from: files of some kind, or a source that makes them."""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.datasets.documents import document_rows, plain_row
from promptlab.datasets.json_text import parse_object
from promptlab.datasets.row_source import Source, sources
from promptlab.datasets.spec import COPIED_KINDS, TEXT_KINDS, DatasetSpec
from promptlab.datasets.text_files import RawRow, TextKind, TextRows, place


class FileState(NamedTuple):
    """What tells that a file is still the one that was read."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: str | Path) -> FileState:
        found = Path(path).stat()
        return cls(str(path), found.st_size, found.st_mtime_ns)

    @classmethod
    def now(cls, path: str | Path) -> FileState | None:
        """None where the file is gone."""
        try:
            return cls.of(path)
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Origin:
    """One file, or one source. `name` is the split that all its rows say they belong to, if any."""

    label: str
    kind: str
    path: Path | None = None
    source: Source | None = None
    name: str = ""

    @property
    def copied(self) -> bool:
        """Whether rows cannot be read by place, so that the index keeps a copy of them."""
        return self.kind not in TEXT_KINDS.values()

    @property
    def identity(self) -> list[Any]:
        """What the index depends on, the file's state apart."""
        if self.source is None:
            return [self.kind, str(self.path), self.name]
        kind = type(self.source)
        return [kind.__module__, kind.__qualname__, kind.version, self.source.model_dump(mode="json")]

    def reader(self, spec: DatasetSpec) -> TextRows | None:
        """The reader of a text file; None where rows are copied."""
        if self.copied or self.path is None:
            return None
        return TextRows(
            self.path,
            cast(TextKind, self.kind),
            label=self.label,
            encoding=spec.encoding,
            columns=spec.columns if self.kind != "jsonl" else None,
            delimiter=spec.delimiter or ",",
        )

    def rows(self, reader: TextRows | None, spec: DatasetSpec, notes: list[str]) -> Iterator[RawRow]:
        """The first `limit` rows; nothing beyond them is read. `notes` gets what is left unread."""
        all_rows = reader.scan() if reader is not None else self._copied_rows(spec, notes)
        yield from itertools.islice(all_rows, spec.limit)

    def _copied_rows(self, spec: DatasetSpec, notes: list[str]) -> Iterator[RawRow]:
        if self.source is not None:
            made: Iterator[Any] = self.source.rows()
        else:
            assert self.path is not None
            made = document_rows(
                self.path,
                self.kind,
                label=self.label,
                records=spec.records,
                encoding=spec.encoding,
                notes=notes,
            )
        for number, row in enumerate(made, start=1):
            kept = plain_row(row, self.label, number)
            try:
                values = parse_object(kept)
            except ValueError as error:
                raise ExperimentError(
                    f"{place(self.label, number)}: {error}", field="path", remedy="Take it out."
                ) from None
            yield RawRow(number, 0, 0, 0, values, kept)


def find_origins(spec: DatasetSpec, folder: Path) -> list[Origin]:
    """The files or source of a spec; relative paths begin at `folder`. ExperimentError if one is missing."""
    if spec.generate is not None:
        made = make_source(spec.generate, folder)
        return [Origin(made.registered_name or spec.label, "generated", source=made)]
    if isinstance(spec.path, dict):
        return [_file(path, folder, f"path.{name}", spec, name) for name, path in spec.path.items()]
    return [_file(spec.path or "", folder, "path", spec, "")]


def make_source(generate: str | dict[str, Any], folder: Path) -> Source:
    """The source that `generate:` names, with its settings. ExperimentError names the wrong setting."""
    settings = {"source": generate} if isinstance(generate, str) else dict(generate)
    name = settings.pop("source")
    try:
        kind = sources.get(name, folder=folder)
    except UsageError as error:
        raise ExperimentError(
            error.message.removesuffix("."), field="generate", value=name, remedy=error.remedy
        ) from error
    try:
        return kind(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise ExperimentError(
            f"{name}: {first['msg']}",
            field=f"generate.{setting}",
            value=first["input"],
            remedy=f"Settings: {', '.join(sorted(kind.model_fields))}.",
        ) from None


def _file(given: str, folder: Path, field: str, spec: DatasetSpec, name: str) -> Origin:
    path = Path(folder, Path(given).expanduser()).resolve()
    kind = TEXT_KINDS.get(path.suffix.lower()) or COPIED_KINDS.get(path.suffix.lower())
    if not path.is_file():
        if path.is_dir():
            raise ExperimentError(
                "this is a folder, not a file", field=field, value=given, remedy="Name a file in it."
            )
        raise ExperimentError("there is no such file", field=field, value=given, remedy=_nearest_files(path))
    if not os.access(path, os.R_OK):
        raise ExperimentError("the file may not be read", field=field, value=given, remedy="Change its mode.")
    if kind is None:
        endings = ", ".join([*TEXT_KINDS, *COPIED_KINDS])
        raise ExperimentError(
            "this kind of file is not known", field=field, value=given, remedy=f"Known endings: {endings}."
        )
    wrong = {
        "records": spec.records is not None and kind not in ("json", "xlsx"),
        "header": not spec.header and kind not in ("csv", "tsv"),
        "encoding": spec.encoding is not None and kind in ("parquet", "xlsx"),
        "delimiter": spec.delimiter is not None and kind != "csv",
    }
    for setting in (setting for setting, given_in_vain in wrong.items() if given_in_vain):
        raise ExperimentError(
            f"a {kind} file has no use for it",
            field=setting,
            value=getattr(spec, setting),
            remedy="Leave it out.",
        )
    return Origin(path.name, kind, path=path, name=name)


def _nearest_files(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} either."
    known = [each.name for each in itertools.islice(path.parent.iterdir(), 1000)]
    near = difflib.get_close_matches(path.name, known, n=2)
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    return f"This would be {path}."
