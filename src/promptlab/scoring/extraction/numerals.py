"""Numbers in running text: where they stand, and their canonical spelling ("1234", "0.5", "-3", "50%")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import NamedTuple

from promptlab.scoring.extraction.chinese import MULTIPLIER, NUMERAL, chinese_number

RELATIVE_TOLERANCE = 1e-6
_LOOKED_BACK = 12  # matches at the end of a text among which its last number is looked for first
MAX_EXPONENT = 300  # beyond it a number is no answer that anyone meant

_GROUPS = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9])"
_TAIL = r"(?:[eE][-+]?[0-9]{1,4}(?![0-9A-Za-z]))?"
_POWER = r"(?:\s?[x×*·]\s?10\s?\^\s?\{?(?P<power>[-+]?[0-9]{1,4})\}?)?"
_NUMBER = re.compile(
    r"(?P<whole>[0-9]{1,15})[ \t]{1,2}(?P<part>[0-9]{1,15}/[0-9]{1,15})(?![0-9/])"
    r"|(?<!/)(?P<fraction>[0-9]{1,15}\s?/\s?[0-9]{1,15})(?![0-9/]|\.[0-9])"
    r"|10\s?\^\s?\{?(?P<ten>[-+]?[0-9]{1,4})\}?"
    rf"|(?P<plain>(?:(?:{_GROUPS})(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+){_TAIL}){_POWER}"
)
_DIGIT = re.compile(r"[0-9]")
_COMMA_GROUPS = re.compile(r"(?<![0-9])([0-9]{1,3}(?:\.[0-9]{3})+)(?![0-9.])")
_COMMA_DECIMAL = re.compile(r"(?<=[0-9]),(?=[0-9])")

_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b|percentage points?\b|个百分点)", re.IGNORECASE)
_MAGNITUDE = re.compile(r"[ -]?(thousand|million|billion|trillion)s?\b", re.IGNORECASE)
_MAGNITUDES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# The first characters of these, which spares most numbers the search.
_BEFORE_PERCENT = frozenset("%pP个")
_BEFORE_MAGNITUDE = frozenset(" -tTmMbB")
_CURRENCY = "$€£¥￥₹₩₽"
_CURRENCY_CODE = re.compile(r"(?:usd|eur|gbp|cny|rmb|jpy|chf|hk|us|rs)\s?$", re.IGNORECASE)
_MINUS_WORD = re.compile(r"(?:\bminus |\bnegative |[负負])$", re.IGNORECASE)
_ENDS_MINUS_WORD = frozenset(" 负負")
_CHINESE_FRACTION = re.compile(r"([^\s分之]{1,12})分之([^\s分之，。,.]{1,16})")


class Number(NamedTuple):
    """A number at its place in a text; `value` is its canonical spelling."""

    start: int
    end: int
    value: str


def decimal_points(text: str) -> str:
    """German spelling to English: 1.234,56 becomes 1234.56."""
    text = _COMMA_GROUPS.sub(lambda match: match[1].replace(".", ""), text)
    return _COMMA_DECIMAL.sub(".", text)


def spans(text: str) -> list[re.Match[str]]:
    """Where Arabic numbers may stand, in order; `read` says whether one does."""
    found: list[re.Match[str]] = []
    position = 0
    # The search for a lone digit is five times as fast as that for the whole pattern.
    while (digit := _DIGIT.search(text, position)) is not None:
        start = digit.start()
        if start > position and text[start - 1] == ".":
            start -= 1
        match = _NUMBER.match(text, start)
        assert match is not None, "a digit begins a number"
        found.append(match)
        position = match.end()
    return found


def numbers(text: str) -> Iterator[Number]:
    """The numbers of a text in order: Arabic ones, or Chinese numerals where there is none."""
    end = 0
    for number in _read_all(spans(text)):
        end = number.end
        yield number
    if not end and not text.isascii():
        yield from chinese_numbers(text)


def last_number(text: str) -> Number | None:
    found = spans(text)
    last = _last(_read_all(found[-_LOOKED_BACK:]))
    if last is None and len(found) > _LOOKED_BACK:
        last = _last(_read_all(found))
    return last if last is not None or text.isascii() else _last(chinese_numbers(text))


def _read_all(found: list[re.Match[str]]) -> Iterator[Number]:
    end = 0
    for match in found:
        number = read(match) if match.start() >= end else None  # the 2 of 1万2千 is no number of its own
        if number is not None:
            end = number.end
            yield number


def _last(found: Iterator[Number]) -> Number | None:
    last = None
    for number in found:
        last = number
    return last


def chinese_numbers(text: str) -> Iterator[Number]:
    """Numerals, fractions (三分之二) and percentages (百分之五十) in Chinese spelling."""
    taken = 0
    for match in _CHINESE_FRACTION.finditer(text) if "分之" in text else ():
        upper = NUMERAL.match(match[2])
        lower = _ending_numeral(match[1])
        if upper is None or lower is None:
            continue
        above, below = chinese_number(upper.group()), chinese_number(lower)
        if above is None or not below:
            continue
        yield from _numerals(text, taken, match.start())
        taken = match.start(2) + upper.end()
        value = spell(above) + "%" if lower == "百" else spell(above / below)
        yield Number(match.start(), taken, value)
    yield from _numerals(text, taken, len(text))


def _numerals(text: str, start: int, end: int) -> Iterator[Number]:
    for match in NUMERAL.finditer(text, start, end):
        value = chinese_number(match.group())
        if value is not None:
            minus = _MINUS_WORD.search(text, max(0, match.start() - 1), match.start())
            yield Number(match.start(), match.end(), spell(-value if minus else value))


def _ending_numeral(text: str) -> str | None:
    if text.endswith("百"):
        return "百"
    for match in NUMERAL.finditer(text):
        if match.end() == len(text):
            return match.group()
    return None


def read(match: re.Match[str]) -> Number | None:
    """The number at a match of `spans`, with sign, percent sign and magnitude; None within a name (x2)."""
    text, start, end = match.string, match.start(), match.end()
    if _in_word(text, start) and not _CURRENCY_CODE.search(text, max(0, start - 5), start):
        return None
    value = _value(match)
    if value is None:
        return None
    if start > 2 and text.startswith("百分之", start - 3):
        return Number(start, end, _signed(spell(value), match) + "%")
    after = text[end : end + 1]
    percent = _PERCENT.match(text, end) if after in _BEFORE_PERCENT or after.isspace() else None
    if percent is not None:
        return Number(start, percent.end(), _signed(spell(value), match) + "%")
    magnitude = _MAGNITUDE.match(text, end) if after in _BEFORE_MAGNITUDE else None
    if magnitude is not None and isinstance(value, str) and len(value) <= MAX_EXPONENT:
        value, end = Fraction(value) * _MAGNITUDES[magnitude[1].lower()], magnitude.end()
    elif end < len(text) and not text.isascii() and isinstance(value, str):
        multiplier = MULTIPLIER.match(text, end)
        if multiplier is not None:
            mixed = chinese_number(value + multiplier.group().strip())
            if mixed is not None:
                value, end = mixed, multiplier.end()
    return Number(start, end, _signed(spell(value), match))


def _in_word(text: str, start: int) -> bool:
    """Whether the digits belong to a name or an exponent: x2, v_1, a^2."""
    before = text[start - 1] if start else ""
    if before == "_":
        return start > 1 and text[start - 2].isalnum()
    return before == "^" or (before.isascii() and before.isalpha())


def _value(match: re.Match[str]) -> str | Fraction | None:
    """A decimal as its digits (any length), the rest as a fraction; None where it is no number."""
    kind = match.lastgroup
    if kind == "part":
        part = _divided(match["part"])
        return None if part is None else int(match["whole"]) + part
    if kind == "fraction":
        return _divided(match["fraction"])
    if kind == "ten":
        return _scaled("1", int(match["ten"]))
    digits = match["plain"].replace(",", "")
    before = match.string[match.start() - 1] if match.start() else ""
    if digits[0] == "." and (before == "." or before.isalnum()):
        digits = digits[1:]  # "...5", "Rs.5", "No.5"
    mantissa, _, exponent = digits.replace("E", "e").partition("e")
    if kind == "plain" and not exponent:
        return digits
    return _scaled(mantissa, int(exponent or 0) + int(match["power"] or 0))


def _divided(fraction: str) -> Fraction | None:
    upper, _, lower = fraction.partition("/")
    return Fraction(int(upper), int(lower)) if int(lower) else None


def _scaled(digits: str, exponent: int) -> Fraction | None:
    if abs(exponent) > MAX_EXPONENT or len(digits) > MAX_EXPONENT:
        return None
    return Fraction(digits) * Fraction(10) ** exponent


def _signed(value: str, match: re.Match[str]) -> str:
    text, at = match.string, match.start()
    if at and text[at - 1] in _CURRENCY:
        at -= 1
    sign = text[at - 1] if at else ""
    if sign and sign in "-–":
        outer = text[at - 2] if at > 1 else ""
        return value if outer.isalnum() or (outer and outer in ")]}%.") else negated(value)
    if sign not in _ENDS_MINUS_WORD:
        return value
    return negated(value) if _MINUS_WORD.search(text, max(0, at - 9), at) else value


def negated(value: str) -> str:
    if value == "0":
        return value
    return value[1:] if value.startswith("-") else "-" + value


def spell(value: str | Fraction) -> str:
    """Canonical: no leading or trailing zeros, no exponent; a fraction that does not end has 15 digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        rest = value.denominator
        for prime in (2, 5):
            while rest % prime == 0:
                rest //= prime
        ends = rest == 1 and value.denominator.bit_length() < 200
        if ends:
            places = value.denominator.bit_length()
            scaled = abs(value.numerator) * 10**places // value.denominator
            sign = "-" if value < 0 else ""
            digits = str(scaled).rjust(places + 1, "0")
            return sign + spell(f"{digits[:-places]}.{digits[-places:]}")
        return spell(format(Decimal(f"{value.numerator / value.denominator:.15g}"), "f"))
    whole, _, decimals = value.partition(".")
    sign = "-" if whole.startswith("-") else ""
    whole, decimals = whole.lstrip("-+0") or "0", decimals.rstrip("0")
    if not decimals:
        return whole if whole == "0" else sign + whole
    return f"{sign}{whole}.{decimals}"


def same_number(
    left: object, right: object, relative: float = RELATIVE_TOLERANCE, absolute: float = 0.0
) -> bool:
    """Exact for two integers, else within the tolerance. 50% equals 50% and 50 and 0.5, but 50 is not 0.5."""
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    if left == right:
        return True
    if not absolute and relative <= RELATIVE_TOLERANCE and left.isdigit() and right.isdigit():
        return False  # two whole numbers, as nearly always
    if left.endswith("%") and right.endswith("%"):
        return same_number(left[:-1], right[:-1], relative, absolute)
    if left.endswith("%") or right.endswith("%"):
        share, other = (left, right) if left.endswith("%") else (right, left)
        share = share[:-1]
        return _near(share, other, relative, absolute) or _near(f"{share}E-2", other, relative, absolute)
    return _near(left, right, relative, absolute)


def _near(left: str, right: str, relative: float, absolute: float) -> bool:
    try:
        first, second = Decimal(left), Decimal(right)
    except InvalidOperation:
        return False
    if first == second:
        return True
    whole = first == first.to_integral_value() and second == second.to_integral_value()
    if whole and not absolute and relative <= RELATIVE_TOLERANCE:
        return False
    distance = abs(first - second)
    return distance <= Decimal(absolute) or distance <= Decimal(relative) * max(abs(first), abs(second))
