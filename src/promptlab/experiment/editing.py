"""Changing one value in an experiment file, as text: everything else stays, comments and layout included.

The form and the YAML are two views of one text. An edit replaces, adds or removes exactly the characters of
what was edited. What comes out is read again: where it does not say what was meant, the whole file is written
by ruamel's round trip instead, which keeps comments too; where that cannot say it, nothing is changed.
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.yaml_lines import Path_, dotted, parse_document

# What an entry is in short, by the list in which it stands: `- zero_shot` is `- technique: zero_shot`.
MAIN_KEYS = {
    "models": "id",
    "variants": "technique",
    "scorers": "scorer",
    "embedding": "id",
    "task": "prompt",
}
_FILE = "the experiment"
_WIDE = 4096  # characters a line, so that ruamel folds none


def set_value(text: str, path: Path_, value: Any) -> str:
    """`text` with that value at that place of the file; keys on the way that are not there are added.

    A short form on the way (`- zero_shot`) becomes the long one. In a list, an index after its last entry
    appends. ExperimentError where the text is no YAML, or the place is shared by an alias.
    """
    return _edited(
        text, path, lambda editor, where: editor.set(where, value), lambda old: _put(old, path, value)
    )


def remove_value(text: str, path: Path_) -> str:
    """`text` without that key or entry; as it was where there is none."""
    try:
        value_at(parse_document(text, _FILE).value, path)
    except LookupError:
        return text
    return _edited(text, path, lambda editor, where: editor.remove(where), lambda old: _take(old, path))


def value_at(value: Any, path: Path_) -> Any:
    """What stands there in a file's value, through short forms too. LookupError: nothing."""
    for depth, part in enumerate(path):
        value = _long(value, path[:depth])
        try:
            value = value[part]
        except (LookupError, TypeError):
            raise LookupError(dotted(path[: depth + 1])) from None
    return value


def _long(value: Any, path: Path_) -> Any:
    """An entry's long form."""
    owner = path[0] if len(path) == 2 or path in (("task",), ("embedding",)) else None
    if isinstance(value, str) and owner in MAIN_KEYS:
        return {MAIN_KEYS[str(owner)]: value}
    return value


def _edited(
    text: str, path: Path_, edit: Callable[[_Editor, Path_], str], change: Callable[[Any], Any]
) -> str:
    meant = change(copy.deepcopy(parse_document(text, _FILE).value))
    for attempt in (_spliced, _rewritten):
        try:
            found = attempt(text, path, edit, change)
            if parse_document(found, _FILE).value == meant:
                return found
        except (ExperimentError, LookupError, ValueError, TypeError):
            continue
    raise ExperimentError(
        "this cannot be changed here without changing something else",
        field=dotted(path),
        remedy="Change it in the YAML; an anchor (&) or a merged value may be shared by several places.",
    )


def _spliced(
    text: str, path: Path_, edit: Callable[[_Editor, Path_], str], change: Callable[[Any], Any]
) -> str:
    return edit(_Editor(text), path)


def _rewritten(
    text: str, path: Path_, edit: Callable[[_Editor, Path_], str], change: Callable[[Any], Any]
) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    out = io.StringIO()
    yaml.dump(change(yaml.load(text)), out)
    return out.getvalue()


def _put(value: Any, path: Path_, new: Any, at: Path_ = ()) -> Any:
    """The value with the change, for comparison; a ruamel round-trip value keeps its comments."""
    if not path:
        return new
    value = _long(value, at)
    part = path[0]
    if isinstance(part, int):
        value = [] if value is None else value
        if part == len(value):
            value.append(_put(None, path[1:], new, (*at, part)))
        else:
            value[part] = _put(value[part], path[1:], new, (*at, part))
        return value
    value = {} if value is None else value
    value[part] = _put(value.get(part), path[1:], new, (*at, part))
    return value


def _take(value: Any, path: Path_, at: Path_ = ()) -> Any:
    value = _long(value, at)
    if len(path) == 1:
        del value[path[0]]
        return value
    value[path[0]] = _take(value[path[0]], path[1:], (*at, path[0]))
    return value


class _Editor:
    """One text and its nodes, with where each begins and ends."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML

        self._text = text
        self._root = YAML(typ="safe", pure=True).compose(text)

    def set(self, path: Path_, value: Any) -> str:
        node: Any = self._root
        for depth, part in enumerate(path):
            if _is_null(node) or (node.tag.endswith(":str") and depth):
                inner = _nest(path[depth:], value)
                short = {} if _is_null(node) else {MAIN_KEYS[str(path[0])]: node.value}
                merged = inner if isinstance(inner, list) else {**short, **inner}
                return self._replaced(path[:depth], node, merged)
            child = _child(node, part)
            if child is None:
                return self._added(node, part, _nest(path[depth + 1 :], value))
            node = child
        return self._replaced(path, node, value)

    def remove(self, path: Path_) -> str:
        owner: Any = self._root
        for part in path[:-1]:
            owner = _child(owner, part)
        part = path[-1]
        items = [each if isinstance(each, tuple) else (each, each) for each in owner.value]
        index = part if isinstance(part, int) else [key.value for key, _ in items].index(part)
        if len(items) == 1:
            return self._replaced(path[:-1], owner, [] if isinstance(part, int) else {})
        start, end = self._start(items[index][0]), self._end(items[index][1])
        if owner.flow_style:
            if index + 1 < len(items):
                return self._text[:start] + self._text[self._start(items[index + 1][0]) :]
            return self._text[: self._end(items[index - 1][1])] + self._text[end:]
        line = self._line_start(start)
        own_line = self._text[line:start].strip(" -") == "" and (
            isinstance(part, int) or self._text[line:start].strip() == ""
        )
        if not own_line:  # the first key of a list's entry stands behind its dash
            return self._text[:start] + self._text[self._start(items[index + 1][0]) :]
        return self._text[:line] + self._text[min(self._line_end(end) + 1, len(self._text)) :]

    def _replaced(self, path: Path_, node: Any, value: Any) -> str:
        start, end = self._start(node), self._end(node)
        if not path:
            raise ValueError("the whole file is not one value")
        inside = self._in_flow(path)
        if _is_null(node) and start == end:  # `key:` and nothing behind it
            return f"{self._text[:start]} {self._rendered(value, start, inside)}{self._text[end:]}"
        if not _is_scalar(node) and not node.flow_style and isinstance(path[-1], str):
            before = self._text[:start].rstrip()
            if before.endswith(":"):
                return f"{before} {self._rendered(value, start, inside)}{self._text[end:]}"
        new = self._rendered(value, start, inside, node)
        if new.startswith("|") and "\n" in new:  # a comment stays on the line of the key
            mark, _, body = new.partition("\n")
            rest = self._line_end(end)
            return f"{self._text[:start]}{mark}{self._text[end:rest]}\n{body}{self._text[rest:]}"
        return self._text[:start] + new + self._text[end:]

    def _added(self, owner: Any, part: str | int, value: Any) -> str:
        if _is_scalar(owner):
            raise ValueError("a single value has no parts")
        key = f"{_scalar(part, True)}: " if isinstance(part, str) else ""
        items = [each if isinstance(each, tuple) else (each, each) for each in owner.value]
        if owner.flow_style or not items:
            new = key + self._rendered(value, 0, True)
            at = self._end(items[-1][1]) if items else self._start(owner) + 1
            return f"{self._text[:at]}{', ' if items else ''}{new}{self._text[at:]}"
        column = owner.start_mark.column
        indent = " " * column
        at = self._line_end(self._end(items[-1][1]))
        lead = f"{indent}{key}" if key else f"{indent}- "
        new = lead + self._rendered(value, at, False, indent=column)
        return f"{self._text[:at]}\n{new}{self._text[at:]}"

    def _rendered(self, value: Any, at: int, inside: bool, old: Any = None, indent: int | None = None) -> str:
        """`value` as YAML; a text of several lines as a block where it can stand as one."""
        if isinstance(value, str) and not inside and "\n" in value:
            depth = self._indent(at) if indent is None else indent
            block = _block(value, depth + 2)
            if block is not None:
                return block
        if isinstance(value, str) and old is not None and _is_scalar(old) and old.style in ("'", '"'):
            single = old.style == "'" and value.isprintable()
            return "'" + value.replace("'", "''") + "'" if single else _quoted(value)
        return _flow(value, inside)

    def _in_flow(self, path: Path_) -> bool:
        node = self._root
        for part in path:
            if node.flow_style:
                return True
            node = _child(node, part)
        return False

    def _start(self, node: Any) -> int:
        return int(node.start_mark.index)

    def _end(self, node: Any) -> int:
        """Behind its last character; a block's own end mark lies behind the comments that follow."""
        if _is_scalar(node):
            end = int(node.end_mark.index)
            if node.style in ("|", ">"):
                return len(self._text[:end].rstrip())
            return end
        if node.flow_style or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        return max(self._end(each) for each in (last if isinstance(last, tuple) else (last,)))

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found

    def _indent(self, at: int) -> int:
        """The column at which the line's own key begins: behind its dashes."""
        line = self._text[self._line_start(at) : self._line_end(at)]
        return len(line) - len(line.lstrip(" -"))


def _child(node: Any, part: str | int) -> Any:
    """The value under a key or index; None where there is none, also after a list's last entry."""
    if isinstance(part, int):
        if not isinstance(node.value, list) or (node.value and isinstance(node.value[0], tuple)):
            raise ValueError("no list")
        return node.value[part] if part < len(node.value) else None
    return next((value for key, value in node.value if key.value == part), None)


def _is_scalar(node: Any) -> bool:
    return isinstance(node.value, str)


def _is_null(node: Any) -> bool:
    return bool(node.tag.endswith(":null"))


def _nest(path: Path_, value: Any) -> Any:
    """`value` inside of new mappings and lists, from the inside out."""
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return value


def _flow(value: Any, inside: bool) -> str:
    """On one line. JSON is YAML; texts go without quotes where they can."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{_scalar(str(key), True)}: {_flow(each, True)}" for key, each in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(each, True) for each in value) + "]"
    return _scalar(value, inside)


def _scalar(value: Any, inside: bool) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if value and value == value.strip() and value.isprintable() and len(value) < _WIDE:
        refused = ",[]{}" if inside else ""
        starts = "-?:,[]{}#&*!|>'\"%@`~=<"
        plain = value[0] not in starts and ": " not in value and " #" not in value and not value.endswith(":")
        if plain and not any(each in value for each in refused) and _reads_as_itself(value, inside):
            return value
    return _quoted(value)


def _reads_as_itself(value: str, inside: bool) -> bool:
    try:
        return bool(parse_document(f"[{value}]" if inside else f"- {value}", _FILE).value == [value])
    except ExperimentError:
        return False


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=not value.replace("\n", "").isprintable())


def _block(value: str, indent: int) -> str | None:
    """A literal block; None where only quotes can hold the text."""
    lines = value.split("\n")
    body = value.rstrip("\n")
    strange = any(line != line.rstrip() or not line.isprintable() for line in lines)
    if strange or not body or body[0] in " \n" or len(value) - len(body) > 1:
        return None
    mark = "|-" if value == body else "|"
    shown = "\n".join(" " * indent + line if line else "" for line in body.split("\n"))
    return f"{mark}\n{shown}"
