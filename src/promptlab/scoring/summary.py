"""ROUGE through rouge-score (extra), with tokens of our own for Chinese and Japanese."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from promptlab.basics.errors import UsageError
from promptlab.scoring.base import Answered, AnswerForm, Gold, scorer
from promptlab.scoring.overlap import OnText, tokens


class _Tokens:
    """rouge-score's own tokenizer keeps a-z and 0-9 only, which leaves nothing of Chinese."""

    def tokenize(self, text: str) -> list[str]:
        return tokens(text.lower())


@scorer("rouge")
class Rouge(OnText):
    """ROUGE F1, best over the targets (Lin 2004): `rouge1`, `rouge2` or `rougeL`."""

    on: Literal["answer", "reply"] = "reply"
    variant: Literal["rouge1", "rouge2", "rougeL"] = "rougeL"

    def check(self, form: AnswerForm) -> None:
        _rouge(self.variant, None)

    @cached_property
    def _plain(self) -> Any:
        return _rouge(self.variant, None)

    @cached_property
    def _wide(self) -> Any:
        return _rouge(self.variant, _Tokens())

    def score(self, answered: Answered, gold: Gold) -> float:
        candidate = self.candidate(answered)
        best = 0.0
        for target in gold.targets:
            built = self._plain if target.isascii() else self._wide
            best = max(best, float(built.score(target, candidate)[self.variant].fmeasure))
        return best


def _rouge(variant: str, tokenizer: _Tokens | None) -> Any:
    try:
        module = import_module("rouge_score.rouge_scorer")
    except ImportError:
        raise UsageError(
            "the scorer 'rouge' needs the package rouge-score.", remedy="Install it: pip install rouge-score."
        ) from None
    return module.RougeScorer([variant], tokenizer=tokenizer)
