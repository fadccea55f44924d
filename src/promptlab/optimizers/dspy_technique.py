"""DSPy's optimizers as variants: asked through our door, bounded by our budget."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from promptlab.basics.errors import (
    BudgetReached,
    ExperimentError,
    StorageError,
    UsageError,
)
from promptlab.basics.hashing import file_digest
from promptlab.datasets import Sample, Task
from promptlab.datasets.sample import Question
from promptlab.optimizers.artifact import Artifact, Ending
from promptlab.optimizers.base import Optimizer
from promptlab.optimizers.dspy.engine import (
    Ends,
    SearchAsk,
    check_installed,
    language_model,
    surroundings,
    threads,
)
from promptlab.optimizers.dspy.library import Given, optimized
from promptlab.optimizers.dspy.neighbours import nearest_demos
from promptlab.optimizers.dspy.program import (
    build_program,
    check_program,
    example,
)
from promptlab.optimizers.dspy.running import loaded, run_program
from promptlab.optimizers.dspy.sandboxed import interpreters
from promptlab.optimizers.dspy.search import Watched
from promptlab.optimizers.evaluation import Evaluate, OptimizerContext
from promptlab.optimizers.program import Program
from promptlab.optimizers.spending import CallsSpent, ScopedDoor, Stopped
from promptlab.scoring.replies import Cost, Latency
from promptlab.techniques.base import Answer, Calls, Fidelity, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

_LEAST_TRAIN = {
    "bootstrap_few_shot_with_random_search": 2,
    "mipro_v2": 2,
    "simba": 2,
    "infer_rules": 2,
    "knn_few_shot": 2,
}


_CALLS = {"react": Calls(1, 4, 21), "program_of_thought": Calls(2, 2.5, 4)}


@technique("dspy")
class DSPy(Optimizer):
    """Khattab et al. 2023 (arXiv 2310.03714); MIPROv2: 2406.11695, GEPA: 2507.19457. Extra: `optimize`.

    `program` says what is asked: predict, chain_of_thought, program_of_thought (what it writes runs in our
    sandbox, each time by itself), react (with a calculator), or a dspy.Module of your own by path,
    `my_file.py:MyModule` (`question` in, `answer` out). `optimizer` says who looks for its instruction and
    demos; knn_few_shot looks at every question, among the nearest `neighbours` train rows by the letters
    they share, and runs them first: one call more for each. Every call goes through the door and counts;
    DSPy's own caches and retries are off. Of all programs that it ran on every dev row the best one is kept,
    wherever it stopped. A reply that DSPy cannot read is no answer. Records the program's answer beside the
    calls. With `threads` above 1 a search is faster, and which calls its budget's end leaves out depends on
    the clock.
    Limit: DSPy's own prompts; another version may write others.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="DSPy itself, its calls through the door",
        chat="as DSPy's chat adapter renders",
        rebuilt="the best of all programs that ran on dev is kept",
    )
    example: ClassVar[str] = "{technique: dspy, optimizer: bootstrap_few_shot}"

    optimizer: Literal[
        "labeled_few_shot",
        "knn_few_shot",
        "bootstrap_few_shot",
        "bootstrap_few_shot_with_random_search",
        "mipro_v2",
        "gepa",
        "copro",
        "simba",
        "infer_rules",
    ] = "bootstrap_few_shot"
    program: str = "predict"
    labeled_demos: int = Field(default=4, ge=0)
    bootstrapped_demos: int = Field(default=4, ge=0)
    candidates: int = Field(default=6, ge=2)
    trials: int = Field(default=10, ge=1)
    neighbours: int = Field(default=3, ge=1)
    threads: int = Field(default=1, ge=1, le=32)
    _folder: Path = PrivateAttr(default_factory=Path)

    def model_post_init(self, context: Any) -> None:
        self._folder = (context or {}).get("folder") or Path()

    def identity(self) -> dict[str, Any]:
        found = super().identity()
        if ".py:" in self.program:
            file = self.program.rpartition(":")[0]
            found["settings"]["program_file"] = file_digest(self._folder / file)
        return found

    def planned_calls(self, task: Task) -> Calls:
        calls = _CALLS.get(self.program, Calls())
        return calls.times(self.calls_per_row()) if self.optimizer == "knn_few_shot" else calls

    def calls_per_row(self) -> int:
        return 1 + self.neighbours if self.optimizer == "knn_few_shot" else 1

    def may_run_code(self) -> bool:
        return super().may_run_code() or self.program == "program_of_thought"

    def check_metric(self, ctx: CellContext) -> None:
        super().check_metric(ctx)
        metric = self.metric_in(ctx)
        assert metric is not None
        if isinstance(metric.scorer, Latency | Cost):
            raise ExperimentError(
                f"DSPy optimizes what a program answers, and {metric.name!r} looks at its calls",
                field="metric" if self.metric else "",
                remedy="Name another scorer: `metric: NAME`, or use another optimizer.",
            )
        if self.optimizer == "knn_few_shot" and (metric.model is not None or metric.scorer.runs_code):
            raise ExperimentError(
                f"knn_few_shot grades train rows at every question, and {metric.name!r} asks a model or runs "
                "programs",
                field="metric" if self.metric else "",
                remedy="Name a scorer that does neither: `metric: NAME`.",
            )

    def preflight(self, train: int, dev: int) -> None:
        try:
            check_installed()
            check_program(self.program, self._folder)
        except UsageError as error:
            if isinstance(error, ExperimentError):
                raise
            raise ExperimentError(error.message.rstrip("."), field="program", remedy=error.remedy) from error
        for optimizer, module in (("mipro_v2", "optuna"), ("gepa", "gepa")):
            if self.optimizer == optimizer and importlib.util.find_spec(module) is None:
                raise ExperimentError(
                    f"DSPy's {optimizer} needs the package {module}, which is not installed",
                    field="optimizer",
                    value=self.optimizer,
                    remedy='Install it: pip install "promptlab-workbench[optimize]".',
                )
        least = _LEAST_TRAIN.get(self.optimizer, 1)
        if train < least:
            raise ExperimentError(
                f"DSPy's {self.optimizer} needs at least {least} train rows, there are {train}",
                field="optimizer",
                remedy="Add `split: {train: …}`.",
            )

    async def compile(
        self, train: Sequence[Sample], dev: Sequence[Sample], evaluate: Evaluate, ctx: OptimizerContext
    ) -> Artifact:
        ends = Ends()
        loop = asyncio.get_running_loop()
        ctx.rounds.unit = "program"
        watched = Watched(ctx.task, train, dev, evaluate, ctx.spending, ends, ctx.rounds, ctx.metric, loop)
        scope = f"{ctx.hash}/dspy"

        def lm(model: Any, name: str, sampling: Any) -> Any:
            door = ScopedDoor(ctx.door, ctx.spending, f"{scope}/{name}")
            ask = SearchAsk(loop, door, model, "", sampling, ctx.cell, ctx.timeout_s, ends, name)
            return language_model(ask, name)

        def work() -> str:
            task_lm, writer_lm = lm(ctx.model, "answer", ctx.sampling), lm(ctx.writer, "propose", ctx.writing)
            programs = interpreters(loop, allow_unsafe=ctx.allow_unsafe_code)
            return self._search(watched, task_lm, writer_lm, programs, ctx)

        ending: Ending = "finished"
        message = await loop.run_in_executor(threads(), work)
        error = ends.error
        if isinstance(error, BudgetReached | StorageError | Stopped):
            raise error
        best, history = watched.best()
        if isinstance(error, CallsSpent):
            ending, message = "budget", str(error)
        elif error is not None:
            if best is None:
                raise error
            ending, message = "provider failed", str(error)
        elif message:
            ending = "library"
        elif history[0].score == 1.0:
            ending, message = "nothing to improve", "right on every dev row"
        first = history[0] if history else None
        if best is None or first is None:
            return Artifact(Program(), ending=ending, message=message, dspy=self._kept({}))
        return Artifact(
            best.program,
            first.program,
            ending,
            message,
            max(row.score or 0.0 for row in history if row.accepted),
            first.score,
            tuple(row.to_json() for row in history),
            dspy=self._kept(best.state, best.neighbours),
        )

    def _kept(self, state: dict[str, Any], neighbours: dict[str, Any] | None = None) -> dict[str, Any]:
        found = {"program": self.program, "optimizer": self.optimizer, "state": state}
        return found if neighbours is None else {**found, "neighbours": neighbours}

    def _neighbours(self, watched: Watched) -> dict[str, Any]:
        """What KNNFewShot needs at every question, kept with its program."""
        return {
            "k": min(self.neighbours, len(watched.train)),
            "bootstrapped_demos": self.bootstrapped_demos,
            "labeled_demos": self.labeled_demos,
            "train": [
                {
                    **dict(example(sample, watched.task).items()),
                    "targets": list(sample.targets),
                    "choices": list(sample.choices),
                }
                for sample in watched.train
            ],
        }

    def _search(self, watched: Watched, lm: Any, writer: Any, programs: Any, ctx: OptimizerContext) -> str:
        """In DSPy's thread: the program as it is, then what is found. Why the library failed, or ""."""
        greedy = {"temperature": 0, **ctx.model.sampling, **ctx.sampling}["temperature"] == 0
        # Draws at other temperatures are numbered as they come: their order must be the same every time.
        count = self.threads if greedy and self.optimizer != "simba" else 1
        with surroundings(lm, programs):
            student = watched.student(build_program(self.program, ctx.task, self._folder))
            watched.score(student, count)
            if watched.ends.error is not None:
                return ""
            if watched.best()[1][0].score == 1.0:
                return ""
            try:
                if self.optimizer == "knn_few_shot":
                    neighbours = self._neighbours(watched)
                    found = nearest_demos(student, neighbours, watched.metric)
                    watched.score(watched.as_one(found, student, neighbours), count)
                    return ""
                given = Given(
                    student,
                    [example(sample, ctx.task) for sample in watched.train],
                    [example(sample, ctx.task) for sample in watched.dev],
                    watched.metric,
                    watched.feedback_metric,
                    writer,
                    count,
                )
                watched.score(optimized(self, given), count)
            except Exception as error:  # noqa: BLE001  a library's own failure ends the search, with the reason
                if watched.ends.error is None:
                    return f"DSPy's {self.optimizer} failed: {type(error).__name__}: {error}"[:500]
        return ""

    # As a technique

    async def prepare(self, ctx: CellContext) -> None:
        await super().prepare(ctx)
        kept = ctx.kept["artifact"].dspy or self._kept({})
        ctx.kept["dspy"] = await loaded(kept, self.metric_in(ctx), ctx.task, self._folder)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        return await run_program(ctx.cell.kept["dspy"], question, ctx)
