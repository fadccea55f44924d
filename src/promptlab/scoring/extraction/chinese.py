"""Chinese numerals: 三百二十一, 两万, 3万5千, 二〇二四, 三点一四, 三分之二."""

from __future__ import annotations

import re
from fractions import Fraction

_DIGITS = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    **{"两": 2, "兩": 2, "貳": 2, "參": 3, "陸": 6, "○": 0},
}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = ((("亿", "億"), 10**8), (("万", "萬"), 10**4))
_NUMERAL = "".join(_DIGITS)
MAX_CHARS = 40

_NOT_KILO = r"千(?![克米瓦卡赫帕伏焦])"  # 千克 is a kilogram, not a thousand grams
_ANY_UNIT = rf"(?:[十拾百佰仟万萬亿億]|{_NOT_KILO})"
# Words that only look like numerals: 一共 is "altogether", 第一 "first", 三角 "triangle".
_NOT_BEFORE = (
    "一(?:共|起|些|样|樣|定|般|直|下|点|點|切|旦|边|邊|面|会|會|致|部分|系列|种|種)"
    "|万一|十分(?!之)|百分|三角|四边|两者|兩者"
)
NUMERAL = re.compile(
    rf"(?<![第唯统統专單单])(?!{_NOT_BEFORE})(?:[{_NUMERAL}]|[十拾百佰仟]|{_NOT_KILO})"
    rf"(?:[{_NUMERAL}]|{_ANY_UNIT}){{0,{MAX_CHARS}}}(?:[点點][{_NUMERAL}]{{1,{MAX_CHARS}}})?"
)
# What may follow Arabic digits: 12万, 3.5亿, 1万2千.
MULTIPLIER = re.compile(
    rf"\s?{_ANY_UNIT}(?:[0-9{_NUMERAL}]{{0,8}}{_ANY_UNIT}){{0,4}}(?:[0-9]{{1,4}}(?![0-9]))?"
)
_PART = re.compile(rf"([0-9]+(?:\.[0-9]+)?|[{_NUMERAL}])?([十拾百佰千仟])?")


def chinese_number(text: str) -> Fraction | None:
    """The value of a numeral in Chinese or mixed spelling, or None where it is none."""
    text = text.strip().replace(",", "")
    if not text or len(text) > 2 * MAX_CHARS + 20:
        return None
    whole, point, decimals = text.partition("点") if "点" in text else text.partition("點")
    value = _whole(whole)
    if value is None or (point and not all(char in _DIGITS for char in decimals)):
        return None
    if decimals:
        value += Fraction(int("".join(str(_DIGITS[char]) for char in decimals)), 10 ** len(decimals))
    return value


def _whole(text: str) -> Fraction | None:
    if text and all(char in _DIGITS for char in text):  # digit by digit: 二〇二四
        return Fraction(int("".join(str(_DIGITS[char]) for char in text)))
    total = Fraction(0)
    for chars, unit in _LARGE:
        at = max(text.rfind(char) for char in chars)
        if at >= 0:
            head, text = text[:at], text[at + 1 :]
            value = _whole(head) if head else None
            if value is None:
                return None
            total += value * unit
            if len(text) == 1 and text in _DIGITS:  # 两万五 is 25,000
                return total + Fraction(_DIGITS[text] * unit, 10)
    if not text:
        return total
    rest = _section(text)
    return None if rest is None else total + rest


def _section(text: str) -> Fraction | None:
    """Below ten thousand: 三百二十一, 3百, 十五; 一百五 is 150, 一百零五 is 105."""
    total, position, last_unit, zero = Fraction(0), 0, 0, False
    while position < len(text):
        if text[position] in "零〇○":
            zero, position = True, position + 1
            continue
        part = _PART.match(text, position)
        if part is None or part.end() == position:
            return None
        number = Fraction(1) if part[1] is None else Fraction(_DIGITS.get(part[1], 0) or 0)
        if part[1] is not None and part[1] not in _DIGITS:
            number = Fraction(part[1])
        if part[2] is None:
            if part.end() != len(text):
                return None
            colloquial = last_unit >= 100 and not zero and part[1] in _DIGITS
            return total + number * (last_unit // 10 if colloquial else 1)
        last_unit, zero = _SMALL[part[2]], False
        total += number * last_unit
        position = part.end()
    return total
