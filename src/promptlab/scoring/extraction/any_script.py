"""A number in any script, read as inspect_ai reads one: what looks like a mistake is kept."""

from __future__ import annotations

import re
import unicodedata
from math import prod

_SIGNS = {**dict.fromkeys("-−﹣－负負", -1), **dict.fromkeys("+＋﹢正", 1)}
_SEPARATORS = ",，﹐、٬ \u00a0\u202f\u2009\u2007\u2008'’ʼ＇"
_POWER = re.compile(rf"(.*[^\s⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹])\s*([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)[\s{_SEPARATORS}]*", re.DOTALL)
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_HAN_DIGITS = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    **{"○": 0, "貳": 2, "參": 3, "陸": 6, "两": 2, "兩": 2, "幺": 1},
}
_HAN_TENS = {"廿": 20, "卅": 30, "卌": 40}
_HAN_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_HAN_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "兆": 10**12}
_HAN_POINT = "点點"
_HAN = {*_HAN_DIGITS, *_HAN_TENS, *_HAN_UNITS, *_HAN_LARGE, *_HAN_POINT, *"正负負"}


def any_script_number(text: str) -> float | None:
    """`−5`, `2½`, `3²`, `三百二十`, `５`, `Ⅻ`; None: it is no number. May be infinite."""
    text = text.strip()
    signs = []
    while text and text[0] in _SIGNS:
        signs.append(_SIGNS[text[0]])
        text = text[1:].lstrip()
    if len(text) == 1:
        value = _numeric(text)
        return None if value is None else prod(signs) * value
    power = _POWER.fullmatch(text)
    value = _base(power[1] if power else text)
    if value is None:
        return None
    value *= prod(signs)
    try:
        return value if power is None else float(value ** int(power[2].translate(_PLAIN)))
    except (ArithmeticError, ValueError):  # too large, 0 to a negative power, or thousands of digits
        return None


def _base(text: str) -> float | None:
    """A number that may end in one vulgar fraction."""
    fractions = [(place, part) for place, char in enumerate(text) if 0 < (part := _numeric(char) or 0) < 1]
    if not fractions:
        return _whole_or_decimal(text)
    (place, fraction), *more = fractions
    head, tail = text[:place].strip(), text[place + 1 :].strip()
    if more or tail.strip(_SEPARATORS):
        return None
    value = _whole_or_decimal(head) if head else 0.0
    return None if value is None else value + fraction


def _whole_or_decimal(text: str) -> float | None:
    value = _han(text) if any(char in _HAN for char in text) else None
    if value is None:
        value = _digits(text)
    return _numeric(text) if value is None and len(text) == 1 else value


def _digits(text: str) -> float | None:
    """Digits of any script with separators between them, a point, and `e`."""
    spelled = ""
    for char in text:
        if char in "٫．.":
            spelled += "."
        elif char in "eE" or (char in _SIGNS and spelled[-1:] in "eE" and char not in _HAN):
            spelled += "-" if _SIGNS.get(char) == -1 else "+" if char in _SIGNS else "e"
        elif char not in _SEPARATORS and not char.isspace():
            digit = _digit(char)
            if digit is None:
                return None
            spelled += str(digit)
    try:
        return float(spelled)
    except ValueError:
        return None


def _han(text: str) -> float | None:
    """Chinese numerals, also mixed with other digits; of several digits before a unit the last one counts."""
    point = next((char for char in (*_HAN_POINT, "．", ".") if char in text), "")
    whole, decimals = text.split(point, 1) if point else (text, "")
    digits = [_digit(char) for char in decimals]
    value = _han_whole(whole)
    if value is None or None in digits:
        return None
    return value + sum(digit * 10.0**-place for place, digit in enumerate(digits, 1) if digit)


def _han_whole(text: str) -> float | None:
    if not any(char in _HAN_UNITS or char in _HAN_LARGE or char in _HAN_TENS for char in text):
        digits = [_digit(char) for char in text]
        return None if None in digits else float("".join(map(str, digits)) or "0")
    total = section = number = 0
    for char in text:
        digit = _digit(char)
        if char in _HAN_TENS:
            section += _HAN_TENS[char]
        elif digit is not None:
            number = number if char in "零〇○" else digit
        elif char in _HAN_UNITS:
            section, number = section + (number or 1) * _HAN_UNITS[char], 0
        elif char in _HAN_LARGE:
            total, section, number = total + (section + number) * _HAN_LARGE[char], 0, 0
        else:
            return None
    return float(total + section + number)


def _numeric(char: str) -> float | None:
    try:
        return unicodedata.numeric(char)
    except ValueError:
        return None


def _digit(char: str) -> int | None:
    value = unicodedata.digit(char, None)
    return _HAN_DIGITS.get(char) if value is None else value
