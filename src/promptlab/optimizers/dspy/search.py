"""One DSPy optimizer at work in its thread: every program it tries is known, and the best one is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from promptlab.basics.hashing import digest
from promptlab.datasets import Sample, Task
from promptlab.models import Completion
from promptlab.optimizers.artifact import Tried, dspy_demo, predictors_of
from promptlab.optimizers.dspy.engine import Ends, load_dspy
from promptlab.optimizers.dspy.program import answer_text, asked, example
from promptlab.optimizers.evaluation import Evaluate
from promptlab.optimizers.grading import Scored
from promptlab.optimizers.program import Program
from promptlab.optimizers.rounds import Rounds
from promptlab.optimizers.spending import Spending
from promptlab.scoring.metric import Metric
from promptlab.techniques.base import Answer


@dataclass
class Seen:
    """A program that DSPy ran: its state, and its score on each row that it was run on.

    `neighbours`: it takes its demos from the train rows nearest to each question (see `dspy.neighbours`).
    """

    state: dict[str, Any]
    calls: int
    scores: dict[str, float] = field(default_factory=dict)
    neighbours: dict[str, Any] | None = None

    @property
    def program(self) -> Program:
        """Its first predictor, as people read it."""
        first = predictors_of(self.state)[0]
        demos = tuple(dspy_demo(each) for each in first.get("demos", []) if len(each) > 1)
        return Program(first["signature"]["instructions"], demos)


@dataclass
class Watched:
    """All programs of one search by their state. DSPy scores them in threads, in whatever way it likes."""

    task: Task
    train: Sequence[Sample]
    dev: Sequence[Sample]
    evaluate: Evaluate
    spending: Spending
    ends: Ends
    rounds: Rounds
    optimized: Metric
    loop: asyncio.AbstractEventLoop
    seen: dict[str, Seen] = field(default_factory=dict)
    _rows: dict[str, Sample] = field(default_factory=dict)
    _running: dict[int, tuple[Any, str]] = field(default_factory=dict)
    _dev: set[str] = field(default_factory=set)
    _whole: int = 0
    _best: float = 0.0
    _keys: dict[int, str] = field(default_factory=dict)
    _key: threading.local = field(default_factory=threading.local)  # of the program that runs the others
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._dev = {sample.id for sample in self.dev}
        for sample in (*self.train, *self.dev):
            self._rows.setdefault(asked(sample.question(), self.task), sample)

    def _told(self, mean: float) -> None:
        """A program has been scored on every dev row."""
        self._whole += 1
        self._best = max(self._best, mean)
        self.rounds.ended(self._whole, self._best)

    def student(self, inner: Any) -> Any:
        """The program as DSPy gets it: one that says what it is before it is scored."""
        dspy, watched = load_dspy(), self

        class Student(dspy.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.program = inner

            def forward(self, question: str) -> Any:
                key = watched.key(self)
                try:
                    prediction = self.program(question=question)
                except Exception:
                    if watched.ends.error is None:  # no answer could be read
                        watched.scored(key, question, 0.0)
                    raise
                watched.ran(prediction, key)
                return prediction

        return Student()

    def as_one(self, found: Any, student: Any, neighbours: dict[str, Any]) -> Any:
        """A program that is another one at every question, under one key."""
        dspy, watched = load_dspy(), self
        key = digest(neighbours)
        self.seen[key] = Seen(
            plain(student.program.dump_state()), sum(self.spending.calls.values()), neighbours=neighbours
        )

        class AsOne(dspy.Module):  # type: ignore[misc, name-defined]
            def forward(self, question: str) -> Any:
                watched._key.known = key
                try:
                    return found(question=question)
                finally:
                    watched._key.known = None

        made = AsOne()
        self._keys[id(made)] = key
        return made

    def key(self, student: Any) -> str:
        known = self._keys.get(id(student)) or getattr(self._key, "known", None)
        if known is not None:
            return str(known)
        state = student.program.dump_state()
        key = digest(plain(state))
        with self._lock:
            if key not in self.seen:
                self.seen[key] = Seen(plain(state), sum(self.spending.calls.values()))
        return key

    def ran(self, prediction: Any, key: str) -> None:
        with self._lock:
            self._running[id(prediction)] = (prediction, key)

    def scored(self, key: str, question: str, score: float) -> None:
        with self._lock:
            sample = self._rows.get(question)
            if sample is None or sample.id in self.seen[key].scores:
                return
            scores = self.seen[key].scores
            scores[sample.id] = score
            if sample.id in self._dev and self._dev <= scores.keys():
                self._told(sum(scores[each] for each in self._dev) / len(self._dev))

    def metric(self, gold: Any, prediction: Any, trace: Any = None) -> Any:
        """The experiment's scorer; while demos are collected, whether the answer is fully right."""
        score = self._graded(gold, prediction).score
        return score >= 1.0 if trace is not None else score

    def feedback_metric(
        self, gold: Any, prediction: Any, trace: Any = None, name: Any = None, inner: Any = None
    ) -> Any:
        """The same for GEPA, with what a reflection can learn from."""
        row = self._graded(gold, prediction)
        wanted = " or ".join(row.sample.targets)
        if row.right:
            told = f"Right: the answer is {wanted}."
        elif row.failure is not None:
            told = f"No answer could be read from the reply ({row.failure}). It should be: {wanted}."
        elif self.optimized.scorer.runs_code:
            told = f"Wrong: {row.told or 'the program fails its tests'}. The tests:\n{wanted}"
        elif self.optimized.model is not None:
            told = f"Scored {row.score:.2f} of 1. {row.told}".strip()
        else:
            told = f"Wrong: {row.answer!r} is not the answer. It should be: {wanted}."
        return load_dspy().Prediction(score=row.score, feedback=told)

    def _graded(self, gold: Any, prediction: Any) -> Scored:
        sample = self._rows[gold.question]
        text = answer_text(prediction)
        answer = Answer(Completion(text or ""), text, rule="dspy")
        grading = self.evaluate.graded(sample, answer, None if text is not None else "unparsed")
        try:
            row = asyncio.run_coroutine_threadsafe(grading, self.loop).result()
        except BaseException as error:
            self.ends.error = self.ends.error or error  # DSPy would take it for a score of 0
            raise
        with self._lock:
            known = self._running.pop(id(prediction), None)
        if known is not None:
            self.scored(known[1], gold.question, row.score)
        return row

    def score(self, student: Any, threads: int) -> None:
        """Runs a program on the dev rows that it has not been run on."""
        seen = self.seen[self.key(student)]
        rows = [example(sample, self.task) for sample in self.dev if sample.id not in seen.scores]
        if rows:
            load_dspy().Evaluate(
                devset=rows, metric=self.metric, num_threads=threads, display_progress=False, max_errors=10**9
            )(student)

    def best(self) -> tuple[Seen | None, list[Tried]]:
        """The program with the best mean on all dev rows (the first of equals), and the history."""
        best: Seen | None = None
        best_score = 0.0
        history: list[Tried] = []
        for seen in self.seen.values():
            found = [seen.scores[sample.id] for sample in self.dev if sample.id in seen.scores]
            if not found:
                continue  # a teacher, or a step on the way to a candidate
            mean = sum(found) / len(found)
            whole = len(found) == len(self.dev)
            accepted = whole and (best is None or mean > best_score)
            if not whole:
                why = f"scored on {len(found)} of {len(self.dev)} dev rows only"
            elif best is None:
                why = "the task's own prompt"
            else:
                why = f"{'' if accepted else 'not '}better than {best_score:.3f}"
            number = len(history)
            history.append(Tried(number, 0, seen.program, mean, len(found), accepted, why, seen.calls))
            if accepted:
                best, best_score = seen, mean
        return best, history


def plain(value: Any) -> Any:
    """A state as JSON has it: demos are dictionaries."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "toDict"):
        return plain(value.toDict())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
