"""What an acting technique can use: a calculator, the sample's own passages, a local corpus."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from promptlab.datasets.grams import normalised
from promptlab.datasets.sample import Question
from promptlab.techniques.context import TrialContext
from promptlab.techniques.corpus import passages_of

# Each tool's name and what it takes.
TOOLS = {
    "calculator": "an expression, like (3 + 4) * 2",
    "lookup": "words to find in the passages of the question",
    "search": "words to search for in the corpus",
}
_OBSERVED_CHARS = 1500
_LONGEST_EXPRESSION = 200
_LARGEST = 10**30

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_MOST_POWER = 64


class ToolError(Exception):
    """What a tool says where it cannot do what it was asked."""


class Tools:
    """The tools of one trial."""

    def __init__(self, question: Question, passages: str | None, ctx: TrialContext) -> None:
        self._question = question
        self._passages = passages
        self._ctx = ctx

    async def use(self, name: str, given: str) -> str:
        """What the tool found, cut to a bearable length. ToolError where it found nothing."""
        if name == "calculator":
            return calculate(given)
        found = self._look_up(given) if name == "lookup" else await self._search(given)
        return found if len(found) <= _OBSERVED_CHARS else f"{found[:_OBSERVED_CHARS]} …"

    def _look_up(self, given: str) -> str:
        """The passages' sentences that hold all the words."""
        wanted = normalised(given).split()
        texts = [each.text for each in passages_of(self._question.inputs[self._passages or ""], words=60)]
        sentences = [part.strip() for text in texts for part in text.replace("\n", ". ").split(". ")]
        found = [each for each in sentences if wanted and all(word in normalised(each) for word in wanted)]
        if not found:
            raise ToolError(f"Nothing in the passages mentions {given!r}.")
        return " … ".join(found)

    async def _search(self, given: str) -> str:
        kept = self._ctx.cell.kept
        hits = await kept["search"].top(given, 2, self._ctx)
        if not hits:
            raise ToolError(f"Nothing was found for {given!r}.")
        return "\n".join(kept["passages"][hit.position].text for hit in hits)


def calculate(text: str) -> str:
    """The value of an arithmetic expression. It is parsed and walked; nothing of it is run as code."""
    if len(text) > _LONGEST_EXPRESSION:
        raise ToolError("That expression is too long.")
    plain = text.replace(",", "").replace("×", "*").replace("÷", "/").replace("^", "**").rstrip("= ")
    try:
        value = _value(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError) as error:
        raise ToolError(f"{text!r} cannot be calculated: {error or type(error).__name__}.") from None
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value) if whole else value)


def _value(node: ast.expr) -> int | float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > _MOST_POWER:
            raise ValueError("the power is too high")
        found = _OPERATORS[type(node.op)](left, right)
        if isinstance(found, complex) or abs(found) > _LARGEST:
            raise ValueError("the result is too large")
        return found  # type: ignore[no-any-return]
    raise ValueError("only numbers and + - * / // % ** ( )")
