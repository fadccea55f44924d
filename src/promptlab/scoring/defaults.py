"""What is scored where the file does not say: the answer type's own scorer, and strict beside extracted."""

from __future__ import annotations

from typing import Any

from promptlab.datasets.task import AnswerType
from promptlab.scoring.base import Scorer, scorers

_OWN = {
    AnswerType.NUMBER: "numeric",
    AnswerType.CHOICE: "choice",
    AnswerType.LABEL: "label",
    AnswerType.YES_NO: "yes_no",
    AnswerType.LIST: "list_f1",
}
_STRICT: dict[str, Any] = {"scorer": "exact_match"}
_EXTRACTED: dict[str, Any] = {"scorer": "exact_match", "as": "extracted", "settings": {"rule": "robust"}}


def default_scorers(answer_type: AnswerType) -> list[dict[str, Any]]:
    """The scorers of an answer type, each as `scorer`, `as` and `settings`; the first is the headline."""
    own = _OWN.get(answer_type)
    return [dict(_STRICT), dict(_EXTRACTED)] if own is None else [{"scorer": own}, dict(_STRICT)]


def strict_scorer() -> Scorer:
    """The last reply, trimmed, equals the target: format counts."""
    return scorers.get("exact_match")()


def extracted_scorer(answer_type: AnswerType) -> Scorer:
    """The same after the robust rule: what the strict score would be if format did not count."""
    own = _OWN.get(answer_type)
    if own is None or answer_type is AnswerType.LIST:
        return scorers.get("exact_match").model_validate({"rule": "robust"})
    return scorers.get(own)()
