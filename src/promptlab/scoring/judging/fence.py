"""What others wrote stands between marks that they cannot have written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.basics.hashing import short_digest

_CODE_CHARS = 8


@dataclass(frozen=True, slots=True)
class Fence:
    """A code for one judge's prompt. It comes from the content alone, so that equal prompts are one call.

    It stands in none of the texts that it fences: no text can close its own fence, or hold a line that reads
    as the verdict, which must name the code.
    """

    code: str

    @classmethod
    def around(cls, texts: Sequence[str]) -> Fence:
        """The fence for these texts: the first code of a seeded row that stands in none of them."""
        attempt = 0
        while True:
            code = short_digest([attempt, *texts])[:_CODE_CHARS].upper()
            if not any(code in text.upper() for text in texts):
                return cls(code)
            attempt += 1

    def block(self, name: str, text: str) -> str:
        """The text, fenced under its name."""
        return f"<<<{name} {self.code}>>>\n{text}\n<<<END {name} {self.code}>>>"

    @property
    def verdict(self) -> str:
        """How the line begins that holds the verdict."""
        return f"VERDICT {self.code}:"
