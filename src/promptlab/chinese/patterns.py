"""English sentence patterns with `{fields}` and their Chinese ones, read from the tables beside this file.

A table is text. Each entry is two lines, the Chinese one indented; `#` begins a comment:

    there is no file {path}
        没有文件 {path}

A field is a name in braces, in lower case and without spaces; all other braces stand for themselves. Some
names stand for numbers (`NUMBERS`). In the Chinese line `{why*}` asks for the field's own value in Chinese,
where it is known, and `{names+}` for a list of quoted names with Chinese words between them. The full stop is
left out on both sides: a sentence is known with and without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FIELD = re.compile(r"\{([a-z_]+)([*+]?)\}")
NUMBERS = frozenset(
    {
        "calls",
        "count",
        "left",
        "line",
        "looks",
        "most",
        "number",
        "planned",
        "repeats",
        "rest",
        "rows",
        "runs",
    }
    | {"seconds", "seed", "shared", "size", "status", "taken", "total", "unused", "wanted_rows"}
)
_NUMBER = r"[+-]?\d[\d,.]*(?: ?[A-Za-z]{1,3})?"


@dataclass(frozen=True)
class Pattern:
    """One sentence in both languages."""

    english: str
    chinese: str
    table: str

    @property
    def fields(self) -> list[str]:
        """The names in the English sentence."""
        return [name for name, _ in FIELD.findall(self.english)]

    @property
    def weight(self) -> int:
        """How many characters it says itself."""
        return len(FIELD.sub("", self.english))


@dataclass(frozen=True)
class _Compiled:
    pattern: Pattern
    expression: re.Pattern[str]
    longest: str


def read_tables() -> Iterator[Pattern]:
    """Every entry, table by table. ValueError: a line without its other half."""
    for table in sorted(files(__package__).joinpath("tables").iterdir(), key=lambda each: each.name):
        english = ""
        for line in table.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] == " ":
                if not english:
                    raise ValueError(f"{table.name}: {line.strip()!r} stands under no English line")
                yield Pattern(english, line.strip(), table.name)
                english = ""
            elif english:
                raise ValueError(f"{table.name}: {english!r} has no Chinese line")
            else:
                english = line.rstrip()


@cache
def _index() -> tuple[dict[str, list[_Compiled]], list[_Compiled]]:
    """The patterns by their first word, and those that begin with a field; what says more comes first."""
    by_word: dict[str, list[_Compiled]] = {}
    others: list[_Compiled] = []
    for pattern in sorted(read_tables(), key=lambda each: -each.weight):
        parts = FIELD.split(pattern.english)
        literals = parts[::3]
        expression = "".join(
            re.escape(part) if place % 3 == 0 else _group(part) if place % 3 == 1 else ""
            for place, part in enumerate(parts)
        )
        compiled = _Compiled(pattern, re.compile(expression, re.DOTALL), max(literals, key=len))
        first, space, _ = literals[0].partition(" ")
        if first and (space or len(parts) == 1):
            by_word.setdefault(first, []).append(compiled)
        else:
            others.append(compiled)
    return by_word, others


def _group(name: str) -> str:
    return f"(?P<{name}>{_NUMBER if name in NUMBERS else '.+?'})"


def matching(sentence: str) -> Iterator[tuple[Pattern, dict[str, str]]]:
    """The patterns that say all of `sentence`, each with its fields' values."""
    by_word, others = _index()
    for candidates in (by_word.get(sentence.partition(" ")[0], ()), others):
        for each in candidates:
            if each.longest in sentence and (match := each.expression.fullmatch(sentence)):
                yield each.pattern, match.groupdict()
