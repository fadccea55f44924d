"""English number words: "eighteen", "minus twenty-one", "three hundred and five"."""

from __future__ import annotations

import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {
    **{word: value for value, word in enumerate(_ONES)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_WORD = "|".join([*_VALUES, "hundred", *_SCALES])
_NUMBER = re.compile(
    rf"[\s:\"'“*_(]{{0,6}}(?:(?:that|about|only|exactly) )?(?P<sign>(?:minus|negative) )?"
    rf"(?P<words>(?:{_WORD})(?:(?:[ -]|,? and |, )(?:{_WORD})){{0,16}})(?![\w-])",
    re.IGNORECASE,
)


def english_number(text: str) -> str | None:
    """The number whose words begin the text, in canonical spelling."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    total = section = 0
    for word in re.findall(r"[a-z]+", match["words"].lower()):
        if word in _VALUES:
            section += _VALUES[word]
        elif word == "hundred":
            section = (section or 1) * 100
        elif word in _SCALES:
            total, section = total + (section or 1) * _SCALES[word], 0
    total += section
    return f"-{total}" if match["sign"] and total else str(total)
