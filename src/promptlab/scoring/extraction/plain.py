"""One spelling for what models dress up: full-width characters, Markdown, LaTeX."""

from __future__ import annotations

import re
import unicodedata

_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
# A full-width comma parts clauses; between full-width digits it groups thousands.
_SPELLED = str.maketrans(
    {
        **{chr(wide): chr(narrow) for wide, narrow in _FULL_WIDTH.items()},
        "，": ", ",
        "\u3000": " ",
        "−": "-",
        "﹣": "-",
        "‐": "-",
        "‑": "-",
        "⁄": "/",
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""),
    }
)
_WIDE_GROUP = re.compile(r"(?<=[０-９])，(?=[０-９]{3})")
_THIN_GROUP = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_VULGAR = re.compile(r"[¼-¾⅐-⅞]")

_FRACTION = re.compile(r"\\[dtc]?frac\s{0,3}(?:\{([^{}]{1,40})\}\s{0,3}\{([^{}]{1,40})\}|([0-9])\s?([0-9]))")
_TEXT_MACRO = re.compile(
    r"\\(?:text(?:bf|it|rm|normal)?|math(?:rm|bf|it|sf)|mbox|operatorname)\s{0,3}\{([^{}]{0,400})\}"
)
_LATEX = (
    (re.compile(r"\\[,!]|\\left|\\right|\^\{?\\circ\}?|\\displaystyle"), ""),
    (re.compile(r"\\times|\\cdot"), "×"),
    (re.compile(r"\\[()\[\];: ]|\\quad|~"), " "),
    (re.compile(r"\\([$%#&_])"), r"\1"),
)


def plain(text: str) -> str:
    """`text` in ASCII digits and punctuation, without bold marks and LaTeX dress. Never longer by much."""
    if not text.isascii():
        text = _WIDE_GROUP.sub(",", text).translate(_SPELLED)
        text = _VULGAR.sub(_spell_vulgar, _THIN_GROUP.sub(",", text))
    if "**" in text:
        text = text.replace("**", " ")
    if "{,}" in text:
        text = text.replace("{,}", ",")
    if "\\" in text:
        text = _TEXT_MACRO.sub(r" \1 ", _FRACTION.sub(_spell_fraction, text))
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return text


def _spell_vulgar(match: re.Match[str]) -> str:
    return " " + unicodedata.normalize("NFKC", match.group()).replace("⁄", "/")


def _spell_fraction(match: re.Match[str]) -> str:
    upper, lower = (match[1] or match[3]).strip(), (match[2] or match[4]).strip()
    mixed = match.start() > 0 and match.string[match.start() - 1].isdigit()
    return f"{' ' if mixed else ''}{upper}/{lower}"


_PAIRS = {"'": "'", "‘": "’", "_": "_", "「": "」", "『": "』", "«": "»"}
_NESTED = 4  # quotes within quotes
_EDGE = ' \t\r\n*`"“”'  # stripped even alone: "**Answer: Paris**" leaves "Paris**"


def bare(text: str) -> str:
    """A short answer without quotes, Markdown marks and one final full stop."""
    text = text.strip().lstrip("#>").strip()
    if text[:2] in ("- ", "* ", "+ ", "• "):
        text = text[2:]
    for _ in range(2):  # the full stop stands inside the quotes or outside
        text = _unquoted(text)
        if text.endswith("。") or (text.endswith(".") and not text.endswith("..")):
            text = text[:-1]
    return _unquoted(_unmath(text) if "\\" in text or "$" in text else text)


def _unquoted(text: str) -> str:
    text = text.strip(_EDGE)
    for _ in range(_NESTED):
        if len(text) < 2 or _PAIRS.get(text[0]) != text[-1]:
            break
        text = text[1:-1].strip(_EDGE)
    return text


def _unmath(text: str) -> str:
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening) + len(closing):
            text = text[len(opening) : -len(closing)].strip()
    return _TEXT_MACRO.sub(r"\1", text)
