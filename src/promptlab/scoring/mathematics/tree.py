"""The tree of a mathematical answer, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MAX_DEPTH = 30


class NotMathematics(ValueError):
    """The text is no expression of the grammar, or is larger than its bounds."""


@dataclass(frozen=True, slots=True)
class Node:
    """`kind`: number, symbol, percent, or an operation or function or collection over `parts`."""

    kind: str
    parts: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""
