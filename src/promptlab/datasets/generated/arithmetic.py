"""Multi-step arithmetic in the form of BIG-Bench Hard (Suzgun et al. 2022, arXiv 2210.09261)."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Mapping
from typing import Any

from promptlab.datasets.generated.drawing import DrawnSource
from promptlab.datasets.row_source import source

_OPERATORS: dict[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_LARGEST = 9
_TERMS = 4


@source("arithmetic")
class Arithmetic(DrawnSource):
    """``((a op b op c op d) op (e op f op g op h)) =`` with integers from −9 to 9 and op in +, −, *."""

    def draw(self, rng: random.Random) -> Mapping[str, Any]:
        left, left_value = _group(rng)
        right, right_value = _group(rng)
        sign = rng.choice("+-*")
        return {
            "question": f"(({left}) {sign} ({right})) =",
            "answer": str(_OPERATORS[sign](left_value, right_value)),
        }


def _group(rng: random.Random) -> tuple[str, int]:
    """Four numbers joined by operators, and the value: multiplication binds stronger than + and −."""
    numbers = [rng.randint(-_LARGEST, _LARGEST) for _ in range(_TERMS)]
    signs = [rng.choice("+-*") for _ in range(_TERMS - 1)]
    text = str(numbers[0])
    total, term = 0, numbers[0]
    for sign, number in zip(signs, numbers[1:], strict=True):
        text += f" {sign} {number}"
        if sign == "*":
            term *= number
        else:
            total += term
            term = number if sign == "+" else -number
    return text, total + term
