"""One judgement: an answer, the calls in which a judge grades it, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal

from promptlab.basics.errors import CallError
from promptlab.models import Completion, Door, Draw, Message, Model, Request
from promptlab.models.call_record import CallRecord
from promptlab.models.embedding import BATCH_TEXTS, embedding_requests, vectors_of
from promptlab.scoring.judging import Asks, Exhibit, Judge, read_verdict, weighed
from promptlab.scoring.judging.judge import FIRST, SECOND, TIE
from promptlab.scoring.judging.similarity import EmbeddingSimilarity, similarity

# How the score came about: one verdict, token probabilities, the mean of draws, equal answers of a pair,
# embeddings.
Method = Literal["verdict", "logprobs", "draws", "equal", "similarity"]
_SWAPPED = {FIRST: SECOND, SECOND: FIRST, TIE: TIE}


@dataclass(slots=True)
class Judgement:
    """What a judge makes of one answer. `value` is None where no verdict was read; it is never 0 then.

    `verdicts` are those read, None where there was none. `orders` counts the pairs of orders that a pairwise
    judge decided, `flips` those in which the preference changed with the order. `agreement` is the share of
    pairs of draws with the same verdict. `failure` is the call that ended it: it will be tried again.
    """

    value: float | None = None
    method: Method = "verdict"
    verdicts: list[str | None] = field(default_factory=list)
    orders: int = 0
    flips: int = 0
    failure: CallError | None = None
    calls: list[CallRecord] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.failure is not None:
            return "error"
        return "unscored" if self.value is None else "ok"

    @property
    def agreement(self) -> float | None:
        pairs = [a == b for a, b in combinations([each for each in self.verdicts if each is not None], 2)]
        return sum(pairs) / len(pairs) if pairs else None


@dataclass(frozen=True, slots=True)
class Asking:
    """A judge at work: its settings, its model, and the door.

    A verdict is a function of what is shown: the draws of a judgement are independent, but equal answers to
    a sample, of whatever variant and repeat, are judged once and get the same grade.
    """

    judge: Asks
    model: Model
    door: Door
    name: str
    timeout_s: float = 60.0

    async def judgement(self, shown: Exhibit, sample: str) -> Judgement:
        """Asks as often as the settings say. BudgetReached, UsageError and StorageError go through."""
        found = Judgement()
        judge = self.judge
        try:
            if isinstance(judge, EmbeddingSimilarity):
                await self._measure(found, shown)
            elif judge.pairwise:
                await self._compare(found, judge, shown, sample)
            else:
                await self._grade(found, judge, shown, sample)
        except CallError as error:
            found.failure, found.value = error, None
        return found

    async def _measure(self, found: Judgement, shown: Exhibit) -> None:
        """One request for the answer's vector and the targets'. The vectors stay in the cache."""
        texts = [shown.answer, *shown.targets[: BATCH_TEXTS - 1]]
        record = CallRecord(self.name, tuple(Message("user", text) for text in texts), {})
        found.calls.append(record)
        found.method = "similarity"
        if not all(text.strip() for text in texts):
            found.calls.clear()  # nothing to embed: no provider takes an empty text
            found.value = float(not shown.answer.strip() and any(not each.strip() for each in shown.targets))
            return
        (request,) = embedding_requests(self.model, texts, f"judge:{self.name}", self.timeout_s)
        try:
            reply = await self.door.complete(request)
        except CallError as error:
            record.error, record.attempts = str(error), error.attempts
            raise
        vectors = vectors_of([reply]).vectors
        found.value = similarity(vectors[0], vectors[1:])
        record.completion = replace(reply, text=f"cosine {found.value:.6f}")

    async def _grade(self, found: Judgement, judge: Judge, shown: Exhibit, sample: str) -> None:
        values = judge.values
        grades: list[float] = []
        for draw in range(judge.draws):
            reply, verdict = await self._ask(found, judge, shown, sample, draw)
            found.verdicts.append(verdict)
            if verdict is None:
                continue
            if judge.kind == "g_eval" and not grades:
                _, fence = judge.messages(shown)
                mean = weighed(reply.logprobs, fence, values)
                if mean is not None:
                    found.value, found.method = mean.value, "logprobs"
                    return
            grades.append(values[verdict])
        found.method = "draws" if judge.draws > 1 else "verdict"
        found.value = _mean(grades)

    async def _compare(self, found: Judgement, judge: Judge, shown: Exhibit, sample: str) -> None:
        if shown.answer.strip() == shown.other.strip():
            found.value, found.method = 0.5, "equal"
            return
        grades: list[float] = []
        for draw in range(judge.draws):
            _, straight = await self._ask(found, judge, shown, sample, draw)
            _, crossed = await self._ask(found, judge, shown, sample, draw, swapped=True)
            if straight is None or crossed is None:
                found.verdicts.append(None)
                continue
            found.orders += 1
            same = straight == _SWAPPED[crossed]
            found.flips += not same
            found.verdicts.append(straight if same else TIE)
            grades.append(judge.values[straight if same else TIE])
        found.method = "draws" if judge.draws > 1 else "verdict"
        found.value = _mean(grades)

    async def _ask(
        self, found: Judgement, judge: Judge, shown: Exhibit, sample: str, draw: int, *, swapped: bool = False
    ) -> tuple[Completion, str | None]:
        messages, fence = judge.messages(shown, swapped=swapped)
        sampling = {**judge.default_sampling(), **self.model.sampling}
        name = self.name + (", B first" if swapped else ", A first" if judge.pairwise else "")
        record = CallRecord(name, messages, sampling)
        found.calls.append(record)
        request = Request(
            model=self.model,
            messages=messages,
            sampling=sampling,
            defaults=frozenset(sampling.keys() - self.model.sampling.keys()),
            draw=Draw(ordinal=draw, sample=sample),
            name=name,
            cell=f"judge:{self.name}",
            timeout_s=self.timeout_s,
        )
        try:
            reply = await self.door.complete(request)
        except CallError as error:
            record.error, record.attempts = str(error), error.attempts
            raise
        record.completion = reply
        # Of a reply that was cut off, "1" may have been about to be "10".
        whole = reply.finish_reason != "length"
        return reply, read_verdict(reply.text, fence, judge.values) if whole else None


def text_for(judge: Asks, text: str | None, value: str | tuple[str, ...] | None) -> str:
    """What a judge is shown of an answer: the reply, or the value that was read from it."""
    if judge.on == "reply" or value is None:
        return (text or "").strip()
    return value if isinstance(value, str) else "\n".join(value)


def _mean(grades: Sequence[float]) -> float | None:
    return sum(grades) / len(grades) if grades else None
