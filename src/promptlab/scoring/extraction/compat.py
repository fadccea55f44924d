"""Other harnesses' rules, bugs included: to reproduce their numbers on the same texts. Never a default.

Each rule says where it comes from. What looks like a mistake here is one over there, and is kept.
"""

from __future__ import annotations

import re
import string
from collections import deque
from collections.abc import Callable
from math import isfinite

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import AnswerForm
from promptlab.scoring.extraction.any_script import any_script_number
from promptlab.scoring.extraction.choice import spell_choice
from promptlab.scoring.extraction.rule import Found, Rule, Value

Read = Callable[[str, AnswerForm], Found | None]

# lm-evaluation-harness 0.4, tasks gsm8k and gsm8k_cot (version 3.0).
_GSM8K_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_GSM8K_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_GSM8K_COT = re.compile(r"The answer is (\-?[0-9\.\,]+).")  # the bare dot eats a digit at the end of the text


def _gsm8k_spelled(text: str) -> str:
    """Both sides: delete ``,``, ``$``, all up to the last ``#### ``, a final dot; lower case."""
    text = text.replace(",", "").replace("$", "")
    text = text[text.rindex("#### ") + 5 :] if "#### " in text else text
    return re.sub(r"\.$", "", text).lower()


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    newest = deque(pattern.finditer(text), maxlen=1)
    return newest[0] if newest else None


def _gsm8k(pattern: re.Pattern[str], *, last: bool) -> Read:
    def read(text: str, form: AnswerForm) -> Found | None:
        found = _last(pattern, text) if last else pattern.search(text)
        return None if found is None else Found(_gsm8k_spelled(str(found[found.lastindex or 0]).strip()))

    return read


# inspect_ai 0.3, scorers match(numeric=True) and answer(); for targets that are numbers.
_INSPECT_FORMATTING = re.compile(r"\\?[$,£€*_]")
_INSPECT_FINAL_DOT = re.compile(r"\.(?=\s|$|\D)")
_INSPECT_TRIM = "!?:;()[]{}'\"`"


def _inspect_spelled(token: str) -> str | None:
    """5 significant digits, or None where the token is no number in any script."""
    token = token.strip(_INSPECT_TRIM)
    for parse in (plain_float, any_script_number):
        value = parse(token)
        if value is not None and isfinite(value):
            return format(value, ".5g")
    return None


def _read_match_numeric(text: str, form: AnswerForm) -> Found | None:
    text = _INSPECT_FINAL_DOT.sub("", _INSPECT_FORMATTING.sub("", text.strip().casefold()))
    for token in reversed(text.split()):
        value = _inspect_spelled(token)
        if value is not None:
            return Found(value)
    return None


def _spell_match_numeric(text: str, form: AnswerForm) -> str | None:
    text = _INSPECT_FINAL_DOT.sub("", _INSPECT_FORMATTING.sub("", text.strip().casefold()))
    return _inspect_spelled(text) or text


_INSPECT_ANSWER = re.compile(r"(?i)ANSWER\s*:")
_VISIBLE = re.compile(r"\S")
_INSPECT_LETTER = re.compile(r"(?i)\s*([a-z])(?:[^\w]|$)")
_INSPECT_WORD = re.compile(r"\s*(\S+?)(?=[.,;:!?]?\s*(?:\n|$))")


def _after_last_answer(pattern: re.Pattern[str]) -> Read:
    """The pattern right after the last ``ANSWER:``; earlier ones do not count, matched or not."""

    def read(text: str, form: AnswerForm) -> Found | None:
        last = _last(_INSPECT_ANSWER, text)
        found = pattern.match(text, last.end()) if last is not None else None
        return None if found is None else Found(found[1].lower())

    return read


def _read_answer_line(text: str, form: AnswerForm) -> Found | None:
    """The first ``ANSWER:`` after which only one line is left, to that line's end."""
    last_break = text.rstrip().rfind("\n")
    for match in _INSPECT_ANSWER.finditer(text):
        begin = _VISIBLE.search(text, match.end())
        if begin is not None and begin.start() > last_break:
            return Found(text[begin.start() :].partition("\n")[0].lower())
    return None


# openai/simple-evals.
_MMLU = re.compile(r"(?i)Answer[ \t]*:[ \t]*\$?([A-D])\$?")
_DROP = re.compile(r"(?i)Answer\s*:\s*([^\n]+)")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_MGSM_PREFIXES = {
    "bn": "উত্তর", "de": "Antwort", "en": "Answer", "es": "Respuesta", "fr": "Réponse", "ja": "答え",
    "ru": "Ответ", "sw": "Jibu", "te": "సమాధానం", "th": "คำตอบ", "zh": "答案",
}  # fmt: skip
_MGSM_NUMBER = re.compile(r"\d+\.?\d*")


def _read_mmlu(text: str, form: AnswerForm) -> Found | None:
    found = _MMLU.search(text)
    return None if found is None else Found(found[1])


def _read_drop(text: str, form: AnswerForm) -> Found | None:
    return Found(drop_spelled(drop_answer(text)))


def drop_answer(text: str) -> str:
    """What follows the first `Answer:`, else all of it."""
    found = _DROP.search(text)
    return found[1] if found else text


def drop_spelled(text: str) -> str:
    """Word by word: lower case, no punctuation except in numbers, numbers as floats, no articles."""
    words = []
    for token in re.split(" |-", text):
        word = token.lower()
        word = word if plain_float(word) is not None else word.translate(_PUNCTUATION)
        number = plain_float(word)
        words += _ARTICLES.sub(" ", word if number is None else str(number)).split()
    return " ".join(words)


def plain_float(text: str) -> float | None:
    """What Python's `float` reads; None: nothing."""
    try:
        return float(text)
    except ValueError:
        return None


def _mgsm(prefix: str) -> Read:
    def read(text: str, form: AnswerForm) -> Found | None:
        if prefix not in text:
            return None
        found = _MGSM_NUMBER.findall(text.rsplit(prefix, 1)[1].replace(",", ""))
        if not found:
            return None
        number = found[-1].rstrip(".")
        return Found(number.rstrip("0").rstrip(".") if "." in number else number)

    return read


# SQuAD 1.1's evaluation script; HELM's quasi_exact_match is the same but for an empty prediction.
def squad_spelled(text: str) -> str:
    """Lower case, no ASCII punctuation, no a/an/the, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _read_squad(text: str, form: AnswerForm) -> Found | None:
    return Found(squad_spelled(text))


def _read_helm(text: str, form: AnswerForm) -> Found | None:
    return Found(squad_spelled(text)) if text else None


def _letter_or(text: str, form: AnswerForm) -> str:
    return spell_choice(text, form) or text if form.choices else text


def _rule(
    name: str,
    read: Read,
    spell: Callable[[str, AnswerForm], Value | None],
    types: frozenset[AnswerType] = frozenset(AnswerType),
) -> tuple[str, Rule]:
    return name, Rule(name, 1, read, spell, types=types)


def _spell_gsm8k(text: str, form: AnswerForm) -> str:
    return _gsm8k_spelled(text)


RULES = (
    _rule("lm_eval/gsm8k_strict", _gsm8k(_GSM8K_STRICT, last=False), _spell_gsm8k),
    _rule("lm_eval/gsm8k_flexible", _gsm8k(_GSM8K_FLEXIBLE, last=True), _spell_gsm8k),
    _rule("lm_eval/gsm8k_cot", _gsm8k(_GSM8K_COT, last=False), _spell_gsm8k),
    _rule("inspect/match_numeric", _read_match_numeric, _spell_match_numeric),
    _rule(
        "inspect/answer_letter",
        _after_last_answer(_INSPECT_LETTER),
        lambda text, form: _letter_or(text, form).lower(),
    ),
    _rule("inspect/answer_word", _after_last_answer(_INSPECT_WORD), lambda text, form: text.lower()),
    _rule("inspect/answer_line", _read_answer_line, lambda text, form: text.lower()),
    _rule("simple_evals/mmlu", _read_mmlu, _letter_or),
    _rule("squad", _read_squad, lambda text, form: squad_spelled(text)),
    _rule("helm/quasi_exact_match", _read_helm, lambda text, form: squad_spelled(text)),
    _rule("drop", _read_drop, lambda text, form: drop_spelled(text)),
    _rule("mgsm", _mgsm(_MGSM_PREFIXES["en"]), lambda text, form: text.replace(",", "")),
    *(
        _rule(f"mgsm/{language}", _mgsm(prefix), lambda text, form: text.replace(",", ""))
        for language, prefix in _MGSM_PREFIXES.items()
    ),
)
