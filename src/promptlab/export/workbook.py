"""Sheets to an Excel workbook: typed cells, a frozen header, nothing that runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import UsageError
from promptlab.basics.json_text import json_text

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell

Row = Mapping[str, Any]
# Excel's limits.
MOST_ROWS = 1_048_576
MOST_CHARS = 32_767
EXACT_INTEGER = 10**15
_LOOKED_AT = 50  # rows that say how wide a column is
_WIDEST = 60
_FORMULA = ("=", "+", "-", "@", "\t", "＝", "＋", "－", "＠")
# What XML 1.0 cannot hold. Line ends become \n, as in every cell that Excel writes.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def write_workbook(sheets: Mapping[str, Iterable[Row]], path: Path) -> None:
    """One sheet each, the first row's names as its frozen header; holds one row at a time.

    Numbers and booleans are typed, text is text: a formula is never written, and text that looks like one
    has Excel's own quote prefix, so that editing the cell does not make it one. A text longer than Excel's
    32,767 characters ends with how many were cut; integers beyond 15 digits are text, since Excel rounds
    them. UsageError beyond Excel's 1,048,576 rows.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        each = iter(rows)
        head = list(islice(each, _LOOKED_AT))
        columns = list(head[0]) if head else []
        for number, name in enumerate(columns, start=1):
            longest = max(len(str(value)) for value in (name, *(row.get(name) for row in head)))
            sheet.column_dimensions[get_column_letter(number)].width = min(_WIDEST, longest + 2)
        if not columns:
            continue
        header = [_cell(sheet, name) for name in columns]
        for cell in header:
            cell.font = Font(bold=True)
        sheet.append(header)
        count = 1
        try:
            for row in _within(chain(head, each), title):
                sheet.append([_cell(sheet, row.get(name)) for name in columns])
                count += 1
        except BaseException:
            sheet.close()  # or openpyxl complains of an open element when it is collected
            raise
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"
    book.save(path)


def _within(rows: Iterable[Row], title: str) -> Iterator[Row]:
    for count, row in enumerate(rows, start=2):
        if count > MOST_ROWS:
            raise UsageError(
                f"{title} has more than the {MOST_ROWS - 1:,} rows a sheet can hold.",
                remedy="Export to parquet or csv.",
            )
        yield row


def _cell(sheet: Any, value: Any) -> WriteOnlyCell:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, float) and not math.isfinite(value):
        value = None
    if value is None or isinstance(value, (bool, float)):
        return WriteOnlyCell(sheet, value)
    if isinstance(value, int) and abs(value) < EXACT_INTEGER:
        return WriteOnlyCell(sheet, value)
    text = _text(value if isinstance(value, str) else json_text(value))
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl makes a formula of what starts with =, and an error of "#N/A"
    if text.startswith(_FORMULA):
        cell.quotePrefix = True
    return cell


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _ILLEGAL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    text = _ESCAPE.sub("_x005F_", text)  # Excel reads _x0041_ as A
    if len(text) <= MOST_CHARS:
        return text
    note = f" … [{len(text):,} characters, cut to fit a cell]"
    return text[: MOST_CHARS - len(note)] + note
