"""A judge's reply read: the verdict on its own line, and what the tokens' probabilities say of it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from promptlab.scoring.judging.fence import Fence

PLACEHOLDER = "X"
_DECORATION = r"[\s*_`#>\-]*"
_WRAPPING = " \t*_`\"'[]()<>."
# The allowed verdicts must hold so much of the probability for a weighted mean to mean anything.
_LEAST_MASS = 0.5


def read_verdict(reply: str, fence: Fence, allowed: Iterable[str]) -> str | None:
    """The verdict that a reply states, as it stands in `allowed`; None where there is none, or two.

    Only a line of its own that begins with the fence's verdict mark counts, so that neither a word like
    "downgrade:" nor a line quoted from an answer is read. Case and Markdown around it do not matter.
    """
    known = {_key(each): each for each in allowed}
    pattern = rf"^{_DECORATION}{re.escape(fence.verdict)}(.*)$"
    stated = {_key(match.group(1)) for match in re.finditer(pattern, reply, re.MULTILINE | re.IGNORECASE)}
    stated.discard(_key(PLACEHOLDER))  # the form, said again
    return known.get(stated.pop()) if len(stated) == 1 else None


def _key(text: str) -> str:
    return " ".join(text.strip(_WRAPPING).split()).casefold()


class Weighed(NamedTuple):
    """The mean over the allowed verdicts weighted by their probability, and how much of it they hold."""

    value: float
    mass: float


def weighed(logprobs: Any, fence: Fence, values: Mapping[str, float]) -> Weighed | None:
    """G-Eval's score (Liu et al. 2023, arXiv 2303.16634, eq. 1): Σ p(s) · s over the verdicts' tokens.

    `logprobs` as the OpenAI protocol gives them, `values` each verdict's value. The probabilities of the
    allowed verdicts are made to sum to 1. None where there are no alternatives at the verdict's place, where
    the verdict is more than one token, or where the allowed ones hold less than half of the probability.
    """
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(content, list):
        return None
    known = {_key(name): value for name, value in values.items()}
    text, place = "", None
    for token in content:
        if not isinstance(token, Mapping) or not isinstance(token.get("token"), str):
            return None
        if place is None and _key(token["token"]) and _at_verdict(text, fence):
            place = token
        text += token["token"]
    verdict = read_verdict(text, fence, values)
    if place is None or verdict is None or _key(place["token"]) != _key(verdict):
        return None
    mass: dict[str, float] = {}
    for each in place.get("top_logprobs") or ():
        if isinstance(each, Mapping) and isinstance(each.get("logprob"), (int, float)):
            key = _key(str(each.get("token")))
            if key in known:
                mass[key] = mass.get(key, 0.0) + math.exp(min(0.0, each["logprob"]))
    total = sum(mass.values())
    if total < _LEAST_MASS:
        return None
    return Weighed(sum(known[key] * each for key, each in mass.items()) / total, min(1.0, total))


def _at_verdict(text: str, fence: Fence) -> bool:
    """Whether what comes next is the verdict."""
    line = text.rpartition("\n")[2]
    mark = rf"{_DECORATION}{re.escape(fence.verdict)}[\s*_`\"']*"
    return re.fullmatch(mark, line, re.IGNORECASE) is not None
