"""How much of an answer agrees with a target: token F1, edit distance, list F1."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from promptlab.basics.errors import UsageError
from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import Answered, AnswerForm, Gold, Scorer, scorer
from promptlab.scoring.extraction.compat import drop_answer, drop_spelled, plain_float, squad_spelled
from promptlab.scoring.matching import spelled_targets

_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
LEVENSHTEIN_CAP_CHARS = 20_000


def tokens(text: str) -> list[str]:
    """Words between white space; every CJK character is a token, CJK punctuation is none."""
    if _CJK.search(text) is None:
        return text.split()
    spaced = _CJK.sub(r" \g<0> ", text)
    return "".join(" " if unicodedata.category(char)[0] == "P" else char for char in spaced).split()


def multiset_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """F1 over multisets; 1 where both are empty."""
    if not predicted or not gold:
        return float(not predicted and not gold)
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold))


class OnText(Scorer):
    """`on`: the extracted answer, or the whole reply."""

    on: Literal["answer", "reply"] = "answer"

    @property
    def strict(self) -> bool:
        return self.on == "reply"

    def candidate(self, answered: Answered) -> str:
        if self.on == "reply" or answered.value is None:
            return answered.text.strip()
        return answered.value if isinstance(answered.value, str) else " ".join(answered.value)


@scorer("squad_f1")
class SquadF1(OnText):
    """F1 over normalised tokens, best over the targets (SQuAD; Rajpurkar et al. 2016, arXiv 1606.05250)."""

    def score(self, answered: Answered, gold: Gold) -> float:
        predicted = tokens(squad_spelled(self.candidate(answered)))
        return max(multiset_f1(predicted, tokens(squad_spelled(target))) for target in gold.targets)


@scorer("drop_f1")
class DropF1(Scorer):
    """F1 over sets of normalised tokens as simple-evals scores DROP (Dua et al. 2019, arXiv 1903.00161).

    What follows the first `Answer:`, else the whole reply; 0 where the target has numbers and the answer none
    of them; best over the targets, rounded to 4 places.
    """

    @property
    def strict(self) -> bool:
        return True

    def score(self, answered: Answered, gold: Gold) -> float:
        found = set(drop_spelled(drop_answer(answered.text)).split())
        return max((_drop_f1(found, set(drop_spelled(each).split())) for each in gold.targets), default=0.0)


def _drop_f1(found: set[str], wanted: set[str]) -> float:
    numbers = {word for word in wanted if plain_float(word) is not None}
    if numbers and not numbers & found:
        return 0.0
    common = len(found & wanted)
    precision = common / len(found) if found else 1.0
    recall = common / len(wanted) if wanted else 1.0
    return round(2 * precision * recall / (precision + recall), 4) if precision + recall else 0.0


@scorer("levenshtein")
class Levenshtein(OnText):
    """1 − edit distance / length of the longer, best over the targets; on the first 20,000 characters."""

    def score(self, answered: Answered, gold: Gold) -> float:
        candidate = self.candidate(answered)[:LEVENSHTEIN_CAP_CHARS]
        return max(_similarity(candidate, target.strip()[:LEVENSHTEIN_CAP_CHARS]) for target in gold.targets)


def _similarity(left: str, right: str) -> float:
    longer = max(len(left), len(right))
    return 1 - edit_distance(left, right) / longer if longer else 1.0


def edit_distance(left: str, right: str) -> int:
    """Levenshtein distance, a row of the table at a time as bits of one integer (Myers 1999; Hyyrö 2003)."""
    if not left or not right:
        return len(left) or len(right)
    places: dict[str, int] = {}
    for index, char in enumerate(left):
        places[char] = places.get(char, 0) | 1 << index
    every, top = (1 << len(left)) - 1, 1 << (len(left) - 1)
    plus, minus, distance = every, 0, len(left)
    for char in right:
        equal = places.get(char, 0)
        vertical = equal | minus
        horizontal = (((equal & plus) + plus) ^ plus) | equal
        rise = (minus | ~(horizontal | plus)) & every
        fall = plus & horizontal
        distance += bool(rise & top) - bool(fall & top)
        rise, fall = (rise << 1) | 1, fall << 1
        plus = (fall | ~(vertical | rise)) & every
        minus = rise & vertical & every
    return distance


@scorer("list_f1")
class ListF1(Scorer):
    """F1 of the extracted items against the target's, whatever their order.

    Items named twice count once, unless `duplicates`; `case`: upper and lower case differ.
    """

    case: bool = False
    duplicates: bool = False

    def check(self, form: AnswerForm) -> None:
        if form.type is not AnswerType.LIST:
            raise UsageError(
                f"the scorer 'list_f1' grades list answers, not {form.type} ones.",
                remedy="Set `answer: list` in the task.",
            )

    def score(self, answered: Answered, gold: Gold) -> float:
        if not isinstance(answered.value, tuple):
            return 0.0
        targets = spelled_targets(gold.targets, gold.form, "robust")
        return max(
            (multiset_f1(self._items(answered.value), self._items(target)) for target in targets), default=0.0
        )

    def _items(self, value: str | tuple[str, ...]) -> list[str]:
        items = [value] if isinstance(value, str) else list(value)
        items = [" ".join(item.split()) if self.case else " ".join(item.casefold().split()) for item in items]
        return items if self.duplicates else list(dict.fromkeys(items))
