"""What an expression is worth where its letters stand for given numbers: exact fractions, else floats.

Every step takes bounded time and memory: 9^9^9^9 is no number here.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from promptlab.scoring.mathematics.tree import Node

Value = Fraction | complex
MAX_BITS = 32_768  # of an exact numerator or denominator
_MAX_FACTORIAL = 2_500
_LARGEST = 1e100  # beyond it a float says nothing that could be compared


class NoValue(ArithmeticError):
    """Division by zero, infinity, or a number beyond the bounds."""


def value(node: Node, letters: Mapping[str, Fraction]) -> Value:
    """NoValue where there is none, or where the node is a collection or a relation."""
    kind = node.kind
    if kind == "number":
        return node.value
    if kind == "symbol":
        return {"e": complex(math.e), "i": 1j}.get(node.name) or letters[node.name]
    if kind == "constant":
        if node.name == "pi":
            return complex(math.pi)
        raise NoValue("infinity")
    step = _STEPS.get(kind)
    if step is None:
        raise NoValue(kind)
    try:
        found = step(node, [value(part, letters) for part in node.parts])
    except (ArithmeticError, ValueError) as error:
        raise NoValue(str(error)) from None
    return _bounded(found)


def _bounded(found: Value) -> Value:
    if isinstance(found, Fraction):
        if max(found.numerator.bit_length(), found.denominator.bit_length()) > MAX_BITS:
            raise NoValue("too many digits")
        return found
    if not cmath.isfinite(found) or abs(found) > _LARGEST:
        raise NoValue("too large")
    return found


def is_exact(*values: Value) -> bool:
    return all(isinstance(each, Fraction) for each in values)


def _float(given: Value) -> complex:
    return complex(float(given)) if isinstance(given, Fraction) else given


def _binary(exact: Callable[..., Value], rough: Callable[..., Value]) -> Callable[[Node, list[Value]], Value]:
    def step(node: Node, parts: list[Value]) -> Value:
        return exact(*parts) if is_exact(*parts) else rough(*map(_float, parts))

    return step


def _power(node: Node, parts: list[Value]) -> Value:
    base, exponent = parts
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits > 1 and bits * abs(exponent.numerator) > MAX_BITS:
            raise NoValue("too many digits")
        if abs(exponent.numerator) > 10**6:
            exponent = Fraction(exponent.numerator % 2 + 2)  # of 1, -1 and 0
        return base ** int(exponent)
    if _odd_root(base, exponent):
        return complex(-((-_float(base).real) ** _float(exponent).real))
    return _float(base) ** _float(exponent)


def _odd_root(base: Value, exponent: Value) -> bool:
    """A real odd root of a negative number: (-8)^(1/3) is -2."""
    return (
        isinstance(base, Fraction)
        and base < 0
        and isinstance(exponent, Fraction)
        and exponent.numerator == 1
        and exponent.denominator % 2 == 1
    )


def _root(node: Node, parts: list[Value]) -> Value:
    inner, degree = parts
    if not isinstance(degree, Fraction) or not degree:
        raise NoValue("a root of no degree")
    if degree == 2 and isinstance(inner, Fraction) and inner >= 0:
        above, below = math.isqrt(inner.numerator), math.isqrt(inner.denominator)
        if above**2 == inner.numerator and below**2 == inner.denominator:
            return Fraction(above, below)
    return _power(node, [inner, 1 / degree])


def _whole(given: Value) -> int:
    if not isinstance(given, Fraction) or given.denominator != 1:
        raise NoValue("no whole number")
    return given.numerator


def _factorial(node: Node, parts: list[Value]) -> Value:
    n = _whole(parts[0])
    if not 0 <= n <= _MAX_FACTORIAL:
        raise NoValue("too large")
    return Fraction(math.factorial(n))


def _binomial(node: Node, parts: list[Value]) -> Value:
    n, k = map(_whole, parts)
    if not 0 <= k <= n <= _MAX_FACTORIAL:
        raise NoValue("too large")
    return Fraction(math.comb(n, k))


def _absolute(node: Node, parts: list[Value]) -> Value:
    return abs(parts[0]) if isinstance(parts[0], Fraction) else complex(abs(parts[0]))


def _rounded(rounding: Callable[[Fraction | float], int]) -> Callable[[Node, list[Value]], Value]:
    def step(node: Node, parts: list[Value]) -> Value:
        given = parts[0]
        return Fraction(rounding(given if isinstance(given, Fraction) else given.real))

    return step


def _function(node: Node, parts: list[Value]) -> Value:
    argument = _float(parts[0])
    if node.name in ("log", "ln"):
        base = _float(parts[1]) if len(parts) > 1 else complex(math.e if node.name == "ln" else 10)
        return cmath.log(argument) / cmath.log(base)
    if len(parts) > 1:
        raise NoValue("a function with a subscript")
    if node.name == "abs":
        return _absolute(node, parts)
    return _FUNCTIONS[node.name](argument)


_FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    "sin": cmath.sin,
    "cos": cmath.cos,
    "tan": cmath.tan,
    "cot": lambda x: 1 / cmath.tan(x),
    "sec": lambda x: 1 / cmath.cos(x),
    "csc": lambda x: 1 / cmath.sin(x),
    "arcsin": cmath.asin,
    "arccos": cmath.acos,
    "arctan": cmath.atan,
    "arccot": lambda x: cmath.atan(1 / x),
    "arcsec": lambda x: cmath.acos(1 / x),
    "arccsc": lambda x: cmath.asin(1 / x),
    "sinh": cmath.sinh,
    "cosh": cmath.cosh,
    "tanh": cmath.tanh,
    "exp": cmath.exp,
    "sqrt": cmath.sqrt,
}

_STEPS: dict[str, Callable[[Node, list[Value]], Value]] = {
    "+": _binary(lambda a, b: a + b, lambda a, b: a + b),
    "-": _binary(lambda a, b: a - b, lambda a, b: a - b),
    "*": _binary(lambda a, b: a * b, lambda a, b: a * b),
    "/": _binary(lambda a, b: a / b, lambda a, b: a / b),
    "frac": _binary(lambda a, b: a / b, lambda a, b: a / b),
    "percent": _binary(lambda a: a / 100, lambda a: a / 100),
    "^": _power,
    "root": _root,
    "factorial": _factorial,
    "binom": _binomial,
    "abs": _absolute,
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "function": _function,
}
