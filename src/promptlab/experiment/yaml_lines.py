"""YAML as plain values that still know their lines. Safe: no tags, no alias bombs, no duplicate keys."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptlab.basics.errors import ExperimentError

MAX_FILE_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 50

Path_ = tuple[str | int, ...]
_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
)


@dataclass(frozen=True)
class Document:
    """A file's value and, for every path in it, the line (from 1) where it stands."""

    file: str
    text: str
    value: Any
    lines: dict[Path_, int]

    def line(self, path: Path_) -> int:
        """The line of `path`, or of the nearest of its parents that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_document(path: Path, shown: str) -> Document:
    """Reads and parses `path`. Every way in which it can be wrong is an ExperimentError."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ExperimentError("this is a folder, not an experiment file", file=shown)
        if size > MAX_FILE_BYTES:
            raise ExperimentError(
                f"the file has {size:,} bytes; an experiment file has at most {MAX_FILE_BYTES:,}",
                file=shown,
                remedy="Data belongs into a data set named under `datasets:`.",
            )
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ExperimentError("there is no such file", file=shown, remedy=_nearby(path)) from None
    except OSError as error:
        raise ExperimentError(f"cannot be read: {error.strerror}", file=shown) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ExperimentError(
            f"not UTF-8 (byte 0x{raw[error.start]:02x})",
            file=shown,
            line=line,
            remedy="Save the file as UTF-8.",
        ) from None
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """Parses YAML text; `shown` names it in messages."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context or "not valid YAML").split())
        remedy = "Quote values that start with {{ or contain ': '." if "{{" in _line_of(text, mark) else ""
        raise ExperimentError(
            f"not valid YAML: {problem}", file=shown, line=mark.line + 1 if mark else None, remedy=remedy
        ) from None
    except RecursionError:
        raise ExperimentError("not valid YAML: nested too deeply", file=shown) from None
    except (YAMLError, ValueError) as error:
        first = " ".join(str(error).split())[:200] or type(error).__name__
        raise ExperimentError(f"not valid YAML: {first}", file=shown) from None
    if node is None:
        raise ExperimentError(
            "the file is empty", file=shown, remedy="`promptlab init` writes a commented start."
        )
    reader = _Reader(shown, yaml)
    return Document(shown, text, reader.value(node, ()), reader.lines)


class _Reader:
    """Turns a node tree into values, counting every node it expands, aliases included."""

    def __init__(self, shown: str, yaml: Any) -> None:
        self._shown = shown
        self._construct = yaml.constructor
        self._expanded = 0
        self.lines: dict[Path_, int] = {}

    def value(self, node: Any, path: Path_) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._expanded += 1
        if self._expanded > MAX_NODES:
            raise self._wrong(f"more than {MAX_NODES:,} values once its aliases are expanded", line, path)
        if len(path) > MAX_DEPTH:
            raise self._wrong(f"nested more than {MAX_DEPTH} deep", line, path)
        tag = str(node.tag)
        if tag not in _PLAIN_TAGS:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            raise self._wrong(
                f"the YAML tag {shown} is not allowed here", line, path, "Write the plain value."
            )
        if tag.endswith(":map") and isinstance(node.value, list):
            return self._mapping(node, path)
        if tag.endswith(":seq"):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if tag.endswith((":timestamp", ":str")):
            return node.value  # a date stays the text it was written as
        try:
            return self._construct.construct_object(node, deep=True)
        except (ValueError, OverflowError) as error:
            raise self._wrong(f"not a value: {error}", line, path) from None

    def _mapping(self, node: Any, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key, Hashable) or not isinstance(key, str):
                raise self._wrong("a key must be a text", line, path)
            if key == "<<":
                raise self._wrong("merge keys (<<) are not allowed", line, path, "Write the keys out.")
            if key in result:
                raise self._wrong(f"the key {key!r} stands twice", line, (*path, key), "Remove one of them.")
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def _wrong(self, message: str, line: int, path: Path_, remedy: str = "") -> ExperimentError:
        return ExperimentError(message, file=self._shown, line=line, field=dotted(path), remedy=remedy)


def dotted(path: Path_) -> str:
    """``('variants', 1, 'technique')`` as ``variants.1.technique``."""
    return ".".join(str(part) for part in path)


def _line_of(text: str, mark: Any) -> str:
    lines = text.splitlines()
    return lines[mark.line] if mark is not None and mark.line < len(lines) else ""


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"There is no folder {folder} either."
    from promptlab.basics.registry import did_you_mean

    names = [each.name for each in folder.iterdir() if each.suffix in (".yaml", ".yml")]
    return did_you_mean(path.name, names) if names else "`promptlab init` writes a commented start."
