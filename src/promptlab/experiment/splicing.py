"""One text of YAML and its nodes: replaces, adds and removes exactly the characters of one of them.

Where the shape of the text does not allow it, ValueError or LookupError: who asks then finds another way.
"""

from __future__ import annotations

import math
from typing import Any

from promptlab.experiment.short_forms import main_key
from promptlab.experiment.yaml_lines import Path_
from promptlab.experiment.yaml_writing import block, flow, quoted, scalar


class Splicer:
    """One text and its nodes, with where each begins and ends. Each method gives the new text."""

    def __init__(self, text: str) -> None:
        from ruamel.yaml import YAML

        self._text = text
        self._yaml = YAML(typ="safe", pure=True)
        self._root = self._yaml.compose(text)

    def set(self, path: Path_, value: Any) -> str:
        """With that value there. Keys on the way are added, and short forms become long."""
        node: Any = self._root
        for depth, part in enumerate(path):
            short = self._short(node, path[:depth])
            if _is_null(node) or short is not None:
                inner = _nest(path[depth:], value)
                merged = {**short, **inner} if short is not None and isinstance(inner, dict) else inner
                return self._replaced(path[:depth], node, merged)
            child = _child(node, part)
            if child is None:
                return self._added(node, part, _nest(path[depth + 1 :], value))
            node = child
        return self._replaced(path, node, value)

    def remove(self, path: Path_) -> str:
        """Without that key or entry; the last one leaves empty brackets."""
        owner: Any = self._root
        for part in path[:-1]:
            owner = _child(owner, part)
        part = path[-1]
        items = _items(owner)
        index = part if isinstance(part, int) else [key.value for key, _ in items].index(part)
        if len(items) == 1:
            return self._replaced(path[:-1], owner, [] if isinstance(part, int) else {})
        start, end = self.start(items[index][0]), self.end(items[index][1])
        if owner.flow_style:
            if index + 1 < len(items):
                return self._text[:start] + self._text[self.start(items[index + 1][0]) :]
            return self._text[: self.end(items[index - 1][1])] + self._text[end:]
        line = self.line_start(start)
        own_line = self._text[line:start].strip(" -") == "" and (
            isinstance(part, int) or self._text[line:start].strip() == ""
        )
        if not own_line:  # the first key of a list's entry stands behind its dash
            return self._text[:start] + self._text[self.start(items[index + 1][0]) :]
        return self._text[:line] + self._text[min(self.line_end(end) + 1, len(self._text)) :]

    def insert(self, path: Path_, value: Any) -> str:
        """With one more entry of a list, before the one at `path` and what is said above that."""
        owner, index = self.node(path[:-1]), path[-1]
        if owner.flow_style:
            at = self.start(owner.value[index])
            return f"{self._text[:at]}{self._rendered(value, 0, True)}, {self._text[at:]}"
        at, _ = self._lines(owner, int(index))
        column = owner.start_mark.column
        new = f"{' ' * column}- {self._rendered(value, at, False, indent=column)}\n"
        return self._text[:at] + new + self._text[at:]

    def swap(self, path: Path_) -> str:
        """With the entry of a list at `path` behind the next one, each with its own comments."""
        owner, index = self.node(path[:-1]), int(path[-1])
        first, second = owner.value[index], owner.value[index + 1]
        if owner.flow_style:
            (a, b), (c, d) = ((self.start(each), self.end(each)) for each in (first, second))
        else:
            (a, b), (c, d) = (self._lines(owner, at) for at in (index, index + 1))
        text = self._text
        return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]

    def rename(self, path: Path_, name: str) -> str:
        """With another key in the place of the last one of `path`."""
        owner = self.node(path[:-1])
        key = next(key for key, _ in _items(owner) if key.value == path[-1])
        new = scalar(name, True)
        return self._text[: self.start(key)] + new + self._text[self.end(key) :]

    def listed(self, key: str, plural: str) -> str:
        """The value of the file's `key` as the only entry of a list `plural`, with all its lines."""
        name, node = next(each for each in _items(self._root) if each[0].value == key)
        before, start, end = self._text[: self.start(name)] + plural, self.start(node), self.end(node)
        if self._root.flow_style:
            return f"{before}: [{self._text[start:end]}]{self._text[end:]}"
        if _is_scalar(node) or node.flow_style:
            return f"{before}:\n  - {self._text[start:]}"
        first = self.line_start(start)
        indent = " " * node.start_mark.column
        lines = self._text[first:end].split("\n")
        moved = [f"{indent}- {lines[0].lstrip()}", *(f"  {line}" if line else "" for line in lines[1:])]
        return before + self._text[self.end(name) : first] + "\n".join(moved) + self._text[end:]

    def node(self, path: Path_) -> Any:
        """The node at that path. LookupError: there is none."""
        found: Any = self._root
        for part in path:
            found = None if _is_scalar(found) else _child(found, part)
            if found is None:
                raise LookupError(part)
        return found

    def in_flow(self, path: Path_) -> bool:
        """Whether it stands inside of brackets."""
        node = self._root
        for part in path:
            if node.flow_style:
                return True
            node = _child(node, part)
        return False

    def start(self, node: Any) -> int:
        """The index of its first character."""
        return int(node.start_mark.index)

    def end(self, node: Any) -> int:
        """Behind its last character; a block's own end mark lies behind the comments that follow."""
        if _is_scalar(node):
            end = int(node.end_mark.index)
            if node.style in ("|", ">"):
                return len(self._text[:end].rstrip())
            return end
        if node.flow_style or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        return max(self.end(each) for each in (last if isinstance(last, tuple) else (last,)))

    def line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        found = self._text.find("\n", at)
        return len(self._text) if found < 0 else found

    def indent(self, at: int) -> int:
        """The column at which the line's own key begins: behind its dashes."""
        line = self._text[self.line_start(at) : self.line_end(at)]
        return len(line) - len(line.lstrip(" -"))

    def _lines(self, owner: Any, index: int) -> tuple[int, int]:
        """Where the lines of a list's entry begin and end, with the comments right above or inside of it."""
        column = owner.start_mark.column
        node = owner.value[index]
        begin, end = self.line_start(self.start(node)), self.line_end(self.end(node))
        if self._text[begin : begin + column].strip() or self._text[begin + column] != "-":
            raise ValueError("the entry does not begin on a line of its own")
        while begin and self._comment_column(begin - 1) <= column:
            begin = self.line_start(begin - 1)
        below = end
        while below < len(self._text):
            below = self.line_end(below + 1)
            if not self._text[self.line_start(below) : below].strip():
                continue
            if not column < self._comment_column(below) < math.inf:
                break
            end = below
        return begin, end

    def _comment_column(self, end: int) -> float:
        """The column of the comment that fills the line which ends there; infinite where none does."""
        line = self._text[self.line_start(end) : end]
        bare = line.lstrip(" ")
        return len(line) - len(bare) if bare.startswith("#") else math.inf

    def _short(self, node: Any, path: Path_) -> dict[str, Any] | None:
        if not _is_scalar(node) or _is_null(node):
            return None
        value = node.value if node.tag.endswith(":str") else self._yaml.constructor.construct_object(node)
        key = main_key(value, path)
        return None if key is None else {key: value}

    def _replaced(self, path: Path_, node: Any, value: Any) -> str:
        start, end = self.start(node), self.end(node)
        if not path:
            raise ValueError("the whole file is not one value")
        inside = self.in_flow(path)
        if _is_null(node) and start == end:  # `key:` and nothing behind it
            return f"{self._text[:start]} {self._rendered(value, start, inside)}{self._text[end:]}"
        if not _is_scalar(node) and not node.flow_style and isinstance(path[-1], str):
            before = self._text[:start].rstrip()
            if before.endswith(":"):
                return f"{before} {self._rendered(value, start, inside)}{self._text[end:]}"
        new = self._rendered(value, start, inside, node)
        if new.startswith("|") and "\n" in new:  # a comment stays on the line of the key
            mark, _, body = new.partition("\n")
            rest = self.line_end(end)
            return f"{self._text[:start]}{mark}{self._text[end:rest]}\n{body}{self._text[rest:]}"
        return self._text[:start] + new + self._text[end:]

    def _added(self, owner: Any, part: str | int, value: Any) -> str:
        if _is_scalar(owner):
            raise ValueError("a single value has no parts")
        key = f"{scalar(part, True)}: " if isinstance(part, str) else ""
        items = _items(owner)
        if owner.flow_style or not items:
            new = key + self._rendered(value, 0, True)
            at = self.end(items[-1][1]) if items else self.start(owner) + 1
            return f"{self._text[:at]}{', ' if items else ''}{new}{self._text[at:]}"
        column = owner.start_mark.column
        indent = " " * column
        at = self.line_end(self.end(items[-1][1]))
        lead = f"{indent}{key}" if key else f"{indent}- "
        new = lead + self._rendered(value, at, False, indent=column)
        return f"{self._text[:at]}\n{new}{self._text[at:]}"

    def _rendered(self, value: Any, at: int, inside: bool, old: Any = None, indent: int | None = None) -> str:
        """`value` as YAML; a text of several lines as a block where it can stand as one."""
        if isinstance(value, str) and not inside and "\n" in value:
            depth = self.indent(at) if indent is None else indent
            shown = block(value, depth + 2)
            if shown is not None:
                return shown
        if isinstance(value, str) and old is not None and old.value and old.style in ("'", '"'):
            single = old.style == "'" and value.isprintable()
            return "'" + value.replace("'", "''") + "'" if single else quoted(value)
        return flow(value, inside)


def _items(node: Any) -> list[tuple[Any, Any]]:
    """The key and value nodes of a mapping, or the entries of a list twice."""
    return [each if isinstance(each, tuple) else (each, each) for each in node.value]


def _child(node: Any, part: str | int) -> Any:
    """The value under a key or index; None where there is none, also after a list's last entry."""
    if isinstance(part, int):
        if not isinstance(node.value, list) or (node.value and isinstance(node.value[0], tuple)):
            raise ValueError("no list")
        return node.value[part] if part < len(node.value) else None
    if _is_scalar(node):
        raise ValueError("a single value has no parts")
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
