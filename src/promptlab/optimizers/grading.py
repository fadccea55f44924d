"""The metric on an answer to a train or dev row: a scorer, a program's tests, or a judge's calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptlab.basics.templates import template
from promptlab.datasets import AnswerType, Sample, Task
from promptlab.datasets.task import template_values
from promptlab.models import Rate
from promptlab.models.door import Door
from promptlab.models.pricing import in_usd
from promptlab.scoring import Answered, AnswerForm, Gold, Grader
from promptlab.scoring.code_tests import CodeTests
from promptlab.scoring.grading import Graded
from promptlab.scoring.judging import Exhibit
from promptlab.scoring.judging.judgement import Asking, Judgement, text_for
from promptlab.scoring.metric import Metric
from promptlab.techniques.base import Answer, Trace


@dataclass(frozen=True, slots=True)
class Scored:
    """One row: what the model replied, the value read from it, the metric's score from 0 to 1.

    `told` is what the metric says besides: a judge's reply, how a program ended.
    """

    sample: Sample
    reply: str
    answer: str | tuple[str, ...] | None
    failure: str | None
    score: float
    told: str = ""

    @property
    def right(self) -> bool:
        return self.score >= 1.0


@dataclass
class Grading:
    """Grades answers by one metric. A judge is asked through `door`, once for equal answers to a row.

    An answer that the metric cannot grade (a verdict that could not be read, no tests) is worth 0 here: no
    prompt is to win by that.
    """

    metric: Metric
    task: Task
    door: Door
    script: str | None = None
    timeout_s: float = 60.0
    allow_unsafe: bool = False
    rates: Mapping[str, Rate] = field(default_factory=dict)
    _judged: dict[tuple[str, Exhibit], asyncio.Task[Judgement]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = {} if self._asks or self._runs else {self.metric.name: self.metric.scorer}
        self._grader = Grader(self.task, plain, script=self.script)

    @property
    def _asks(self) -> bool:
        return self.metric.model is not None

    @property
    def _runs(self) -> bool:
        return self.metric.scorer.runs_code

    async def grade(
        self, sample: Sample, answer: Answer | None, failure: Any = None, trace: Trace | None = None
    ) -> Scored:
        """The metric's score of an answer, or of the failure it ended with. CallError where a judge failed,
        UsageError where the user's own scorer did."""
        reply = answer.reply if answer else None
        graded = self._grader.grade(
            reply.text if reply else "",
            sample,
            finish_reason=reply.finish_reason if reply else "stop",
            failure=failure,
            given=answer.given if answer else None,
            latency_s=trace.latency_s if trace else None,
            cost_usd=self._cost_usd(trace) if trace else None,
        )
        text = reply.text if reply else ""
        score, told = await self._scored(sample, text, graded)
        return Scored(sample, text, graded.value, graded.failure, score or 0.0, told)

    async def _scored(self, sample: Sample, text: str, graded: Graded) -> tuple[float | None, str]:
        if self._asks:
            return (0.0, "") if graded.failure else await self._ask(sample, text, graded)
        if self._runs:
            return await self._test(sample, text, graded)
        if graded.broken:
            raise graded.broken[self.metric.name]
        return graded.scores[self.metric.name], ""

    async def _test(self, sample: Sample, text: str, graded: Graded) -> tuple[float | None, str]:
        scorer = self.metric.scorer
        assert isinstance(scorer, CodeTests)
        gold = Gold(sample.targets, AnswerForm(AnswerType.CODE), sample.inputs, sample.metadata)
        answered = Answered(text, graded.value, graded.failure)
        found = await scorer.grade(answered, gold, allow_unsafe=self.allow_unsafe)
        return found.score, found.failure

    async def _ask(self, sample: Sample, text: str, graded: Graded) -> tuple[float | None, str]:
        metric = self.metric
        assert metric.model is not None
        judge: Any = metric.scorer
        if judge.kind == "reference" and not sample.targets:
            return None, ""
        shown = Exhibit(
            question=template(metric.question).render(template_values(sample.question())),
            answer=text_for(judge, text, graded.value),
            target="\n".join(sample.targets),
            targets=sample.targets,
        )
        asked = self._judged.get((sample.id, shown))
        if asked is None:
            asking = Asking(judge, metric.model, self.door, metric.name, self.timeout_s)
            asked = self._judged[sample.id, shown] = asyncio.create_task(asking.judgement(shown, sample.id))
        try:
            found = await asked
        except BaseException:
            self._judged.pop((sample.id, shown), None)
            raise
        if found.failure is not None:
            self._judged.pop((sample.id, shown), None)
            raise found.failure.shared()
        replies = [each.completion.text for each in found.calls if each.completion is not None]
        return found.value, replies[-1] if replies else ""

    def _cost_usd(self, trace: Trace) -> float | None:
        costs = [
            in_usd(call.completion.cost, call.completion.currency, self.rates)
            for call in trace.calls
            if call.completion is not None
        ]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None
