"""What judging would send and cost: from the number of answers, their usual length and the judge's prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.datasets import AnswerType
from promptlab.models import Rate
from promptlab.models.pricing import in_usd, price_gap, price_of
from promptlab.models.tokens import tokenizer_of
from promptlab.runs.judging import BoundJudge
from promptlab.runs.span import Span
from promptlab.runs.tally import ANSWER_TOKENS, LONGEST_REPLY_TOKENS, REASONING_TOKENS
from promptlab.scoring.judging import EmbeddingSimilarity, Exhibit

# A reply that is the verdict's line alone.
_VERDICT_TOKENS = 12


@dataclass(frozen=True)
class JudgeEstimate:
    """What one judge would take for `missing` answers. Cached and equal answers are not taken off."""

    scorer: str
    model: str
    missing: int
    calls: Span
    tokens: Span
    cost_usd: Span | None
    why_unknown: str
    approximate: bool
    unbounded: bool
    sampled: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "scorer": self.scorer,
            "model": self.model,
            "missing": self.missing,
            "calls": self.calls.rounded(),
            "tokens": self.tokens.rounded(),
            "cost_usd": None if self.cost_usd is None else self.cost_usd.to_json(),
        }


def estimate_judge(
    name: str,
    bound: BoundJudge,
    answers: int,
    question: str,
    answer: AnswerType,
    rates: Mapping[str, Rate],
) -> JudgeEstimate:
    """`answers` are those to be judged, `question` is a typical one. Calls nothing."""
    judge, model = bound.judge, bound.model
    if not answers:
        return JudgeEstimate(name, model.name, 0, Span(), Span(), Span(), "", False, False)
    orders = 2 if judge.pairwise else 1
    # Equal answers are a tie that asks nobody; a weighted grade takes one call.
    fewest = 0 if judge.pairwise else 1 if judge.kind == "g_eval" else judge.draws
    calls = Span(fewest, judge.draws * orders, judge.draws * orders).times(answers)
    tokenizer = tokenizer_of(model)
    down, up = tokenizer.error
    embedding = isinstance(judge, EmbeddingSimilarity)
    own: float = 0
    if not isinstance(judge, EmbeddingSimilarity):
        messages, _ = judge.messages(Exhibit(question, ""))
        own = tokenizer.count_messages(messages)
    shown = ANSWER_TOKENS[answer] * (2 if embedding else orders)  # the answer and the target
    prompt = Span.around(own * down, own + shown, own * up + LONGEST_REPLY_TOKENS * orders)
    most = model.sampling.get("max_tokens")
    usual = _VERDICT_TOKENS if judge.kind == "g_eval" else REASONING_TOKENS
    high = most or LONGEST_REPLY_TOKENS
    reply = Span() if embedding else Span(1, min(usual, high), high)
    price = price_of(model)
    cost, why = None, ""
    if gap := price_gap(price, rates):
        why = f"the price of {model.name} {gap}"
    elif price is not None and price.input is not None and (embedding or price.output is not None):
        each = prompt.times(price.input) + reply.times(price.output or 0.0)
        in_dollars = in_usd(1.0, price.currency, rates) or 0.0
        cost = (each * calls + calls.times(price.request)).times(in_dollars)
    return JudgeEstimate(
        name,
        model.name,
        answers,
        calls,
        (prompt + reply) * calls,
        cost,
        why,
        tokenizer.approximate,
        unbounded=not most and not embedding,
    )
