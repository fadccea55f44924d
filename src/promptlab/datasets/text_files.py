"""csv, tsv and jsonl: rows in order, and any row again by its place in the file.

A csv record may span lines; in tsv and jsonl a line is a record. Nothing is guessed: a row that does not fit
is refused with its number. Memory holds one record at a time.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

from promptlab.basics.errors import ExperimentError
from promptlab.datasets.json_text import parse_object

TextKind = Literal["csv", "tsv", "jsonl"]

# An unclosed quote must not swallow the rest of a large file.
MAX_RECORD_BYTES = 64 * 2**20
csv.field_size_limit(2**31 - 1)  # the bound above holds instead: the module's own is 128 KiB a cell

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NEEDS_DOUBLE_BYTES = ("utf-16", "utf-32", "utf_16", "utf_32", "u16", "u32")


class RawRow(NamedTuple):
    """A row's number (from 1, header and blank lines not counted), its line, its bytes' place, its cells.

    A row that has no place in a file has `kept`, its JSON text, instead of line, start and length.
    """

    row: int
    line: int
    start: int
    length: int
    values: dict[str, Any]
    kept: str = ""


class TextRows:
    """The rows of one file. `columns` are its header; None for jsonl and until a header has been read."""

    def __init__(
        self,
        path: Path,
        kind: TextKind,
        *,
        label: str = "",
        encoding: str | None,
        columns: Sequence[str] | None,
        delimiter: str = ",",
    ) -> None:
        self.path = path
        self.kind = kind
        self.label = label or path.name
        self.columns = tuple(columns) if columns is not None else None
        self.encoding = codec(encoding)
        self.delimiter = delimiter

    def scan(self) -> Iterator[RawRow]:
        """All rows in order. ExperimentError names file, row, line, column where one cannot be read."""
        with self.path.open("rb") as stream:
            lines = _Lines(self, stream)
            yield from self._scan_records(lines) if self.kind == "jsonl" else self._scan_cells(lines)

    def read(self, stream: BinaryIO, start: int, length: int) -> dict[str, Any]:
        """The row at that place. ValueError where there is none any more."""
        stream.seek(start)
        text = stream.read(length).decode(self.encoding).removeprefix("\ufeff")
        if self.kind == "jsonl":
            return parse_object(text)
        cells = _split_tabs(text) if self.kind == "tsv" else next(self._records([text]), [])
        return dict(zip(self.columns or (), cells, strict=True))

    def _scan_records(self, lines: _Lines) -> Iterator[RawRow]:
        for text in lines:
            if not text.strip():
                lines.begin()
                continue
            try:
                values = parse_object(text)
            except ValueError as error:
                raise lines.refuse(str(error), remedy="Each line must be one JSON object.") from None
            yield lines.taken(values)

    def _scan_cells(self, lines: _Lines) -> Iterator[RawRow]:
        records = map(_split_tabs, lines) if self.kind == "tsv" else self._records(lines)
        while True:
            try:
                cells = next(records, None)
            except csv.Error as error:
                raise lines.refuse(
                    f"it is not valid csv: {error}", remedy=_csv_remedy(str(error), self.columns or ())
                ) from None
            if cells is None:
                return
            if not cells or (len(cells) == 1 and not cells[0].strip() and len(self.columns or "..") > 1):
                lines.begin()
                continue
            if self.columns is None:
                self.columns = self._header(cells)
                lines.begin()
                continue
            if len(cells) != len(self.columns):
                raise lines.refuse(
                    f"it has {len(cells)} cells, but there are {len(self.columns)} columns",
                    remedy=_ragged_remedy(self.kind, cells, self.columns),
                )
            yield lines.taken(dict(zip(self.columns, cells, strict=True)))

    def _records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _header(self, cells: list[str]) -> tuple[str, ...]:
        names = tuple(cell.strip() or f"column_{position}" for position, cell in enumerate(cells, start=1))
        for position, name in enumerate(names):
            if name in names[:position]:
                raise ExperimentError(
                    f"{self.label}: the header names the column {name!r} twice",
                    field="path",
                    remedy="Rename one, or say `header: false` and `columns:` if the file has no header.",
                )
        return names


class _Lines:
    """Decoded lines of a stream, and where the current record began."""

    def __init__(self, rows: TextRows, stream: BinaryIO) -> None:
        self._rows = rows
        self._stream = stream
        self._row = 1
        self._line = 0
        self._first_line = 1
        self._start = 0
        self._end = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._stream.readline(MAX_RECORD_BYTES + 1)
        if not raw:
            raise StopIteration
        self._line += 1
        if self._end == 0 and raw.startswith(_UTF16_MARKS):
            raise self.refuse("the file is UTF-16", remedy="Save it as UTF-8.")
        self._end += len(raw)
        if self._end - self._start > MAX_RECORD_BYTES:
            raise self.refuse(
                f"it does not end within {MAX_RECORD_BYTES // 2**20} MiB",
                remedy="Is a closing quote missing?"
                if self._rows.kind == "csv"
                else "Is this one row a line?",
            )
        if b"\0" in raw:
            column = self._column_at(raw, raw.index(b"\0"))
            raise self.refuse(
                "there is a NUL byte", column=column, remedy="Take it out, or save the file as UTF-8 text."
            )
        try:
            text = raw.decode(self._rows.encoding)
        except UnicodeDecodeError as error:
            raise self._undecodable(raw, error) from None
        return text.removeprefix("\ufeff") if self._end - len(raw) == self._start else text

    def begin(self) -> None:
        """The next line begins a record."""
        self._start, self._first_line = self._end, self._line + 1

    def taken(self, values: dict[str, Any]) -> RawRow:
        """The record read since `begin`, and the next one begins."""
        row = RawRow(self._row, self._first_line, self._start, self._end - self._start, values)
        self._row += 1
        self.begin()
        return row

    def refuse(self, message: str, *, column: str | None = None, remedy: str) -> ExperimentError:
        return ExperimentError(
            f"{place(self._rows.label, self._row, self._first_line, column)}: {message}",
            field="path",
            remedy=remedy,
        )

    def _undecodable(self, raw: bytes, error: UnicodeDecodeError) -> ExperimentError:
        column = self._column_at(raw, error.start)
        message = f"byte 0x{raw[error.start]:02x} is not {self._rows.encoding}"
        remedy = "Say which one it is, for example `encoding: gb18030`, or save the file as UTF-8."
        if self._rows.encoding == "utf-8":
            try:
                around = raw[max(0, error.start - 40) : error.start + 40] if len(raw) > 2**16 else raw
                shown = around.decode("gb18030").strip()[:24]
                remedy = (
                    f"It reads as GB18030 ({shown!r}): say `encoding: gb18030`, or save the file as UTF-8."
                )
            except UnicodeDecodeError:
                pass  # not GB18030 either: the general remedy stands
        return self.refuse(message, column=column, remedy=remedy)

    def _column_at(self, raw: bytes, position: int) -> str | None:
        """The name of the column that byte of a line lies in, where the line alone tells."""
        if not self._rows.columns or self._line != self._first_line:
            return None
        before = raw[:position].decode(self._rows.encoding, errors="replace").replace("\0", "")
        cells = (
            _split_tabs(before)
            if self._rows.kind == "tsv"
            else next(csv.reader([before], delimiter=self._rows.delimiter), [""])
        )
        return self._rows.columns[len(cells) - 1] if len(cells) <= len(self._rows.columns) else None


def place(label: str, row: int, line: int = 0, column: str | None = None) -> str:
    """``reviews.csv, row 3 (line 5), column 'text'``; line 0 is none."""
    shown = f"{label}, row {row}"
    if line:
        shown += f" (line {line})"
    return f"{shown}, column {column!r}" if column else shown


def _split_tabs(line: str) -> list[str]:
    """The cells of a tsv line. A line that is well quoted loses its quotes; any other is taken as it is."""
    line = line.removesuffix("\n").removesuffix("\r")
    if '"' in line:
        try:
            return next(csv.reader(io.StringIO(line), delimiter="\t", strict=True))
        except csv.Error:
            pass  # a quote that is part of the text: tsv has no quoting of its own
    return line.split("\t") if line else []


def codec(encoding: str | None) -> str:
    if encoding is None:
        return "utf-8"
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, TypeError, ValueError):
        raise ExperimentError(
            "there is no such encoding",
            field="encoding",
            value=encoding,
            remedy="Known: utf-8, gb18030, big5, cp1252, …",
        ) from None
    if name.startswith(_NEEDS_DOUBLE_BYTES):
        raise ExperimentError(
            "this encoding cannot be read by lines",
            field="encoding",
            value=encoding,
            remedy="Save the file as UTF-8.",
        )
    return "utf-8" if name == "utf-8-sig" else name


def _csv_remedy(message: str, columns: Sequence[str]) -> str:
    if "new-line" in message:
        return "Save the file with line ends of Unix or Windows."
    return delimiter_remedy(columns) or (
        'A cell with a comma, a quote or a line break stands in quotes, and a quote inside it is doubled: "".'
    )


def _ragged_remedy(kind: str, cells: list[str], columns: tuple[str, ...]) -> str:
    if kind == "tsv":
        return "A cell must not hold a tab or a line break: save as csv or jsonl where it does."
    if len(cells) > len(columns):
        return delimiter_remedy(columns) or 'Put a cell that holds a comma in quotes: "a, b".'
    return "Fill in the empty cells, commas included."


def delimiter_remedy(columns: Sequence[str]) -> str:
    """What to do where the header of a csv file is one cell that holds another delimiter; else nothing."""
    found = [each for each in ";\t|" if len(columns) == 1 and each in columns[0]]
    return f"Is it separated by {found[0]!r}? Then say `delimiter: {json.dumps(found[0])}`." if found else ""
