r"""One spelling for mathematical answers: LaTeX dress, units, degrees and currency taken off."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 400  # a longer answer is prose, and is compared as text

_SIGNS = str.maketrans(
    {
        "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "∞": r"\infty ", "π": r"\pi ",
        "√": r"\sqrt ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "±": r"\pm ", "∪": r"\cup ",
        "°": r"^\circ ", "ℝ": r"\mathbb{R}", "²": "^2", "³": "^3", "，": ",", "（": "(", "）": ")",
        "\u200b": "", "\ufeff": "", "θ": r"\theta ",
    }
)  # fmt: skip
_SPACING = re.compile(
    r"(?<!\\)\\(?:left|right|displaystyle|textstyle|limits|[bB]igg?[lrm]?(?![a-z])|quad|qquad)(?![a-zA-Z])"
    r"|(?<!\\)\\[,!;: ](?![a-zA-Z])|~"
)
_FRACTION = re.compile(r"\\[dtc]frac")
_DEGREES = re.compile(r"\^\s?\{?\s?\\circ\s?\}?|\\degree(?![a-z])")
_ANGLE = re.compile(rf"([0-9]+(?:\.[0-9]+)?)\s?(?:{_DEGREES.pattern})")
_TRIGONOMETRY = re.compile(r"(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_REALS = re.compile(r"\\mathbb\s?\{\s?R\s?\}|\\mathbb\s?R(?![a-z])")
_REPEATING = re.compile(r"([0-9]{0,20})\.([0-9]{0,20})\s?\\(?:overline|bar)\s?\{?\s?([0-9]{1,20})\s?\}?")
_BOLD = re.compile(r"\*\*(?![\w(\\])|(?<![\w)}])\*\*")
_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|math(?:rm|bf|it|sf|bb)|mbox|operatorname)\s?\{([^{}]{0,200})\}"
    r"(?P<power>\s?\^\s?(?:[23]|\{[23]\}))?"
)
_MATH = re.compile(r"\\[()\[\]]|(?<!\\)\$+|\\\$")
_GROUP = re.compile(r"(?<=[0-9])(?:\{,\}|,\\!)(?=[0-9]{3}(?![0-9]))")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_AND = re.compile(r"\s(?:and|or)\s|\s?(?:和|或|及)\s?", re.IGNORECASE)
_UNIT = re.compile(
    r"(?<=[0-9)}])\s*(?:(?:square|cubic|sq\.?|cu\.?)\s)?"
    r"(?:cm|mm|km|dm|ft|feet|foot|in|inch(?:es)?|yards?|yd|miles?|mph|met(?:er|re)s?|centimet(?:er|re)s?|"
    r"kilomet(?:er|re)s?|m|kg|grams?|g|pounds?|lbs?|lit(?:er|re)s?|ml|hours?|hrs?|h|minutes?|mins?|seconds?|"
    r"secs?|s|days?|weeks?|months?|years?|dollars?|cents?|usd|degrees?|radians?|rad|units?|points?|percent|"
    r"people|students|ways|times|元|米|厘米|千米|公里|度|个|人|岁|小时|分钟|秒|天)"
    r"(?:\s?(?:/|per\s)\s?(?:hour|h|second|s|minute|min|day))?(?:\s?\^\s?\{?[23]\}?)?\.?\s*$",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"(?<![\\a-zA-Z])[a-zA-Z]|\\(?:pi|alpha|beta|gamma|theta|lambda)"
)  # "h" is none of hours then
_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,3}\{")
_BRACE = re.compile(r"[{}]")
_VULGAR = re.compile(r"(?=[¼-¾⅐-⅞])")
_TRIED = 8  # boxes looked at, from the last one backwards


def boxed(text: str) -> str | None:
    r"""What stands in the last ``\boxed{…}``; None where there is none, or its end is cut off."""
    for match in list(_BOX.finditer(text))[: -_TRIED - 1 : -1]:
        depth = 1
        for brace in _BRACE.finditer(text, match.end(), match.end() + 4 * MAX_CHARS):
            depth += 1 if brace.group() == "{" else -1
            if depth == 0:
                return text[match.end() : brace.start()]
    return None


def tidied(text: str) -> str:
    """`text` without what does not change its value. Percent signs stay; what is too long stays as it is."""
    inner = boxed(text)
    text = (text if inner is None else inner).strip()
    if len(text) > 4 * MAX_CHARS:
        return text
    text = text.translate(_SIGNS)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _VULGAR.sub(" ", text)).replace("⁄", "/")
    text = _SPACING.sub(" ", _GROUP.sub("", text))
    if _TRIGONOMETRY.search(text):  # 30 degrees are an angle there, and a mere unit elsewhere
        text = _ANGLE.sub(r"(\1\\pi /180)", text)
    text = _REALS.sub(r"(-\\infty ,\\infty )", text)
    text = _FRACTION.sub(r"\\frac", _DEGREES.sub("", text)).replace("\\%", "%").replace("{,}", ",")
    text = _MATH.sub(" ", _BOLD.sub("", text)).strip(" \t\r\n`*")
    text = _worded(text)
    if "(" not in text and "[" not in text and "{" not in text:  # in brackets a comma parts numbers
        text = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    unit = _UNIT.search(text)
    if unit is not None and not (
        len(unit.group().strip(". ")) == 1 and _LETTER.search(text, 0, unit.start())
    ):
        text = text[: unit.start()].rstrip()
    text = text[:-1] if text.endswith((".", "。", ",", ";")) and not text.endswith("..") else text
    return " ".join(text.split())


def as_fractions(text: str) -> str:
    r"""Repeating decimals as what they are: 0.1\overline{6} is 1/6."""

    def fraction(match: re.Match[str]) -> str:
        whole, fixed, repeated = match.groups()
        nines = 10 ** len(repeated) - 1
        above = int(f"{whole}{fixed}" or "0") * nines + int(repeated)
        return f"({above}/{nines * 10 ** len(fixed)})"

    return _REPEATING.sub(fraction, text)


def _worded(text: str) -> str:
    r"""``\text{…}`` as its words where it is all, or a connective; a unit beside a number goes."""
    whole = _TEXT.fullmatch(text.strip())
    if whole is not None:
        return whole[1].strip()

    def said(match: re.Match[str]) -> str:
        words = match[1].strip()
        if words.lower() in ("and", "or", "和", "或", ","):
            return " , "
        before = match.string[: match.start()].rstrip()
        beside = bool(before) and (before[-1].isdigit() or before[-1] in ")}%")
        return " " if beside and (len(words) > 1 or match["power"]) else f" {words} {match['power'] or ''}"

    return _AND.sub(" , ", _TEXT.sub(said, text))
