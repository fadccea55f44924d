"""A piece of an experiment file as it is written: what no field can show is edited as its own YAML."""

from __future__ import annotations

import textwrap
from typing import Any

from promptlab.basics.errors import ExperimentError
from promptlab.experiment.editing import checked_edit, set_value
from promptlab.experiment.short_forms import value_at
from promptlab.experiment.splicing import Splicer
from promptlab.experiment.yaml_lines import Path_, parse_document


def piece_at(text: str, path: Path_) -> str:
    """The characters of that value, comments included, its lines moved to the left. LookupError: nothing."""
    splicer = Splicer(text)
    node = splicer.node(path)
    start, end = splicer.start(node), splicer.end(node)
    first, newline, rest = text[start:end].partition("\n")
    if not newline:
        return first
    if _is_block(node):
        column = node.start_mark.column
        lines = (line[column:] if not line[:column].strip() else line.lstrip() for line in rest.split("\n"))
        return f"{first}\n" + "\n".join(lines)
    return f"{first}\n{textwrap.indent(textwrap.dedent(rest), '  ')}"


def set_piece(text: str, path: Path_, piece: str) -> str:
    """`text` with that piece of YAML there, written as it was typed where the place allows it.

    An empty piece is an ExperimentError, as is what is no YAML: its line counts from the piece's first.
    """
    piece = piece.strip("\n").rstrip()
    value = parse_document(piece, "").value
    try:
        if piece_at(text, path) == piece:
            return text
        value_at(parse_document(text, "").value, path)
    except (LookupError, ExperimentError):
        return _written(set_value(text, path, value), path, piece, value)
    return _written(text, path, piece, value)


def _written(text: str, path: Path_, piece: str, value: Any) -> str:
    def change(whole: Any) -> Any:
        value_at(whole, path[:-1])[path[-1]] = value
        return whole

    try:
        return checked_edit(text, path, lambda splicer: _spliced(splicer, text, path, piece), change)
    except ExperimentError:
        return set_value(text, path, value)


def _spliced(splicer: Splicer, text: str, path: Path_, piece: str) -> str:
    node = splicer.node(path)
    start, end = splicer.start(node), splicer.end(node)
    new = Splicer(piece).node(())
    inside = splicer.in_flow(path)
    if not _is_block(new):
        column = splicer.indent(start) + 2
        before = text[:start]
        if _is_block(node) and isinstance(path[-1], str):
            before = before.rstrip() + " "
        return before + _shifted(piece, column) + text[end:]
    if inside:
        raise ValueError("a block cannot stand inside of brackets")
    if _is_block(node) or isinstance(path[-1], int):
        return text[:start] + _shifted(piece, start - splicer.line_start(start)) + text[end:]
    column = splicer.indent(start) + 2
    rest = splicer.line_end(end)
    before, comment = text[:start].rstrip(), text[end:rest]
    return f"{before}{comment}\n{' ' * column}{_shifted(piece, column)}{text[rest:]}"


def _shifted(piece: str, column: int) -> str:
    """All lines but the first moved to that column."""
    lines = piece.split("\n")
    return "\n".join([lines[0], *(" " * column + line if line.strip() else line for line in lines[1:])])


def _is_block(node: Any) -> bool:
    return not isinstance(node.value, str) and not node.flow_style
