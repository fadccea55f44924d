"""BLEU, chrF and TER through sacrebleu (extra): per sample as scorers, over a cell as corpus scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar, Literal, NamedTuple

from promptlab.basics.errors import UsageError
from promptlab.scoring.base import Answered, AnswerForm, Gold, scorer
from promptlab.scoring.overlap import OnText

Metric = Literal["bleu", "chrf", "ter"]
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")


class CorpusScore(NamedTuple):
    """As sacrebleu gives it: BLEU and chrF 0 to 100; TER 0 and up, lower is better; and its recipe."""

    value: float
    signature: str


def corpus_score(
    metric: Metric,
    candidates: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenize: str | None = None,
) -> CorpusScore:
    """The score of a cell. `references[i]` are the accepted texts of candidate i, at least one.

    `tokenize` is sacrebleu's BLEU tokenizer; by default `zh` for Chinese, `char` for Japanese, else `13a`.
    """
    built = _built(
        metric, tokenize or _tokenizer([text for texts in references for text in texts]), corpus=True
    )
    most = max(len(texts) for texts in references)
    streams = [
        [texts[index] if index < len(texts) else None for texts in references] for index in range(most)
    ]
    value = float(built.corpus_score(list(candidates), streams).score)
    return CorpusScore(value, str(built.get_signature()))


def _tokenizer(texts: list[str]) -> str:
    joined = "\n".join(texts[:200])
    if _KANA.search(joined):
        return "char"
    return "zh" if _IDEOGRAPH.search(joined) else "13a"


@lru_cache(maxsize=32)
def _built(metric: Metric, tokenize: str, *, corpus: bool) -> Any:
    try:
        metrics = import_module("sacrebleu.metrics")
    except ImportError:
        raise UsageError(
            f"the scorer {metric!r} needs the package sacrebleu.", remedy="Install it: pip install sacrebleu."
        ) from None
    if metric == "bleu":
        try:
            return metrics.BLEU(tokenize=tokenize, effective_order=not corpus)
        except Exception as error:  # noqa: BLE001  an unknown tokenizer, or one that needs another package
            raise UsageError(f"sacrebleu has no tokenizer {tokenize!r}: {error}") from None
    wide = tokenize in ("zh", "char")
    return metrics.CHRF() if metric == "chrf" else metrics.TER(normalized=wide, asian_support=wide)


class _Sacrebleu(OnText):
    metric: ClassVar[Metric]

    on: Literal["answer", "reply"] = "reply"
    tokenize: str | None = None

    def check(self, form: AnswerForm) -> None:
        _built(self.metric, self.tokenize or "13a", corpus=False)

    def score(self, answered: Answered, gold: Gold) -> float:
        tokenize = self.tokenize or _tokenizer(list(gold.targets))
        built = _built(self.metric, tokenize, corpus=False)
        value = float(built.sentence_score(self.candidate(answered), list(gold.targets)).score) / 100
        return max(0.0, 1 - value) if self.metric == "ter" else min(value, 1.0)


@scorer("bleu")
class Bleu(_Sacrebleu):
    """Sentence BLEU with effective order, 0 to 1 (Papineni et al. 2002). Over a cell: `corpus_score`."""

    metric = "bleu"


@scorer("chrf")
class Chrf(_Sacrebleu):
    """Sentence chrF2, 0 to 1 (Popović 2015): character n-grams, at home in Chinese as well."""

    metric = "chrf"


@scorer("ter")
class Ter(_Sacrebleu):
    """1 − sentence TER, at least 0 (Snover et al. 2006): higher is better, as for every scorer here."""

    metric = "ter"
