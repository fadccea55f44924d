"""Rows to a file, in the format its ending names. A file is there whole or not at all.

csv, tsv   A cell that a spreadsheet would run as a formula (text that starts with = + - @, their full-width
           forms, a tab or a line break) gets a leading apostrophe, unless it is a number; none is empty.
jsonl      One object a line, nothing changed.
md, tex    A table; what Markdown or LaTeX would interpret is escaped.
parquet    Typed columns; lists and objects as JSON.
xlsx       Typed cells under a frozen header; text is never a formula (see `workbook`).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from promptlab.basics.errors import UsageError
from promptlab.basics.json_text import json_text
from promptlab.basics.registry import did_you_mean
from promptlab.export.latex import plain_table
from promptlab.export.replacing import replacing

Row = Mapping[str, Any]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def write_table(rows: Iterable[Row], path: Path, what: str, *, bom: bool = False) -> int:
    """Writes `rows` to `path` and returns how many there were. `what` names them in messages.

    The first row gives the columns; a later row with a column it does not have is a UsageError, as are an
    unknown ending and a folder that cannot be written to. md and tex alone hold all rows.
    `bom` starts a csv or tsv with a byte order mark, by which Excel in Chinese locales knows UTF-8.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"cannot export {what} to {path.name!r}: unknown ending {path.suffix!r}.",
            remedy=did_you_mean(ending, ENDINGS),
        )
    counted = _Counted(rows)
    with replacing(path) as part:
        if ending == ".parquet":
            from promptlab.export.parquet import write_parquet

            write_parquet(counted, part)
        elif ending == ".xlsx":
            from promptlab.export.workbook import write_workbook

            write_workbook({what: counted}, part)
        else:
            # Lone surrogates occur in models' replies and have no UTF-8: they are written as escapes.
            with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                if bom and ending in (".csv", ".tsv"):
                    stream.write("\ufeff")
                _WRITERS[ending](counted, stream)
    return counted.count


class _Counted:
    """Passes rows through; each must have the first one's columns."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        columns: tuple[str, ...] | None = None
        for row in self._rows:
            self.count += 1
            columns = columns or tuple(row)
            if extra := [name for name in row if name not in columns]:
                raise UsageError(f"row {self.count} has the column {extra[0]!r}, which the first row lacks.")
            yield row


class _LineFeeds:
    """Ends rows with LF, while the csv module, told CRLF, quotes cells that hold either sign."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> int:
        return self._stream.write(row.removesuffix("\r\n") + "\n")


def _write_csv(rows: Iterable[Row], stream: TextIO, *, delimiter: str = ",") -> None:
    each = iter(rows)
    first = next(each, None)
    if first is None:
        return
    columns = list(first)
    writer = csv.writer(_LineFeeds(stream), delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in columns])
    for row in chain([first], each):
        writer.writerow([_cell(row.get(name)) for name in columns])


def _write_tsv(rows: Iterable[Row], stream: TextIO) -> None:
    _write_csv(rows, stream, delimiter="\t")


def _cell(value: Any) -> Any:
    """Numbers stay numbers, none is empty, text is made safe, anything else becomes JSON."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return value
    return _safe(value if isinstance(value, str) else json_text(value))


def _safe(text: str) -> str:
    text = text.replace("\x00", "\\x00")  # readers end the cell, or the file, at a NUL
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def _write_jsonl(rows: Iterable[Row], stream: TextIO) -> None:
    for row in rows:
        stream.write(json_text(dict(row)) + "\n")


def _write_md(rows: Iterable[Row], stream: TextIO) -> None:
    table = [dict(row) for row in rows]
    if not table:
        return
    columns = list(table[0])
    right = [all(isinstance(row.get(name), (int, float, type(None))) for row in table) for name in columns]
    stream.write(_md_line(_md_cell(name) for name in columns))
    stream.write(_md_line("---:" if numeric else "---" for numeric in right))
    for row in table:
        stream.write(_md_line(_md_cell(row.get(name)) for name in columns))


def _md_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _md_cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json_text(value)
    # Model text is shown, not interpreted: no HTML, no image, no link.
    for sign in ("\\", "|", "<", "[", "`", "*", "_"):
        text = text.replace(sign, f"\\{sign}")
    return "<br>".join(text.splitlines())


def _write_tex(rows: Iterable[Row], stream: TextIO) -> None:
    stream.writelines(plain_table(rows))


_WRITERS: dict[str, Callable[[Iterable[Row], TextIO], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".md": _write_md,
    ".tex": _write_tex,
    ".tsv": _write_tsv,
}
ENDINGS = tuple(sorted([*_WRITERS, ".parquet", ".xlsx"]))
