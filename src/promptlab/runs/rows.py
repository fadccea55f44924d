"""What is written down of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from promptlab.basics.errors import NO_ANSWER_KINDS, NoAnswerKind
from promptlab.basics.hashing import canonical

if TYPE_CHECKING:
    from promptlab.datasets import Sample
    from promptlab.models.call_record import CallRecord
    from promptlab.scoring.extraction import Value

TRIAL_COLUMNS = (
    "identity",
    "cell",
    "sample",
    "repeat",
    "status",
    "text",
    "answer",
    "rule",
    "error",
    "notes",
    "finished",
    "latency_s",
    "calls",
    "cached_calls",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "paid_usd",
    "unknown_costs",
    "attempts",
)

Status = NoAnswerKind | str  # a NoAnswerKind, "ok" or "error"
# Trial, scorer, value, statistics: a row of the scores table.
ScoreRow = tuple[int, int, float | None, str | None]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One finished trial, ready for the store."""

    identity: bytes
    cell: int
    sample: int
    repeat: int
    status: str
    text: str | None
    answer: str | tuple[str, ...] | None
    rule: str
    error: str
    notes: dict[str, Any]
    calls: tuple[CallRecord, ...]
    scores: dict[int, float | None]
    costs_usd: tuple[float | None, ...]
    finished: float
    error_kind: str = ""
    statistics: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def trial_values(self) -> tuple[Any, ...]:
        """As TRIAL_COLUMNS has them."""
        return (
            self.identity,
            self.cell,
            self.sample,
            self.repeat,
            self.status,
            self.text,
            encoded(self.answer),
            self.rule,
            self.error or None,
            canonical(self.notes).decode() if self.notes else None,
            self.finished,
            *reply_totals(self.calls, self.costs_usd),
        )

    def told(self) -> dict[str, Any]:
        """What an event says of it."""
        values = dict(zip(TRIAL_COLUMNS, self.trial_values(), strict=True))
        unknown = values["unknown_costs"] > 0
        return {
            "status": self.status,
            "answer": self.answer,
            "error": self.error or None,
            "error_kind": self.error_kind or None,
            "cost_usd": None if unknown else values["cost_usd"],
            **{name: values[name] for name in ("latency_s", "calls", "cached_calls", "attempts")},
        }

    def score_values(self, trial: int) -> list[ScoreRow]:
        """In the order of the scores table."""
        return [
            score_row(trial, scorer, value, self.statistics.get(scorer))
            for scorer, value in self.scores.items()
        ]

    def call_values(self, trial: int) -> list[tuple[Any, ...]]:
        """In the order of the calls table."""
        return [call_values(trial, ordinal, call) for ordinal, call in enumerate(self.calls)]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One finished trial's answer as it lies in the store. `answer_json` and `body` are JSON texts."""

    trial: int
    cell: int
    status: str
    text: str | None
    answer_json: str | None
    rule: str | None
    finish: str | None
    sample_id: str
    body: str
    repeat: int
    identity: bytes
    sample_row: int
    position: int
    latency_s: float | None
    cost_usd: float | None

    @property
    def failure(self) -> NoAnswerKind | None:
        return next((kind for kind in NO_ANSWER_KINDS if kind == self.status), None)

    @property
    def value(self) -> Value | None:
        return decoded(self.answer_json)

    @property
    def sample(self) -> Sample:
        return stored_sample(self.sample_id, self.body)


@dataclass(frozen=True, slots=True)
class RereadAnswer:
    """What another version of a rule, or a test of the answer, makes of a stored reply.

    `changed`: not what it was before. `error` says how its program failed.
    """

    trial: int
    status: str
    answer: Value | None
    rule: str
    changed: bool
    error: str | None = None


def score_row(trial: int, scorer: int, value: float | None, statistics: tuple[float, ...] | None) -> ScoreRow:
    """As the store keeps a score; whole numbers without a fraction, which keeps it small."""
    if statistics is None:
        return trial, scorer, value, None
    whole = [int(each) if each.is_integer() else each for each in map(float, statistics)]
    return trial, scorer, value, canonical(whole).decode()


def encoded(answer: Value | None) -> str | None:
    """An answer as the store keeps it."""
    return None if answer is None else canonical(answer).decode()


def decoded(answer_json: str | None) -> Value | None:
    """An answer from the store."""
    if answer_json is None:
        return None
    value = orjson.loads(answer_json)
    return tuple(value) if isinstance(value, list) else str(value)


def stored_sample(sample_id: str, body: str) -> Sample:
    """A sample as the store keeps it: without its content's hash."""
    from promptlab.datasets import Sample

    kept = orjson.loads(body)
    target = kept["target"]
    return Sample(
        id=sample_id,
        inputs=kept["inputs"],
        target=tuple(target) if isinstance(target, list) else target,
        content="",
        rationale=kept.get("rationale"),
        choices=tuple(kept.get("choices", ())),
        metadata=kept.get("metadata", {}),
    )


def reply_totals(calls: Sequence[CallRecord], costs_usd: Sequence[float | None]) -> tuple[Any, ...]:
    """Latency, calls, cached calls, prompt and completion tokens, cost, paid, unknown costs, attempts.

    `costs_usd` has one entry per reply, as first paid.
    """
    replies = [call.completion for call in calls if call.completion is not None]
    known = [cost for cost in costs_usd if cost is not None]
    paid = [
        cost for reply, cost in zip(replies, costs_usd, strict=True) if not reply.cached and cost is not None
    ]
    return (
        sum(reply.latency_s for reply in replies) if replies else None,
        len(replies),
        sum(reply.cached for reply in replies),
        _total(reply.usage.prompt_tokens for reply in replies),
        _total(reply.usage.completion_tokens for reply in replies),
        sum(known),
        sum(paid),
        len(replies) - len(known),
        sum((call.completion or call).attempts for call in calls),
    )


def call_values(owner: int, ordinal: int, call: CallRecord) -> tuple[Any, ...]:
    """In the order of the table of calls; `owner` is the trial's (or judgement's) row."""
    reply = call.completion
    head = (
        owner,
        ordinal,
        call.name,
        canonical([_message(message) for message in call.messages]).decode(),
        canonical(dict(call.sampling)).decode(),
    )
    if reply is None:
        return (*head, None, None, call.error, None, None, None, 0, call.attempts, *(None,) * 9)
    usage = reply.usage
    return (
        *head,
        reply.text,
        reply.reasoning or None,
        None,
        reply.finish_reason,
        reply.model,
        reply.key,
        int(reply.cached),
        reply.attempts,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
        reply.latency_s,
        reply.created,
        reply.cost,
        reply.currency,
        ",".join(reply.left_out) or None,
    )


def _message(message: Any) -> dict[str, Any]:
    if not message.tool_calls and message.tool_call_id is None:
        return {"role": message.role, "content": message.content}
    return {
        "role": message.role,
        "content": message.content,
        "tool_calls": message.tool_calls,
        "tool_call_id": message.tool_call_id,
    }


def _total(counts: Any) -> int | None:
    """The sum, or None where one of them is unknown."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def sample_body(sample: Sample) -> str:
    """What a run keeps of a sample: enough to show it, score it again and export it without its file."""
    body: dict[str, Any] = {"inputs": dict(sample.inputs), "target": sample.target}
    if sample.choices:
        body["choices"] = sample.choices
    if sample.metadata:
        body["metadata"] = dict(sample.metadata)
    if sample.rationale is not None:
        body["rationale"] = sample.rationale
    return canonical(body).decode()
