r"""A mathematical answer as a tree. The grammar is closed: nothing that is read is ever run.

Numbers, letters, + - * / ^ !, implicit products, ``\frac``, ``\sqrt``, ``\binom``, functions, |x|, mixed
numbers, ``\pm``; tuples, intervals, sets, unions, matrices, equations and inequalities.
"""

from __future__ import annotations

from fractions import Fraction

from promptlab.scoring.mathematics.tokens import FUNCTIONS, tokens
from promptlab.scoring.mathematics.tree import MAX_DEPTH, Node, NotMathematics

_ALIASES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "lg": "log"}
_INVERSE = frozenset(("sin", "cos", "tan", "cot", "sec", "csc"))
_MINUS_ONE = Node("-", (Node("number"), Node("number", value=Fraction(1))))
_RELATIONS = ("=", "<", ">", "<=", ">=", "!=")
_STARTS = frozenset({"(", "{", "|", "[", "{s"})


def parse(text: str) -> Node:
    """The tree of a tidied answer. NotMathematics where it is none."""
    reader = _Reader(tokens(text))
    found = reader.whole()
    if reader.kind != "end":
        raise NotMathematics(text)
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._at = 0
        self._depth = 0
        self._bars = 0

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def text(self) -> str:
        return self._tokens[self._at][1]

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _take(self, kind: str) -> str:
        if self.kind != kind:
            raise NotMathematics(f"{kind} is missing")
        return self._next()

    def whole(self) -> Node:
        """Items between commas: their order means nothing where no brackets say so."""
        items = [self._statement()]
        while self.kind in (",", ";"):
            self._next()
            if self.kind == "end":
                break
            items.append(self._statement())
        return items[0] if len(items) == 1 else Node("set", tuple(items))

    def _statement(self) -> Node:
        """An expression, or a chain of relations between some; ``x \\in S`` is S."""
        parts, signs = [self._sum()], []
        if self.kind == "command" and self.text == "in":
            self._next()
            return self._sum()
        while self.kind in _RELATIONS:
            signs.append(self.kind)
            self._next()
            parts.append(self._sum())
        return Node("relation", tuple(parts), name=" ".join(signs)) if signs else parts[0]

    def _sum(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotMathematics("too deep")
        sign = self._sign()
        found = self._product()
        if sign:
            found = Node(sign, (Node("number"), found))
        while (sign := self._sign()) is not None:
            if not sign:
                break
            found = Node(sign, (found, self._product()))
        while self.kind == "command" and self.text in ("cup", "cap", "setminus"):
            found = Node(self._next(), (found, self._product()))
        self._depth -= 1
        return found

    def _sign(self) -> str:
        if self.kind in ("+", "-"):
            return self._next()
        if self.kind == "command" and self.text in ("pm", "mp"):
            self._next()
            return "pm"
        return ""

    def _product(self) -> Node:
        found = self._power()
        while True:
            if self.kind in ("*", "/"):
                sign = self._next()
                found = Node("/" if sign == "/" or sign == "div" else "*", (found, self._signed()))
            elif self._begins_factor():
                written = found.kind == "number" and self._tokens[self._at - 1][0] == "number"
                if self.kind == "number" and written:
                    found = self._postfix(Node("+", (found, self._fraction_of_mixed())))
                    continue
                after = self._power()
                share = after.kind == "percent"  # 6\frac{1}{4}% is a share as a whole
                bare = after.parts[0] if share else after
                if written and bare.kind == "frac" and found.value.denominator == 1 and _plain(bare):
                    found = Node("+", (found, bare))
                    found = Node("percent", (found,)) if share else found
                else:
                    found = Node("*", (found, after))
            else:
                return found

    def _fraction_of_mixed(self) -> Node:
        """3 1/2 is three and a half; other numbers do not stand side by side."""
        above = Fraction(self._take("number"))
        self._take("/")
        below = Fraction(self._take("number"))
        if not below or (above.denominator, below.denominator) != (1, 1):
            raise NotMathematics("two numbers side by side")
        return Node("number", value=above / below)

    def _signed(self) -> Node:
        if self.kind == "-":
            self._next()
            return Node("-", (Node("number"), self._power()))
        return self._power()

    def _begins_factor(self) -> bool:
        if self.kind == "|":
            return self._bars == 0
        if self.kind == "command":
            return self.text not in _STRUCTURE
        return self.kind in ("number", "symbol", "(", "{", "begin matrix")

    def _power(self) -> Node:
        base = self._postfix(self._atom())
        if self.kind == "^":
            self._next()
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise NotMathematics("too deep")
            sign = self._next() if self.kind in ("-", "+") else ""
            exponent = self._power()
            self._depth -= 1
            if sign == "-":
                exponent = Node("-", (Node("number"), exponent))
            base = self._postfix(Node("^", (base, exponent)))
        return base

    def _postfix(self, found: Node) -> Node:
        while self.kind in ("!", "percent", "_"):
            kind = self._next()
            if kind == "_":
                found = self._subscripted(found)
            else:
                found = Node("factorial" if kind == "!" else "percent", (found,))
        return found

    def _subscripted(self, found: Node) -> Node:
        """A name of its own: x_1, and a number in another base, which is equal to nothing but itself."""
        group = self._group()
        if found.kind not in ("symbol", "number") or group.kind not in ("symbol", "number"):
            raise NotMathematics("a subscript that is no name")
        names = [each.name or str(each.value) for each in (found, group)]
        return Node("symbol", name="_".join(names))

    def _group(self) -> Node:
        """The argument of a command: in braces, or a single digit or sign."""
        if self.kind == "{":
            self._next()
            found = self._sum()
            self._take("}")
            return found
        if self.kind == "number":
            digits = self._next()
            if len(digits) > 1 and "." not in digits:  # \frac12
                self._at -= 1
                self._tokens[self._at] = ("number", digits[1:])
                digits = digits[0]
            return Node("number", value=Fraction(digits))
        return self._atom()

    def _atom(self) -> Node:
        kind = self.kind
        if kind == "number":
            return Node("number", value=Fraction(self._next()))
        if kind == "symbol":
            return Node("symbol", name=self._next())
        if kind in _STARTS:
            return self._bracketed()
        if kind == "command":
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise NotMathematics("too deep")
            found = self._command()
            self._depth -= 1
            return found
        if kind == "begin matrix":
            return self._matrix()
        raise NotMathematics(self.text)

    def _bracketed(self) -> Node:
        opening = self.kind
        self._next()
        if opening == "|":
            self._bars += 1
            found = self._sum()
            self._bars -= 1
            self._take("|")
            return Node("abs", (found,))
        if opening == "{":
            found = self._statement()
            self._take("}")
            return found
        bars, self._bars = self._bars, 0
        items = [self._statement()] if self.kind not in (")", "]", "}s") else []
        while self.kind in (",", ";"):
            self._next()
            items.append(self._statement())
        self._bars = bars
        closing = self.kind
        if closing not in (")", "]", "}s") or (opening == "{s") != (closing == "}s"):
            raise NotMathematics("a bracket is not closed")
        self._next()
        if opening == "{s":
            return Node("set", tuple(items))
        if len(items) == 1 and (opening, closing) == ("(", ")"):
            return items[0]
        return Node("tuple", tuple(items), name=opening + closing)

    def _command(self) -> Node:
        name = _ALIASES.get(self.text, self.text)
        self._next()
        if name in ("frac", "binom", "tbinom", "dbinom"):
            kind = "frac" if name == "frac" else "binom"
            return Node(kind, (self._group(), self._group()))
        if name == "sqrt":
            return self._root()
        if name in ("pi", "infty"):
            return Node("constant", name=name)
        if name in ("emptyset", "varnothing"):
            return Node("set")
        if name in ("lfloor", "lceil"):
            found = self._sum()
            if self.kind != "command" or self._next() != f"r{name[1:]}":
                raise NotMathematics("a bracket is not closed")
            return Node(name[1:], (found,))
        if name in FUNCTIONS:
            return self._function(name)
        if name in _STRUCTURE:
            raise NotMathematics(name)
        return Node("symbol", name=name)  # a Greek letter, and whatever else is only named

    def _root(self) -> Node:
        degree = Node("number", value=Fraction(2))
        if self.kind == "[":
            self._next()
            degree = self._sum()
            self._take("]")
        inner = self._group() if self.kind in ("{", "number") else self._atom()
        return Node("root", (inner, degree))

    def _function(self, name: str) -> Node:
        base: tuple[Node, ...] = ()
        power: Node | None = None
        while self.kind in ("_", "^"):
            if self._next() == "_":
                base = (self._group(),)
            else:
                sign = self._next() if self.kind == "-" else ""
                power = self._group()
                power = Node("-", (Node("number"), power)) if sign else power
        argument = self._bracketed() if self.kind in ("(", "{", "|") else self._arguments()
        if name in _INVERSE and power == _MINUS_ONE and not base:
            return Node("function", (argument,), name=f"arc{name}")
        found = Node("function", (argument, *base), name=name)
        return found if power is None else Node("^", (found, power))

    def _arguments(self) -> Node:
        """Without brackets a function takes the factors up to the next function or sign: sin 2x cos y."""
        found = self._power()
        while self._begins_factor() and not (self.kind == "command" and self.text in FUNCTIONS):
            found = Node("*", (found, self._power()))
        return found

    def _matrix(self) -> Node:
        self._next()
        rows: list[list[Node]] = [[]]
        while self.kind != "end matrix":
            if self.kind == "&":
                self._next()
            elif self.kind == "row":
                self._next()
                rows.append([])
            else:
                rows[-1].append(self._sum())
        self._next()
        return Node("matrix", tuple(Node("row", tuple(row)) for row in rows if row))


_STRUCTURE = frozenset({"end", "cup", "cap", "in", "to", "pm", "mp", "setminus", "rfloor", "rceil"})


def _plain(fraction: Node) -> bool:
    """Whether a fraction is one of whole numbers: 3\\frac{1}{2} is three and a half."""
    return all(part.kind == "number" and part.value.denominator == 1 for part in fraction.parts)
