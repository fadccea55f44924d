"""The optimizer contract: `compile(train, dev, evaluate, ctx) -> Artifact`, in a technique's place.

@technique("my_optimizer")
class Mine(Optimizer):
    async def propose(self, search: Search) -> AsyncIterator[None]:
        for _ in range(3):
            written = await search.ask("Write a better instruction.", "propose", temperature=1.0)
            await search.consider(Program(written))
            yield
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

import orjson
from pydantic import Field

from promptlab.basics.errors import ExperimentError, UsageError
from promptlab.basics.files import write_atomically
from promptlab.basics.hashing import digest
from promptlab.basics.registry import did_you_mean
from promptlab.datasets import Sample
from promptlab.datasets.sample import Question
from promptlab.models import Model
from promptlab.optimizers.artifact import ARTIFACT_FILE, CALLS_FILE, Artifact, read_artifact
from promptlab.optimizers.evaluation import Evaluate, OptimizerContext, Trials, calls_per_row
from promptlab.optimizers.grading import Grading
from promptlab.optimizers.program import Program, solve
from promptlab.optimizers.rounds import Rounds
from promptlab.optimizers.search import Search
from promptlab.optimizers.spending import ScopedDoor, Spending
from promptlab.optimizers.splits import clean_splits
from promptlab.scoring import AnswerForm
from promptlab.scoring.metric import Metric
from promptlab.scoring.translation import script_of
from promptlab.techniques.base import Answer, Calls, Technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext

# Of a budget, the share that a model which only writes prompts is expected to take.
_WRITTEN = 0.2


class Optimizer(Technique):
    """A technique whose prompt is found once per cell, on train and dev, and then asked like any other.

    `budget_calls` bounds the requests of the search to each model, cached ones included. `metric` names the
    experiment's scorer that is optimized (default: the headline's; a judge is asked for every answer, which
    counts), `prompt_model` the experiment's model that writes prompts (default: the cell's own),
    `prompt_max_tokens` how long it may write (default: as the model's entry says, which may be meant for
    short answers). `dev_rows` bounds the dev rows that score a candidate; those of a quarter of the budget
    are the most. After `patience` rounds without a better prompt it ends.
    """

    optimizes: ClassVar[bool] = True
    shows_demos: ClassVar[bool] = False
    shown_train_rows: ClassVar[int] = 1  # train rows it cannot do without

    budget_calls: int = Field(default=300, ge=1)
    dev_rows: int = Field(default=50, ge=1)
    patience: int | None = Field(default=None, ge=1)
    metric: str | None = None
    prompt_model: str | None = None
    prompt_max_tokens: int | None = Field(default=None, ge=1)
    search_seed: int = 0

    async def propose(self, search: Search) -> AsyncIterator[None]:
        """One step of the search after another; the loop takes a look after each."""
        raise NotImplementedError
        yield

    async def compile(
        self, train: Sequence[Sample], dev: Sequence[Sample], evaluate: Evaluate, ctx: OptimizerContext
    ) -> Artifact:
        """The best prompt that the budget found. Raises CallError where nothing could be scored."""
        search = Search(tuple(train), tuple(dev), evaluate, ctx, self.patience)
        return await search.run(self.propose)

    def preflight(self, train: int, dev: int) -> None:
        """ExperimentError for what is missing before the first call; the numbers are of usable rows."""

    # As a technique

    def asked_models(self) -> frozenset[str]:
        writer = () if self.prompt_model is None else (self.prompt_model,)
        return super().asked_models() | frozenset(writer)

    def needs_train(self) -> bool:
        return True

    def needs_dev(self) -> bool:
        return True

    def drawn_once(self) -> str | None:
        return "optimizer run"

    def calls_per_row(self) -> int:
        """Calls to the cell's model that a candidate's answer to one dev row is expected to take."""
        return 1

    def compile_calls(self, ctx: CellContext) -> list[tuple[Model, Calls]]:
        """Calls of one compilation to each model: the cell's, who writes prompts, who judges answers."""
        most = self.budget_calls
        found = {ctx.model.name: (ctx.model, Calls(1, most, most))}
        metric = self.metric_in(ctx)
        if metric is not None and metric.model is not None:
            found.setdefault(metric.model.name, (metric.model, Calls(0, most, most)))
        writer = ctx.models.get(self.prompt_model or ctx.model.name, ctx.model)
        found.setdefault(writer.name, (writer, Calls(0, most * _WRITTEN, most)))
        return list(found.values())

    def check(self, ctx: CellContext) -> None:
        self.check_metric(ctx)
        if self.prompt_model is not None and self.prompt_model not in ctx.models:
            raise ExperimentError(
                "the experiment has no such model",
                field="prompt_model",
                value=self.prompt_model,
                remedy=did_you_mean(self.prompt_model, ctx.models),
            )
        splits = clean_splits(ctx.dataset, ctx.task)
        for name, rows, least in (("train", splits.train, self.shown_train_rows), ("dev", splits.dev, 1)):
            if len(rows) < least:
                told = "; ".join(splits.notices)
                raise ExperimentError(
                    f"{self.registered_name} needs at least {least} {name} rows with a target, "
                    f"{ctx.dataset.name} has {len(rows)}{f' ({told})' if told else ''}",
                    remedy="Add `split: {test: …, train: …, dev: …}` or more data.",
                )
        self.preflight(len(splits.train), len(splits.dev))

    def metric_in(self, ctx: CellContext) -> Metric | None:
        """The scorer that it optimizes: the one it names, else the headline's."""
        return ctx.metrics.get(self.metric or ctx.headline)

    def check_metric(self, ctx: CellContext) -> None:
        """ExperimentError for a metric that is not there, or that cannot grade train and dev rows."""
        metric = self.metric_in(ctx)
        if metric is None:
            raise ExperimentError(
                "the experiment has no such scorer",
                field="metric",
                value=self.metric,
                remedy=did_you_mean(self.metric or "", ctx.metrics),
            )
        if getattr(metric.scorer, "pairwise", False):
            raise ExperimentError(
                f"the judge {metric.name!r} compares with another variant's answers, and to train and dev "
                "rows there are none",
                field="metric" if self.metric else "",
                remedy="Name a scorer that grades an answer by itself: `metric: NAME`.",
            )

    async def prepare(self, ctx: CellContext) -> None:
        """Finds the prompt, or reads it where it was found before. Without a door: the task's own prompt."""
        artifact = self.found_before(ctx)
        if artifact is None and ctx.compiling is not None and ctx.door is not None:
            artifact = await self._compiled(ctx)
        artifact = artifact or Artifact(Program())
        ctx.kept["artifact"] = artifact
        ctx.kept["program"] = artifact.program

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        return await solve(ctx.cell.kept["program"], question, ctx)

    def artifact_hash(self, ctx: CellContext) -> str:
        """Of variant, task, data, model and seed: where its artifact lies, and its draws' scope."""
        return digest([ctx.cell, self.identity()])[:32]

    def found_before(self, ctx: CellContext) -> Artifact | None:
        """The artifact that an earlier search left, where it may be used."""
        if ctx.compiling is None or not ctx.compiling.reuse:
            return None
        path = ctx.compiling.folder / self.artifact_hash(ctx) / ARTIFACT_FILE
        try:
            return read_artifact(path) if path.is_file() else None
        except ValueError as error:
            raise UsageError(f"{error}.", remedy=f"Delete {path.parent}.") from None

    def _writing(self, writer: Model) -> dict[str, int]:
        """The sampling that it sets for the model that writes prompts."""
        key = "max_completion_tokens" if "max_completion_tokens" in writer.sampling else "max_tokens"
        return {} if self.prompt_max_tokens is None else {key: self.prompt_max_tokens}

    async def _compiled(self, ctx: CellContext) -> Artifact:
        compiling = ctx.compiling
        assert compiling is not None
        assert ctx.door is not None
        name = self.artifact_hash(ctx)
        folder = compiling.folder / name
        splits = clean_splits(ctx.dataset, ctx.task)
        for notice in splits.notices:
            compiling.tell(f"{compiling.label}: {notice}")
        writer = ctx.model if self.prompt_model is None else ctx.models[self.prompt_model]
        spending = Spending(self.budget_calls, compiling.rates, compiling.stopped)
        metric = self.metric_in(ctx)
        assert metric is not None
        per_row = max(calls_per_row(ctx.model, metric, self.calls_per_row()).values())
        most = max(1, self.budget_calls // (4 * per_row))
        size = min(self.dev_rows, len(splits.dev), most)
        rounds = Rounds(
            spending, size, lambda message: compiling.tell(f"{compiling.label}: {message}"), compiling.watch
        )
        spending.counted = rounds.counted
        rng_seed = f"{ctx.seed}/{self.search_seed}"
        around = OptimizerContext(
            task=ctx.task,
            model=ctx.model,
            writer=writer,
            writing=self._writing(writer),
            seed=ctx.seed * 1_000_003 + self.search_seed,
            hash=name,
            spending=spending,
            door=ctx.door,
            timeout_s=ctx.timeout_s,
            cell=ctx.cell,
            sampling=ctx.sampling,
            rounds=rounds,
            metric=metric,
            allow_unsafe_code=ctx.allow_unsafe_code,
        )
        picked = sorted(around.rng("dev", rng_seed).sample(range(len(splits.dev)), size))
        dev = tuple(splits.dev[number] for number in picked)
        grading = Grading(
            metric,
            ctx.task,
            ScopedDoor(ctx.door, spending, f"{name}/judge"),
            script_of(sample.targets for sample in splits.train),
            ctx.timeout_s,
            ctx.allow_unsafe_code,
            compiling.rates,
        )
        evaluate = Trials(ctx, name, spending, grading)
        found = await self.compile(splits.train, dev, evaluate, around)
        provenance = {
            "hash": name,
            "technique": self.identity(),
            "model": ctx.model.name,
            "prompt_model": writer.name,
            "metric": metric.identity(),
            "data": {
                "name": ctx.dataset.name,
                "hash": ctx.dataset.hash,
                **splits.identity(),
                "train_rows": len(splits.train),
                "dev_rows": len(dev),
                "notices": list(splits.notices),
            },
            "form": AnswerForm(ctx.task.answer, ctx.task.labels),
            "seed": ctx.seed,
            "calls": dict(sorted(spending.calls.items())),
            "budget_calls": self.budget_calls,
            "cost_usd": None if spending.unknown_costs else spending.cost_usd,
            "tokens": {"prompt": spending.prompt_tokens, "completion": spending.completion_tokens},
        }
        done = Artifact(
            found.program,
            found.before,
            found.ending,
            found.message,
            found.score,
            found.score_before,
            found.history,
            orjson.loads(orjson.dumps(provenance)),
            found.dspy,
        )
        calls = b"".join(orjson.dumps(each) + b"\n" for each in spending.log)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / CALLS_FILE, calls)
        done.write(folder / ARTIFACT_FILE)
        compiling.tell(f"{compiling.label}: {ended(done)}")
        return done


def ended(artifact: Artifact) -> str:
    """How an optimization ended, in a sentence."""
    why = f" ({artifact.message})" if artifact.message else ""
    score = "unknown" if artifact.score is None else f"{artifact.score:.3f}"
    before = "unknown" if artifact.score_before is None else f"{artifact.score_before:.3f}"
    cost = "cost unknown" if artifact.cost_usd is None else f"{artifact.cost_usd:.4f} USD"
    return (
        f"ended: {artifact.ending}{why}; dev score {before} to {score} (selected, optimistic), "
        f"{artifact.calls} calls, {cost}"
    )
