"""The one loop of all optimizers: candidates, their scores, what is accepted and why, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptlab.basics.errors import CallError, CallErrorKind
from promptlab.datasets import Sample
from promptlab.optimizers.artifact import Artifact, Ending, Tried
from promptlab.optimizers.evaluation import Evaluate, Evaluation, OptimizerContext
from promptlab.optimizers.program import Program
from promptlab.optimizers.spending import CallsSpent

# A prompt that the model cannot be sent is that prompt's fault; every other failure is the provider's.
_PROMPT_FAULTS = frozenset({CallErrorKind.BAD_REQUEST, CallErrorKind.CONTEXT_OVERFLOW})
MOST_INSTRUCTION_CHARS = 8_000


class _Perfect(Exception):
    """The best prompt is right on every dev row: nothing is left to find."""


@dataclass
class Search:
    """The state of one optimization. Optimizers read `train`, `dev`, `best` and call `consider`."""

    train: tuple[Sample, ...]
    dev: tuple[Sample, ...]
    evaluate: Evaluate
    ctx: OptimizerContext
    patience: int | None = None
    best: Program = field(default_factory=Program)
    best_score: float | None = None
    best_rows: Evaluation = field(default_factory=lambda: Evaluation(()))
    history: list[Tried] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    step: int = 0
    _candidate: int = 0
    _first: float | None = None

    async def run(self, rounds: Callable[[Search], AsyncIterator[None]]) -> Artifact:
        """The task's own prompt first, then round by round until something ends it.

        CallError where the provider failed before any prompt was scored: then there is no best one.
        """
        ending: Ending = "finished"
        message = ""
        idle = 0
        try:
            await self.consider(Program(), "the task's own prompt")
            self.ctx.rounds.ended(0, self.best_score)
            self.step = 1
            before = self.best_score
            async for _ in rounds(self):
                self.ctx.rounds.ended(self.step, self.best_score)
                self.step, self._candidate = self.step + 1, 0
                idle = 0 if self.best_score != before else idle + 1
                before = self.best_score
                if self.patience is not None and idle >= self.patience:
                    ending = "no improvement"
                    message = f"no better prompt in {idle} rounds"
                    break
        except _Perfect:
            ending, message = "nothing to improve", "right on every dev row"
        except CallsSpent as spent:
            ending, message = "budget", str(spent)
        except CallError as error:
            if self.best_score is None:
                raise
            ending, message = "provider failed", str(error)
        return self.artifact(ending, message)

    def artifact(self, ending: Ending, message: str) -> Artifact:
        return Artifact(
            self.best,
            Program(),
            ending,
            message,
            self.best_score,
            self._first,
            tuple(tried.to_json() for tried in self.history),
        )

    async def consider(
        self, program: Program, why: str = "", *, known: Evaluation | None = None
    ) -> float | None:
        """Scores a candidate on dev and takes it if it is better than the best. None: it was not scored.

        `known` holds its first dev rows, where those were scored before.
        """
        if program.id in self.scores:
            self.reject(program, "seen before")
            return self.scores[program.id]
        if len(program.instruction) > MOST_INSTRUCTION_CHARS:
            self.reject(program, f"longer than {MOST_INSTRUCTION_CHARS} characters")
            return None
        first = known.rows if known is not None else ()
        found = await self.score(program, self.dev[len(first) :])
        if found is None:
            return None
        found = Evaluation((*first, *found.rows))
        score = found.mean
        self.scores[program.id] = score
        accepted = self.best_score is None or score > self.best_score
        if self.best_score is None:
            told, self._first = why, score
        elif accepted:
            told = f"{why + ': ' if why else ''}better than {self.best_score:.3f}"
        else:
            told = f"{why + ': ' if why else ''}not better than {self.best_score:.3f}"
        self._note(program, score, len(found.rows), accepted, told)
        if accepted:
            self.best, self.best_score, self.best_rows = program, score, found
            if score == 1.0:
                raise _Perfect
        return score

    async def score(self, program: Program, rows: Sequence[Sample]) -> Evaluation | None:
        """Scores a program on some rows, for a choice among candidates. None: it could not be sent."""
        self._candidate += 1
        try:
            return await self.evaluate(program, rows, step=self.step, candidate=self._candidate)
        except CallError as error:
            if error.kind not in _PROMPT_FAULTS or self.best_score is None:
                raise
            self._note(program, None, 0, False, f"it could not be sent: {error.message}")
            return None

    def reject(self, program: Program, why: str) -> None:
        """Writes down a candidate that is not scored on dev."""
        self._note(program, self.scores.get(program.id), 0, False, why)

    async def ask(self, text: str, name: str, *, candidate: int = 0, **sampling: float) -> str:
        """The writing model's reply."""
        settings: dict[str, Any] = dict(sampling)
        return await self.ctx.ask(text, name=name, step=self.step, candidate=candidate, **settings)

    def _note(self, program: Program, score: float | None, n: int, accepted: bool, why: str) -> None:
        calls = sum(self.ctx.spending.calls.values())
        self.history.append(Tried(self.step, self._candidate, program, score, n, accepted, why, calls))
