"""BLEU, chrF and TER through sacrebleu: of a cell as scorers, of a sentence for looking at single samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from promptlab.basics.errors import UsageError
from promptlab.scoring.base import Answered, AnswerForm, Gold, scorer
from promptlab.scoring.overlap import OnText

if TYPE_CHECKING:
    from promptlab.scoring.corpus import Bleu as BleuCounts
    from promptlab.scoring.corpus import Chrf as ChrfCounts
    from promptlab.scoring.corpus import Ter as TerCounts

Metric = Literal["bleu", "chrf", "ter"]
SCRIPT_SAMPLES = 200  # so many targets say in which script a data set is written
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")
_TOKENIZERS = {"zh": "zh", "ja": "char", "": "13a"}


def script_of(targets: Iterable[Sequence[str]]) -> str:
    """ "zh" where half of the samples' targets or more hold Chinese characters, "ja" where kana, else ""."""
    counts = {"zh": 0, "ja": 0}
    samples = 0
    for texts in targets:
        joined = "\n".join(texts)
        if joined:
            samples += 1
            kana = _KANA.search(joined) is not None
            counts["ja"] += kana
            counts["zh"] += not kana and _IDEOGRAPH.search(joined) is not None
    if not samples or 2 * (counts["ja"] + counts["zh"]) < samples:
        return ""
    # Japanese names and titles stand in Chinese characters alone.
    return "ja" if 4 * counts["ja"] >= samples else "zh"


@lru_cache(maxsize=32)
def _built(metric: Metric, tokenize: str) -> Any:
    try:
        metrics = import_module("sacrebleu.metrics")
    except ImportError:
        raise UsageError(
            f"the scorer {metric!r} needs the package sacrebleu.", remedy="Install it: pip install sacrebleu."
        ) from None
    if metric == "bleu":
        try:
            return metrics.BLEU(tokenize=tokenize)
        except Exception as error:  # noqa: BLE001  an unknown tokenizer, or one that needs another package
            raise UsageError(f"sacrebleu has no tokenizer {tokenize!r}: {error}") from None
    wide = tokenize in ("zh", "char")
    return metrics.CHRF() if metric == "chrf" else metrics.TER(normalized=wide, asian_support=wide)


@lru_cache(maxsize=16)
def _statistics(metric: Metric, tokenize: str, candidate: str, targets: tuple[str, ...]) -> tuple[float, ...]:
    """sacrebleu's own, from which it makes its scores too."""
    rows = _built(metric, tokenize)._extract_corpus_statistics([candidate], [[text] for text in targets])
    return tuple(float(each) for each in rows[0])


class Sacrebleu(OnText):
    """What the three have in common: sacrebleu counts, and its signature says how."""

    metric: ClassVar[Metric]
    version: ClassVar[int] = 2

    on: Literal["answer", "reply"] = "reply"
    tokenize: str | None = None

    def check(self, form: AnswerForm) -> None:
        _built(self.metric, self.tokenize or "13a")

    def tokenizer(self, script: str) -> str:
        return self.tokenize or _TOKENIZERS[script]

    def signature(self, script: str, references: int | None) -> str:
        """sacrebleu's recipe of the score; `references` per sample, None where they vary."""
        built = _built(self.metric, self.tokenizer(script))
        built.num_refs = -1 if references is None else references
        return str(built.get_signature())

    def statistics(self, answered: Answered, gold: Gold) -> tuple[float, ...] | None:
        """A failed answer is an empty text."""
        script = script_of([gold.targets]) if gold.script is None else gold.script
        candidate = "" if answered.failure else self.candidate(answered)
        return _statistics(self.metric, self.tokenizer(script), candidate, gold.targets)

    def score(self, answered: Answered, gold: Gold) -> float:
        import numpy as np

        found = self._sentence().values(np.array([self.statistics(answered, gold)]))
        return min(max(float(found[0]), 0.0), 1.0)

    def _sentence(self) -> BleuCounts | ChrfCounts | TerCounts:
        return self.corpus()

    def corpus(self) -> BleuCounts | ChrfCounts | TerCounts:
        raise NotImplementedError


@scorer("bleu")
class Bleu(Sacrebleu):
    """BLEU of the cell, 0 to 1 (Papineni et al. 2002): 0.273 is sacrebleu's 27.3. Single samples show
    sentence BLEU with effective order.

    `tokenize`: sacrebleu's; by default zh for Chinese, char for Japanese targets, else 13a.
    """

    metric = "bleu"

    def corpus(self) -> BleuCounts:
        from promptlab.scoring.corpus import Bleu as BleuCounts

        return BleuCounts()

    def _sentence(self) -> BleuCounts:
        from promptlab.scoring.corpus import Bleu as BleuCounts

        return BleuCounts(sentence=True)


@scorer("chrf")
class Chrf(Sacrebleu):
    """chrF2 of the cell, 0 to 1 (Popović 2015): character n-grams, at home in Chinese as well."""

    metric = "chrf"

    def corpus(self) -> ChrfCounts:
        from promptlab.scoring.corpus import Chrf as ChrfCounts

        return ChrfCounts()


@scorer("ter")
class Ter(Sacrebleu):
    """1 − TER of the cell (Snover et al. 2006): higher is better, as for every scorer here, and below 0 where
    there are more edits than words."""

    metric = "ter"

    def corpus(self) -> TerCounts:
        from promptlab.scoring.corpus import Ter as TerCounts

        return TerCounts()
