"""Whether two mathematical answers say the same.

Expressions are compared by their values: exact where they are fractions, else to 11 digits; with letters in
them, at points drawn from their names (Schwartz 1980: polynomials that agree at random points are equal). So
nothing is ever simplified, and the time is bounded by the length of the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from promptlab.scoring.mathematics.parsing import parse
from promptlab.scoring.mathematics.spelling import MAX_CHARS, as_fractions, tidied
from promptlab.scoring.mathematics.tree import Node, NotMathematics
from promptlab.scoring.mathematics.values import NoValue, Value, value

_DIGITS = 1e-11
_POINTS = 4
_MOST_ITEMS = 24
_COLLECTIONS = ("tuple", "named", "set", "matrix", "row", "cup", "relation")


def equivalent(left: str, right: str) -> bool:
    """Whether two answers are the same number, expression, set, interval, tuple, matrix or relation.

    What cannot be read as mathematics is compared as text. 50% equals 50 and 0.5; x = 5 equals 5; items
    between commas without brackets have no order.
    """
    one, other = _plain_text(left), _plain_text(right)
    if one == other:
        return bool(one)
    a, b = _tree(left), _tree(right)
    return a is not None and b is not None and _same(a, b)


def is_mathematics(text: str) -> bool:
    """Whether `text` can be read as an expression, number, set, ..."""
    return _tree(text) is not None


def _plain_text(text: str) -> str:
    return "".join(tidied(text).split()).casefold()


@lru_cache(maxsize=4096)
def _tree(text: str) -> Node | None:
    tidy = tidied(text)
    if not tidy or len(tidy) > MAX_CHARS:
        return None
    try:
        return _stated(parse(as_fractions(tidy)))
    except (NotMathematics, RecursionError):
        return None


def _stated(node: Node) -> Node:
    """x = 5 is 5, x < 3 an interval, 1 ± 2 a set, and a set of one its member; x = 5, y = 3 is named."""
    if node.kind == "relation":
        node = _interval(node) or node
    if node.kind == "relation" and node.name == "=" and _names_something(node.parts[0]):
        node = node.parts[1]
    elif node.kind == "relation" and node.name == "=" and _names_something(node.parts[1]):
        node = node.parts[0]
    if node.kind == "set":
        named = _named(node)
        if named is not None:
            return named
        members = tuple(_stated(part) for part in node.parts)
        flat = tuple(each for part in members for each in (part.parts if part.kind == "set" else (part,)))
        return Node("set", flat) if len(flat) != 1 else flat[0]
    signs = _signs(node)
    return Node("set", signs) if len(signs) > 1 else node


def _named(node: Node) -> Node | None:
    """x = 5, y = 3: the values in the order of their different names. None where it is something else."""
    values = {}
    for part in node.parts:
        if part.kind != "relation" or part.name != "=" or part.parts[0].kind != "symbol":
            return None
        values[part.parts[0].name] = part.parts[1]
    if len(values) < max(2, len(node.parts)):
        return None
    return Node("named", tuple(values[name] for name in sorted(values)), name="()")


def _names_something(node: Node) -> bool:
    """A letter, or f(x): what stands before "=" is only the answer's name."""
    if node.kind == "symbol":
        return True
    return node.kind == "*" and len(node.parts) == 2 and all(part.kind == "symbol" for part in node.parts)


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _interval(node: Node) -> Node | None:
    """x < 3, 3 > x and 1 < x <= 2 as intervals; None for another relation."""
    signs, parts = node.name.split(), list(node.parts)
    if any(sign not in _TURNED for sign in signs) or len(parts) not in (2, 3):
        return None
    if signs[0].startswith(">"):
        signs, parts = [_TURNED[sign] for sign in reversed(signs)], parts[::-1]
    if any(sign.startswith(">") for sign in signs):
        return None
    infinite = Node("constant", name="infty")
    if len(parts) == 3:
        low, letter, high = parts
        opening, closing = signs
    elif parts[0].kind == "symbol":
        letter, high, closing = parts[0], parts[1], signs[0]
        low, opening = Node("-", (Node("number"), infinite)), "<"
    else:
        low, letter, opening = parts[0], parts[1], signs[0]
        high, closing = infinite, "<"
    if letter.kind != "symbol":
        return None
    return Node(
        "tuple", (low, high), name=("[" if opening == "<=" else "(") + ("]" if closing == "<=" else ")")
    )


def _signs(node: Node) -> tuple[Node, ...]:
    """The expressions that ± stands for: both, all with the same sign."""
    if not _has_sign(node):
        return (node,)
    return _with_sign(node, "+"), _with_sign(node, "-")


def _has_sign(node: Node) -> bool:
    return node.kind == "pm" or any(_has_sign(part) for part in node.parts)


def _with_sign(node: Node, sign: str) -> Node:
    parts = tuple(_with_sign(part, sign) for part in node.parts)
    return Node(sign if node.kind == "pm" else node.kind, parts, node.value, node.name)


def _same(a: Node, b: Node) -> bool:
    if a.kind in _COLLECTIONS or b.kind in _COLLECTIONS:
        if "named" in (a.kind, b.kind):
            return _same_named(a, b)
        return a.kind == b.kind and _same_collection(a, b)
    infinite = _infinity(a), _infinity(b)
    if any(infinite):
        return infinite[0] == infinite[1]
    if "percent" in (a.kind, b.kind) and a.kind != b.kind:
        # 50% is as good as 50 where 0.5 is asked for, and the other way round.
        shares = [each.parts[0] if each.kind == "percent" else each for each in (a, b)]
        return _same(shares[0], shares[1]) or _same_value(a, b)
    return _same_value(a, b)


def _infinity(node: Node) -> int:
    if node.kind == "constant" and node.name == "infty":
        return 1
    if node.kind in "+-" and node.parts[0] == Node("number"):
        return _infinity(node.parts[1]) * (1 if node.kind == "+" else -1)
    return 0


def _same_collection(a: Node, b: Node) -> bool:
    if a.kind == "relation":
        return _same_relation(a, b)
    ordered = a.kind in ("tuple", "matrix", "row")
    one, other = (_union(a), _union(b)) if a.kind == "cup" else (a.parts, b.parts)
    if a.name != b.name and a.kind == "tuple":
        return False
    if len(one) != len(other) or max(len(one), len(other)) > _MOST_ITEMS:
        return False
    return all(map(_same, one, other)) if ordered else _same_members(one, other)


def _same_named(a: Node, b: Node) -> bool:
    """Against a tuple in its order, against items between commas in any."""
    if a.kind != b.kind and "set" in (a.kind, b.kind):
        return len(a.parts) == len(b.parts) <= _MOST_ITEMS and _same_members(a.parts, b.parts)
    return a.name == b.name == "()" and len(a.parts) == len(b.parts) and all(map(_same, a.parts, b.parts))


def _union(node: Node) -> tuple[Node, ...]:
    return tuple(each for part in node.parts for each in (_union(part) if part.kind == "cup" else (part,)))


def _same_members(one: Sequence[Node], other: Sequence[Node]) -> bool:
    left = list(other)
    for each in one:
        found = next((index for index, member in enumerate(left) if _same(each, member)), None)
        if found is None:
            return False
        del left[found]
    return not left


def _same_relation(a: Node, b: Node) -> bool:
    """Equations are the same where one side minus the other differs by a constant factor."""
    if a.name != b.name or len(a.parts) != 2:
        return a.name == b.name and len(a.parts) == len(b.parts) and all(map(_same, a.parts, b.parts))
    if a.name != "=":
        return all(map(_same, a.parts, b.parts))
    found = list(_values(Node("-", a.parts), Node("-", b.parts)))
    if len(found) < 2 or any(not one or not other for one, other in found):
        return False
    ratios = [one / other for one, other in found]
    return all(_near(ratio, ratios[0]) for ratio in ratios)


def _same_value(a: Node, b: Node) -> bool:
    found = _values(a, b)
    return bool(found) and all(_near(one, other) for one, other in found)


def _values(a: Node, b: Node) -> list[tuple[Value, Value]]:
    """Both values at each point where both have one."""
    letters = sorted(_letters(a) | _letters(b))
    whole = _counts(a) or _counts(b)
    found = []
    for point in range(_POINTS if letters else 1):
        numbers = {name: _number(name, point, whole=whole) for name in letters}
        try:
            found.append((value(a, numbers), value(b, numbers)))
        except (NoValue, RecursionError):
            continue
    return found


def _letters(node: Node) -> set[str]:
    own = {node.name} if node.kind == "symbol" and node.name not in ("e", "i") else set()
    return own.union(*(_letters(part) for part in node.parts))


def _counts(node: Node) -> bool:
    """Whether it has a factorial or a binomial coefficient, which are of whole numbers."""
    return node.kind in ("factorial", "binom") or any(map(_counts, node.parts))


def _number(name: str, point: int, *, whole: bool) -> Fraction:
    """A fraction between 0.3 and 3, at the last point below zero: sqrt(x^2) is not x. `whole`: 3 to 40."""
    drawn = int.from_bytes(hashlib.sha256(f"{point} {name}".encode()).digest()[:4], "big")
    if whole:
        return Fraction(3 + drawn % 38)
    sign = -1 if point == _POINTS - 1 else 1
    return sign * Fraction(300 + drawn % 2700, 1000)


def _near(one: Value, other: Value) -> bool:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    a, b = complex(one), complex(other)
    return abs(a - b) <= _DIGITS * max(abs(a), abs(b)) or max(abs(a), abs(b)) < 1e-14
