"""What a technique is given: a cell's data while it prepares, the door while it solves."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from promptlab.basics.errors import CallError, UsageError
from promptlab.basics.hashing import seeded
from promptlab.datasets.sample import Question, Sample
from promptlab.datasets.task import Task
from promptlab.models.door import Door
from promptlab.models.request import Completion, Draw, Message, Model, Request
from promptlab.techniques.base import CallRecord, Technique, Trace

if TYPE_CHECKING:
    from promptlab.datasets import Dataset
    from promptlab.retrieval import DemoSelector, DemoSpec
    from promptlab.sandbox import ProgramResult, SandboxLimits


@dataclass(frozen=True, slots=True)
class _Sampling:
    """What a call is sent with: the values, which are no one's wish, and all of them spelled out."""

    values: Mapping[str, Any]
    defaults: frozenset[str]
    spelled: tuple[tuple[str, str], ...]


@dataclass
class CellContext:
    """One cell's surroundings: task, model, the train and dev splits, the seed.

    `sampling` is what the variant sets. There is no way from here to a test sample.
    """

    task: Task
    model: Model
    technique: Technique
    dataset: Dataset
    seed: int
    sampling: Mapping[str, Any] = field(default_factory=dict)
    cell: str = ""
    timeout_s: float = 60.0
    allow_unsafe_code: bool = False
    demos: DemoSelector | None = None
    _unstaged: _Sampling | None = None

    def chosen(self, stage: Mapping[str, Any]) -> _Sampling:
        """A call's sampling, strongest first: the variant's, the stage's, the model's, the technique's."""
        if not stage and self._unstaged is not None:
            return self._unstaged
        values = {**self.technique.default_sampling, **self.model.sampling, **stage, **self.sampling}
        wished = self.model.sampling.keys() | self.sampling.keys()
        chosen = _Sampling(
            values,
            frozenset(values.keys() - wished),
            tuple(sorted((key, repr(value)) for key, value in values.items())),
        )
        if not stage:
            self._unstaged = chosen
        return chosen

    def select_demos(self, spec: DemoSpec) -> DemoSelector:
        """The selector over this data set's train split. ExperimentError where there are too few."""
        from promptlab.retrieval import DemoSelector

        # Equal prompts are equal questions, whatever else their rows say.
        self.demos = DemoSelector(self.dataset.view("train"), spec, self.seed, text=self.task.render_prompt)
        return self.demos


class TrialContext:
    """What `solve` works with: `ask`, the demos, the task, a generator seeded by trial, and `note`."""

    def __init__(self, cell: CellContext, door: Door, question: Question, repeat: int) -> None:
        self._cell = cell
        self._door = door
        self._question = question
        self._repeat = repeat
        self._seen: dict[Any, int] = {}
        self._rng: random.Random | None = None
        self.trace = Trace()

    @property
    def task(self) -> Task:
        return self._cell.task

    @property
    def model(self) -> Model:
        return self._cell.model

    @property
    def rng(self) -> random.Random:
        """Seeded by experiment, data set, sample and repeat; equal for all variants."""
        if self._rng is None:
            cell = self._cell
            self._rng = seeded(cell.seed, cell.dataset.name, self._question.id, self._repeat)
        return self._rng

    def demos(self) -> list[Sample]:
        """The demos for this trial's question, in the order in which they are shown."""
        if self._cell.demos is None:
            raise RuntimeError("demos() needs select_demos() in prepare")
        return self._cell.demos.select(self._question, self.rng)

    def prompt(self, question: Question, *, instruction: bool = True) -> list[Message]:
        """The task's own messages for `question`; the answer instruction after a blank line, if wanted."""
        messages = [Message(role, text) for role, text in self.task.render(question)]  # type: ignore[arg-type]
        return self.with_instruction(messages, question) if instruction else messages

    def with_instruction(self, messages: list[Message], question: Question) -> list[Message]:
        """The same messages, the answer instruction after a blank line in the last one."""
        text = self.task.render_instruction(question)
        if not text:
            return messages
        return [*messages[:-1], Message("user", f"{messages[-1].content}\n\n{text}")]

    async def ask(self, messages: Iterable[Message], name: str = "answer", **stage: Any) -> Completion:
        """One call. `stage` holds sampling this step requires: stronger than the model's, weaker than the
        variant's. Raises CallError where the call failed for good."""
        cell = self._cell
        sent = tuple(messages)
        chosen = cell.chosen(stage)
        identical = (sent, chosen.spelled)
        ordinal = self._seen.get(identical, 0)
        self._seen[identical] = ordinal + 1
        request = Request(
            model=cell.model,
            messages=sent,
            sampling=chosen.values,
            draw=Draw(self._repeat, ordinal, self._question.id),
            name=name,
            cell=cell.cell,
            timeout_s=cell.timeout_s,
            defaults=chosen.defaults,
        )
        record = CallRecord(name, sent, chosen.values)
        self.trace.calls.append(record)
        try:
            record.completion = await self._door.complete(request)
        except CallError as error:
            record.error, record.attempts = str(error), error.attempts
            raise
        return record.completion

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
