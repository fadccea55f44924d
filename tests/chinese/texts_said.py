"""What the rooms say: the texts of their errors and notes as samples, read from the code."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import promptlab

SOURCE = Path(promptlab.__file__).parent
# Raised at who programs, not at who uses.
_INTERNAL = frozenset(
    {"AssertionError", "AttributeError", "IndexError", "LookupError", "NotImplementedError", "RuntimeError"}
    | {"StopIteration", "TypeError", "NotMathematics", "NoValue", "ToolError", "UnexpectedCall", "KeyError"}
)
# What makes an error or a note, beside `raise`.
_MAKERS = frozenset(
    {"error", "_error", "_wrong", "refuse", "_refused", "RowProblem", "describe", "Broken", "MalformedReply"}
    | {"ErrorBody", "_SourceFailed", "tell", "append", "wrong", "UsageError", "StorageError", "CallError"}
    | {"ExperimentError"}
)
# Names under which a message or a remedy is kept.
_KEPT = ("remedy", "message", "why", "reason", "problem", "told", "notes", "note", "text", "gap", "gaps")


@dataclass(frozen=True)
class Said:
    """A text as somebody may meet it: fields are filled with numbers that occur nowhere else."""

    where: str
    sample: str
    fields: tuple[str, ...]


def said_in(room: str) -> Iterator[Said]:
    """Every text of a room (a folder, or one file of it) that an error or a note is made of."""
    path = SOURCE / room
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        seen = set()
        for node in ast.walk(tree):
            for text in _texts_of(node):
                for sample, fields in map(_alone, samples_of(text)):
                    if _is_sentence(sample, fields) and sample not in seen:
                        seen.add(sample)
                        yield Said(f"{file.relative_to(SOURCE)}:{text.lineno}", sample, fields)


def _texts_of(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Raise(exc=ast.Call() as call) if _name(call.func) not in _INTERNAL:
            yield from (*call.args, *(each.value for each in call.keywords))
        case ast.Call() if _name(node.func) in _MAKERS:
            yield from (*node.args, *(each.value for each in node.keywords))
        case ast.keyword(arg="remedy"):
            yield node.value
        case ast.Assign(targets=[ast.Name(id=name)]) if name.lower().strip("_").endswith(_KEPT):
            yield node.value
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)) if name.isupper():
            yield from values
        case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
            yield value


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def samples_of(node: ast.expr) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The text with its fields filled, in each of its variants (`a if many else b`)."""
    count = itertools.count(7001)
    for template in _templates(node):
        fields: list[str] = []
        parts = []
        for part in template:
            if part is None:
                fields.append(str(next(count)))
                parts.append(fields[-1])
            else:
                parts.append(part)
        yield "".join(parts), tuple(fields)


def _alone(said: tuple[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """Without a remedy of its own that stands before it (`{did_you_mean(…)} Or give …`)."""
    sample, fields = said[0].strip(), said[1]
    if fields and sample.startswith(f"{fields[0]} ") and sample[len(fields[0]) + 1 :][:1].isupper():
        return sample[len(fields[0]) + 1 :], fields[1:]
    return sample, fields


def _templates(node: ast.expr) -> Iterator[list[str | None]]:
    match node:
        case ast.Constant(value=str() as text):
            yield [text]
        case ast.JoinedStr(values=values):
            choices = [list(_inside(each)) for each in values]
            for chosen in itertools.product(*choices):
                yield [part for each in chosen for part in each]
        case ast.IfExp(body=one, orelse=other):
            yield from _templates(one)
            yield from _templates(other)
        case ast.BoolOp(values=values):
            for each in values:
                yield from _templates(each)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for each in elements:
                yield from _templates(each)
        case ast.Subscript(value=value):
            yield from _templates(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = [list(_templates(each)) or [[None]] for each in (left, right)]
            yield from ([*one, *other] for one, other in itertools.product(*sides))


def _inside(node: ast.expr) -> Iterator[list[str | None]]:
    """A part of an f-string: what is chosen between constants stands in the text, all else is a field."""
    if isinstance(node, ast.FormattedValue):
        if isinstance(node.value, ast.IfExp):
            for each in (node.value.body, node.value.orelse):
                yield from (list(_templates(each)) or [[None]])
        else:
            yield [None]
    else:
        yield from _templates(node)


def _is_sentence(sample: str, fields: tuple[str, ...]) -> bool:
    bare = sample
    for each in fields:
        bare = bare.replace(each, "")
    words = [word.strip(".,:;!?'\"()") for word in bare.split()]
    return sum(word.isalpha() and word.isascii() for word in words) >= 2
