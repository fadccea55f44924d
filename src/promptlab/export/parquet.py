"""Rows to parquet, typed, in memory that does not grow with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from promptlab.basics.json_text import json_text

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 10_000
_WIDEST_INTEGER = 2**63


def write_parquet(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Integers, floats, booleans and texts as what they are; lists and objects as their JSON.

    A column's type is that of all its values, so the rows are spooled to disk and read twice: what only
    the last row has must not fail the file. A column without any value has parquet's null type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[str, set[str]] = {}
    with tempfile.TemporaryFile() as spool:
        for row in rows:
            for name, value in row.items():
                kinds.setdefault(name, set()).add(_kind(value))
            spool.write(json_text(dict(row)).encode() + b"\n")
        schema = pa.schema([(name, _type(found)) for name, found in kinds.items()])
        spool.seek(0)
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for chunk in _chunks(spool):
                columns = [_column([row.get(field.name) for row in chunk], field.type) for field in schema]
                writer.write_table(pa.table(columns, schema=schema))


def _chunks(spool: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    while lines := list(islice(spool, ROW_GROUP)):
        yield [_loaded(line) for line in lines]


def _loaded(line: bytes) -> dict[str, Any]:
    try:
        row: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        import json

        row = json.loads(line)  # lone surrogates and large integers
    return row


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -_WIDEST_INTEGER <= value < _WIDEST_INTEGER else "text"
    return "float" if isinstance(value, float) else "text"


def _type(kinds: set[str]) -> pa.DataType:
    import pyarrow as pa

    found = kinds - {"null"}
    if not found:
        return pa.null()
    if found == {"int"}:
        return pa.int64()
    if found == {"bool"}:
        return pa.bool_()
    return pa.float64() if found <= {"int", "float"} else pa.string()


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_string(kind):
        values = [None if value is None else _text(value) for value in values]
    return pa.array(values, type=kind)


def _text(value: Any) -> str:
    """Lone surrogates occur in models' replies and have no UTF-8: they are written as escapes."""
    text = value if isinstance(value, str) else json_text(value)
    return text.encode("utf-8", "backslashreplace").decode()
