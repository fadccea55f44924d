"""Numbers as people read them: one spelling for the table, the sentences and the report."""

from __future__ import annotations

from collections.abc import Sequence

_REDRAWN = {"completion": "completions", "demos": "demos", "order": "an order of demos"}
FINE_SAMPLES = 1_000  # from here on a third decimal of a score says something


def decimals(n: int) -> int:
    """How many decimals of a score `n` samples support."""
    return 3 if n >= FINE_SAMPLES else 2


def number(value: float | None, digits: int = 2) -> str:
    """`0.83`; none is a dash, and no zero is negative."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def signed(value: float | None, digits: int = 2) -> str:
    """`+0.60`, `-0.12`, and `0.00` without a sign."""
    text = number(value, digits)
    return f"+{text}" if value is not None and float(text) > 0 else text


def bounds(low: float | None, high: float | None, digits: int = 2) -> str:
    """`[0.72, 0.91]`; empty where there is no interval."""
    return "" if low is None or high is None else f"[{number(low, digits)}, {number(high, digits)}]"


def p_value(p: float | None) -> str:
    """`0.24`, `0.012`, `< 0.001`. Rounded, 0.0496 still reads below 0.05."""
    if p is None:
        return "-"
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_words(p: float | None) -> str:
    """`p = 0.012` or `p < 0.001`."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def count(value: float) -> str:
    """`1,240`."""
    return f"{value:,.0f}"


def usd(value: float) -> str:
    """`0.12 USD`, `0.0031 USD`, `12.40 USD`: two digits that say something."""
    if value == 0:
        return "0 USD"
    if abs(value) < 0.1:
        text = f"{value:.2g}"
        return f"{float(text):.12f}".rstrip("0") + " USD"
    return f"{value:,.2f} USD"


def seconds(value: float | None) -> str:
    """`0.21 s`, `3.4 s`, `2.1 min`."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value / 60:.1f} min"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b and c`; beyond `most` the rest is counted."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def redrawn(vary: Sequence[str]) -> str:
    """What each repeat draws anew: `completions and demos`."""
    return listed([_REDRAWN[what] for what in vary])
