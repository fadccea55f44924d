"""What a technique is given while it solves: calls, prompts, demos, inner techniques, notes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import CallError, UsageError
from promptlab.basics.hashing import seeded
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.models.call_record import CallRecord
from promptlab.models.door import Door
from promptlab.models.embedding import embedding_requests, vectors_of
from promptlab.models.request import Completion, Draw, Message, Model, Request
from promptlab.scoring.base import AnswerForm, Extraction
from promptlab.scoring.extraction import ROBUST, extract, spell
from promptlab.techniques.base import FROM_REPLY, Answer, Technique, Trace
from promptlab.techniques.cell import CellContext, Vector
from promptlab.techniques.formats import Part, rendered
from promptlab.techniques.messages import asked, rendered_task
from promptlab.techniques.notation import expand
from promptlab.techniques.oracle import Verdict, verdict_on

if TYPE_CHECKING:
    from promptlab.sandbox import ProgramResult, SandboxLimits


@dataclass(slots=True)
class _Trail:
    """What a trial's contexts share: the calls in order, and how often each request was made."""

    calls: list[CallRecord] = field(default_factory=list)
    seen: dict[Any, int] = field(default_factory=dict)
    failed_on: str = ""


class TrialContext:
    """What `solve` works with: `ask`, `prompt`, `run`, the demos, the task, a generator, and `note`."""

    def __init__(
        self,
        cell: CellContext,
        door: Door,
        question: Question,
        repeat: int,
        *,
        verdict: Verdict | None = None,
        outer: TrialContext | None = None,
        label: str = "",
        stage: Mapping[str, Any] | None = None,
    ) -> None:
        """`verdict` says of an answer whether it is right, where some technique in here is an oracle."""
        self._cell = cell
        self._door = door
        self._question = question
        self._repeat = repeat
        self._rng: random.Random | None = None
        self._demos: list[Sample] | None = None
        self._context = ""
        self._path = label
        self._stage = dict(stage or {})
        self._verdict = verdict
        self._trail: _Trail = _Trail() if outer is None else outer._trail
        self.trace = Trace(self._trail.calls)

    @classmethod
    def over(cls, cell: CellContext, door: Door, sample: Sample, repeat: int) -> TrialContext:
        """A trial's context. The sample's target stays outside; an oracle is told whether it is right."""
        verdict = verdict_on(sample, cell.task) if cell.technique.uses_target() else None
        return cls(cell, door, sample.question(), repeat, verdict=verdict)

    async def solve(self) -> Answer:
        """The whole technique: demos and context first, then its own steps, then `post`. Raises NoAnswer."""
        technique = self._cell.technique
        await self._select_demos()
        if technique.context is not None:
            self._context = await self._inner(technique.context, "context").gather_text(self._question)
        answer = await technique.solve(self._question, self)
        return self._posted(answer) if technique.post else answer

    @property
    def task(self) -> Task:
        return self._cell.task

    @property
    def model(self) -> Model:
        return self._cell.model

    @property
    def cell(self) -> CellContext:
        return self._cell

    @property
    def failed_on(self) -> str:
        """The model of the last call that failed; "": none did."""
        return self._trail.failed_on

    @property
    def rng(self) -> random.Random:
        """Seeded by experiment, data set, sample and repeat; equal for all variants."""
        if self._rng is None:
            cell = self._cell
            self._rng = seeded(cell.seed, cell.dataset.name, self._question.id, self._repeat)
        return self._rng

    def demos(self) -> list[Sample]:
        """The demos for this trial's question, in the order in which they are shown."""
        if self._demos is None:
            selector = self._cell.demos_of(self._repeat)
            if selector is None:
                raise RuntimeError("demos() needs `demos`, or select_demos() in prepare")
            self._demos = self._ordered(selector.select(self._question, self.rng))
        return self._demos

    # Prompts

    def prompt(
        self, question: Question, *, instruction: bool = True, cue: str = "", demos: bool = True
    ) -> list[Message]:
        """The task's own messages for `question`, in the variant's format.

        In the last one stand, a blank line between: the context, the task's prompt, `cue`, and the answer
        instruction if wanted. The demos stand before it, as turns or in the same message.
        """
        technique, task = self._cell.technique, self._cell.task
        *before, last = rendered_task(task, question)
        parts: list[Part] = [
            ("context", self._context),
            ("task", str(last.content)),
            ("instruction", cue),
            ("answer_format", task.render_instruction(question) if instruction else ""),
        ]
        spec = technique.demo_spec(task) if demos else None
        shown = self.demos() if spec is not None else []
        single = spec is not None and spec.render == "single"
        return asked(technique, task, before, parts, shown, single=single)

    def words(self, question: Question, text: str, *, instruction: bool = False) -> list[Message]:
        """The task's system message, and `text` in the variant's format, where a technique has prompts of
        its own. The answer instruction as in `prompt`."""
        task = self._cell.task
        told = task.render_instruction(question) if instruction else ""
        parts: list[Part] = [("task", text), ("answer_format", told)]
        system = [each for each in rendered_task(task, question) if each.role == "system"]
        return [*system, Message("user", rendered(parts, self._cell.technique.format))]

    @property
    def context(self) -> str:
        """What the technique's `context` found for this question."""
        return self._context

    def use_context(self, text: str) -> None:
        """`text` stands before the prompt from now on, after what an outer context found."""
        self._context = "\n\n".join(filter(None, (self._context, text)))

    def with_instruction(self, messages: list[Message], question: Question) -> list[Message]:
        """The same messages, the answer instruction after a blank line in the last one."""
        text = self.task.render_instruction(question)
        if not text:
            return messages
        return [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{text}")]

    # Calls

    async def ask(self, messages: Iterable[Message], name: str = "answer", **stage: Any) -> Completion:
        """One call. `stage` holds sampling this step requires: stronger than the model's, weaker than the
        variant's (and than what an outer technique requires). Raises CallError where it failed for good."""
        cell = self._cell
        sent = tuple(messages)
        chosen = cell.chosen({**stage, **self._stage})
        identical = (cell.model.name, sent, chosen.spelled)
        ordinal = self._trail.seen.get(identical, 0)
        self._trail.seen[identical] = ordinal + 1
        request = Request(
            model=cell.model,
            messages=sent,
            sampling=chosen.values,
            draw=Draw(self._repeat if "completion" in cell.vary else 0, ordinal, self._question.id),
            name=name,
            cell=cell.cell,
            timeout_s=cell.timeout_s,
            defaults=chosen.defaults,
        )
        record = CallRecord(self._named(name), sent, chosen.values)
        return await self._recorded(request, record)

    async def _recorded(self, request: Request, record: CallRecord) -> Completion:
        self.trace.calls.append(record)
        try:
            record.completion = await self._door.complete(request)
        except CallError as error:
            record.error, record.attempts = str(error), error.attempts
            self._trail.failed_on = request.model.name
            raise
        return record.completion

    def _named(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path else name

    async def run(
        self, technique: Technique, *, label: str, model: Model | None = None, **stage: Any
    ) -> Answer:
        """An inner technique on the same question: its calls are recorded under `label`, its notes too.

        `model` is asked instead of the cell's own; `stage` is stronger than what its own steps require.
        Raises NoAnswer as it does.
        """
        return await self._inner(technique, label, stage, model).solve()

    def _inner(
        self,
        technique: Technique,
        label: str,
        stage: Mapping[str, Any] | None = None,
        model: Model | None = None,
    ) -> TrialContext:
        cell = self._cell.part(technique)
        inner = TrialContext(
            cell if model is None else cell.of(model),
            self._door,
            self._question,
            self._repeat,
            verdict=self._verdict,
            outer=self,
            label=self._named(label),
            stage={**(stage or {}), **self._stage},
        )
        # One dictionary: what the inner one notes later stands in the outer trace too.
        self.trace.notes[label] = inner.trace.notes
        return inner

    async def gather_text(self, question: Question) -> str:
        """What the technique finds, as somebody's `context`."""
        await self._select_demos()
        return await self._cell.technique.gather(question, self)

    async def embed(self, text: str) -> Vector:
        """A text's vector by the experiment's embedding model. It is recorded as a call."""
        cell = self._cell
        assert cell.embedding is not None
        (request,) = embedding_requests(cell.embedding, [text], cell.cell, cell.timeout_s)
        record = CallRecord(self._named("embed"), request.messages, {})
        completion = await self._recorded(request, record)
        (vector,) = vectors_of([completion]).vectors
        record.completion = replace(completion, text=f"(a vector of {len(vector)} numbers)")
        return vector

    # Answers

    def read(self, answer: Answer) -> Extraction:
        """The value of an answer: the technique's own, or what the robust rule reads from its reply."""
        form = AnswerForm(self.task.answer, self.task.labels, self._question.choices)
        if answer.value is FROM_REPLY:
            return extract(answer.reply.text, form, finish_reason=answer.reply.finish_reason)
        value = answer.value
        if isinstance(value, str) and not answer.rule.startswith(ROBUST):
            value = spell(value, form)
        return Extraction(value, "unparsed" if value is None else None, answer.rule)

    def is_right(self, answer: Answer) -> bool:
        """Whether an answer is right, by the sample's target. For techniques registered as an oracle only."""
        if not self._cell.technique.oracle or self._verdict is None:
            raise RuntimeError("is_right() is for techniques registered with oracle=True")
        return self._verdict(answer)

    def _posted(self, answer: Answer) -> Answer:
        """The answer with its notation expanded; as it was where it holds none."""
        told = answer.reply.text if answer.value is FROM_REPLY else answer.value
        words = expand(told) if isinstance(told, str) else None
        return answer if words is None else Answer(answer.reply, words, rule="python_notation")

    async def run_program(
        self, code: str, *, call: str | None = "solution()", limits: SandboxLimits | None = None
    ) -> ProgramResult:
        """Runs what the model wrote, confined as the experiment says (see `sandbox.run_program`).

        UsageError where this machine must not run it: that is no failure of the program.
        """
        from promptlab.sandbox import SandboxLimits, run_program

        allowed = self._cell.allow_unsafe_code
        result = await run_program(code, call=call, limits=limits or SandboxLimits(), allow_unsafe=allowed)
        if result.failure == "unavailable":
            raise UsageError(result.message)
        return result

    def note(self, **facts: Any) -> None:
        """Keeps facts of this trial for its trace: votes, subproblems, retrieved ids."""
        self.trace.notes.update(facts)

    async def _select_demos(self) -> None:
        selector = self._cell.demos_of(self._repeat)
        spec = self._cell.technique.demo_spec(self.task)
        if selector is None or spec is None:
            return
        vector = None
        if selector.compares_vectors:
            vector = await self.embed(selector.asked(self._question))
        self._demos = self._ordered(selector.select(self._question, self.rng, vector))
        self.note(demos=[demo.id for demo in self._demos])
        if not spec.from_train:
            self.note(demos_from=spec.source)
        if spec.select == "knn":
            self.note(similarity=selector.similarity)

    def _ordered(self, demos: list[Sample]) -> list[Sample]:
        """In the order of this repeat, where each has its own."""
        if self._repeat and "order" in self._cell.vary:
            seeded("demos", "order of repeat", self._cell.seed, self._repeat).shuffle(demos)
        return demos
