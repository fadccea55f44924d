"""An amount that is not known exactly: low, expected, high."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`low` ≤ `expected` ≤ `high`. Sums take the ends together: a bound, no interval of confidence."""

    low: float = 0.0
    expected: float = 0.0
    high: float = 0.0

    @classmethod
    def exactly(cls, value: float) -> Span:
        return cls(value, value, value)

    @classmethod
    def around(cls, low: float, expected: float, high: float) -> Span:
        """The expected value bends the ends where it lies outside of them."""
        return cls(min(low, expected), expected, max(high, expected))

    @classmethod
    def sum(cls, spans: Iterable[Span]) -> Span:
        total = cls()
        for each in spans:
            total = total + each
        return total

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, other: Span) -> Span:
        """End by end: for amounts that are not negative."""
        return Span(self.low * other.low, self.expected * other.expected, self.high * other.high)

    def times(self, factor: float) -> Span:
        return Span(self.low * factor, self.expected * factor, self.high * factor)

    def rounded(self) -> dict[str, int]:
        return {"low": round(self.low), "expected": round(self.expected), "high": round(self.high)}

    def to_json(self) -> dict[str, float]:
        return {"low": self.low, "expected": self.expected, "high": self.high}
