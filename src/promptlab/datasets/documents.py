"""json, parquet and xlsx: rows in order. They cannot be read by place, so the index keeps a copy."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.json_text import parse_document
from promptlab.datasets.text_files import codec

# A JSON document is held in memory as a whole, about five times its size.
MAX_JSON_BYTES = 2**30
_PARQUET_BATCH_ROWS = 1024


def document_rows(
    path: Path, kind: str, *, label: str, records: str | None, encoding: str | None, notes: list[str]
) -> Iterator[Mapping[str, Any]]:
    """The rows of a json, parquet or xlsx file. ExperimentError where it cannot be read.

    `records`: the key, or the sheet, that holds them. `notes` gets what is left unread.
    """
    if kind == "json":
        return _json_rows(path, label, records, encoding)
    return _parquet_rows(path, label) if kind == "parquet" else _xlsx_rows(path, label, records, notes)


def _json_rows(
    path: Path, label: str, records: str | None, encoding: str | None
) -> Iterator[Mapping[str, Any]]:
    name = codec(encoding)
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ExperimentError(
            f"{label} is larger than {MAX_JSON_BYTES // 2**30} GiB", field="path", remedy="Save it as jsonl."
        )
    raw = path.read_bytes()
    if not raw.strip():
        raise ExperimentError(f"{label} is empty", field="path", remedy="Give a file with rows.")
    try:
        document = parse_document(raw.decode(name).removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ExperimentError(
            f"{label}: byte {error.start + 1} (line {line}) is not {name}",
            field="path",
            remedy="Save it as UTF-8, or say which one it is, for example `encoding: gb18030`.",
        ) from None
    except ValueError as error:
        raise ExperimentError(
            f"{label}: {error}", field="path", remedy="One object a line is jsonl: name the file .jsonl."
        ) from None
    yield from _json_records(document, label, records)


def _json_records(document: Any, label: str, key: str | None) -> list[Any]:
    """A list; or under `records`; or the one list or object of records in an object; or the object itself."""
    if key is not None:
        for name in key.split("."):
            if not isinstance(document, dict) or name not in document:
                known = ", ".join(map(repr, document)) if isinstance(document, dict) else "none"
                raise ExperimentError(
                    f"{label} has no such key", field="records", value=key, remedy=f"Keys: {known[:200]}."
                )
            document = document[name]
        if not isinstance(document, list) and not _is_records(document):
            raise ExperimentError(
                f"{label} holds no rows there", field="records", value=key, remedy="Name a list of objects."
            )
        return document if isinstance(document, list) else list(document.values())
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        inside = {name: value for name, value in document.items() if _is_list(value) or _is_records(value)}
        if len(inside) == 1:
            found = next(iter(inside.values()))
            return found if isinstance(found, list) else list(found.values())
        if _is_records(document) and (
            not inside or len({frozenset(each) for each in document.values()}) == 1
        ):
            return list(document.values())
        if inside:
            raise ExperimentError(
                f"{label} holds rows under several keys: {', '.join(map(repr, inside))}"[:300],
                field="records",
                remedy=f"Say which: `records: {next(iter(inside))}`.",
            )
    raise ExperimentError(
        f"{label} holds no list of objects",
        field="path",
        remedy="Rows are objects: [{...}, {...}], or jsonl.",
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_records(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(each, dict) for each in value.values())


def _parquet_rows(path: Path, label: str) -> Iterator[Mapping[str, Any]]:
    parquet = _optional("pyarrow.parquet", "pyarrow", label)
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise ExperimentError(
            f"{label} is not a parquet file: {error}", field="path", remedy="Check it."
        ) from None
    with file:
        for batch in file.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
            yield from batch.to_pylist()


def _xlsx_rows(path: Path, label: str, sheet: str | None, notes: list[str]) -> Iterator[Mapping[str, Any]]:
    """One sheet, the first if none is named; `notes` names others that hold something.

    Its first row is the header; empty cells are empty texts, empty rows are no rows.
    """
    import zipfile

    openpyxl = _optional("openpyxl", "openpyxl", label)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ExperimentError(
            f"{label} is not an xlsx file: {error}", field="path", remedy="Check it."
        ) from None
    try:
        chosen = _xlsx_sheet(book, label, sheet, notes)
        sheet_rows = chosen.iter_rows(values_only=True)
        header: list[str] = []
        for number, cells in enumerate(sheet_rows, start=1):
            if all(cell is None for cell in cells):
                continue
            if not header:
                header = _xlsx_header(cells, label)
                continue
            if any(cell is not None for cell in cells[len(header) :]):
                raise ExperimentError(
                    f"{label}, sheet row {number}: there is a cell to the right of the last column",
                    field="path",
                    remedy="Give it a name in the first row, or clear it.",
                )
            filled = [*cells, *[None] * (len(header) - len(cells))]
            yield {name: "" if cell is None else cell for name, cell in zip(header, filled, strict=False)}
    finally:
        book.close()


def _xlsx_sheet(book: Any, label: str, name: str | None, notes: list[str]) -> Any:
    sheets = {each.title: each for each in book.worksheets}
    if name is not None:
        if name not in sheets:
            raise ExperimentError(
                f"{label} has no such sheet", field="records", value=name, remedy=did_you_mean(name, sheets)
            )
        return sheets[name]
    first, *others = sheets.values()
    unread = [each.title for each in others if _holds_cells(each)]
    if unread:
        notes.append(
            f"{label}: only the sheet {first.title!r} is read, not {', '.join(map(repr, unread))}"
            " (`records: SHEET` picks another)"
        )
    return first


def _holds_cells(sheet: Any) -> bool:
    return any(cell is not None for cells in sheet.iter_rows(values_only=True) for cell in cells)


def _xlsx_header(cells: tuple[Any, ...], label: str) -> list[str]:
    width = max(position for position, cell in enumerate(cells, start=1) if cell is not None)
    names = [
        f"column_{position}" if cell is None else str(cell).strip()
        for position, cell in enumerate(cells[:width], 1)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExperimentError(
            f"{label}: the first row names the column {twice[0]!r} twice", field="path", remedy="Rename one."
        )
    return names


def plain_row(row: Any, label: str, number: int) -> str:
    """A row as the JSON text that is kept: dates in ISO form, decimals and times as text."""
    if not isinstance(row, Mapping):
        raise ExperimentError(
            f"{label}, row {number}: it is {type(row).__name__}, not an object",
            field="path",
            remedy="Rows are objects.",
        )
    try:
        return orjson.dumps(row, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError as error:
        try:  # integers beyond 64 bit are legal in JSON but not in orjson
            return json.dumps(row, ensure_ascii=False, default=_plain)
        except (TypeError, ValueError):
            raise ExperimentError(
                f"{label}, row {number}: a cell cannot be kept as JSON: {error}",
                field="path",
                remedy="Make it text.",
            ) from None


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if type(value).__name__ in ("Decimal", "timedelta"):
        return str(value)
    raise TypeError(type(value).__name__)


def _optional(module: str, package: str, label: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise UsageError(
            f"{label} needs {package} to be read.", remedy=f"pip install {package}, or save as csv."
        ) from None
