"""Ensemble: different prompts, or different models, one vote."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar

from pydantic import Field, model_validator

from promptlab.basics.errors import ExperimentError, NoAnswer
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.sample import Question
from promptlab.datasets.task import Task
from promptlab.scoring.extraction import Value
from promptlab.techniques.base import Answer, Calls, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext
from promptlab.techniques.self_consistency import vote
from promptlab.techniques.settings import Inner
from promptlab.techniques.zero_shot import ZeroShot
from promptlab.techniques.zero_shot_cot import ZeroShotCoT


@technique("ensemble")
class Ensemble(Technique):
    """DiVeRSe without its verifier (Li et al. 2022, arXiv 2206.02336). A vote over techniques. Their calls.

    Every one of `members` (another technique, or the same with other settings) answers once; the unweighted
    majority of parsed answers wins, the first seen of several. Bare: zero_shot, zero_shot_cot with two
    triggers. `models` names models of the experiment that vote too: all members are asked of the cell's own
    model first, then of each of these. Records every answer, the votes, and `agreement`.
    Limit: members of one model share its mistakes; cells that name each other's models hold the same votes.
    """

    shows_demos = False

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="diverse prompts, one answer each, a majority",
        chat="nothing",
        rebuilt="no verifier weighs the votes; the vote over models",
    )
    example: ClassVar[str] = "{technique: ensemble, members: [zero_shot, zero_shot_cot, chain_of_thought]}"

    later_settings: ClassVar[tuple[str, ...]] = ("models",)

    members: list[Inner] = Field(
        default_factory=lambda: [
            ZeroShot(),
            ZeroShotCoT(),
            ZeroShotCoT(trigger="Let's work this out carefully, and check it."),
        ],
        min_length=1,
        max_length=20,
    )
    models: list[str] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _votes(self) -> Ensemble:
        if len(self.members) + len(self.models) < 2:
            raise ValueError("one member of one model is no vote: name more `members`, or `models`")
        return self

    def planned_calls(self, task: Task) -> Calls:
        total = Calls(0, 0, 0)
        for member in self.members:
            total += member.calls_in_all(task)
        # The cell's own model may be one of `models`: then it is one less. Numbers that do not vary are kept
        # so, for an estimate counts what is rehearsed where the plan is exact.
        most = len(self.models) + 1
        fewest = most if total.low == total.high else max(1, len(self.models))
        return Calls(total.low * fewest, total.expected * most, total.high * most)

    def asked_models(self) -> frozenset[str]:
        return super().asked_models() | frozenset(self.models)

    def check(self, ctx: CellContext) -> None:
        for name in self.models:
            if name not in ctx.models:
                raise ExperimentError(
                    "the experiment has no such model",
                    field="models",
                    value=name,
                    remedy=did_you_mean(name, ctx.models),
                )
        if self.models and any(self.optimizers()):
            raise ExperimentError(
                "a prompt is optimized for one model, so it cannot vote over several",
                field="models",
                value=self.models,
                remedy="Vote over its artifact: `{technique: optimized, from: FILE}`.",
            )

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        drawn: list[tuple[Answer, Value | None]] = []
        told: list[Any] = []
        others = dict.fromkeys(name for name in self.models if name != ctx.model.name)
        models = [ctx.model, *(ctx.cell.models[name] for name in others)]
        for model, (number, member) in product(models, enumerate(self.members, 1)):
            label = f"member {number} ({member.registered_name})"
            if others:
                label = f"{label} of {model.name}"
            try:
                answer = await ctx.run(member, label=label, model=model)
            except NoAnswer as error:
                told.append(f"({error.kind}: {error.message})")
                continue
            read = ctx.read(answer)
            drawn.append((answer, read.value))
            told.append(read.value if read.value is not None else f"({read.failure})")
        ctx.note(members=told)
        return vote(drawn, len(told), ctx)
