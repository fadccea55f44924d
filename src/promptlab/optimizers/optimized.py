"""A prompt that was optimized before, as it is: no search, on any model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field, field_validator

from promptlab.basics.named_file import NamedFile
from promptlab.datasets.sample import Question
from promptlab.optimizers.artifact import read_artifact
from promptlab.optimizers.program import solve
from promptlab.techniques.base import Answer, Fidelity, Technique, technique
from promptlab.techniques.cell import CellContext
from promptlab.techniques.context import TrialContext


@technique("optimized")
class Optimized(Technique):
    """An artifact that an optimizer (or `promptlab optimize`) left, or a program that DSPy saved. One call.

    `from` names the JSON file beside the experiment. Its demos stand as turns before the question, its
    instruction before the task's own prompt. Records the file's hash. Limit: it was found for the model and
    the task that the file names.
    """

    fidelity: ClassVar[Fidelity | None] = Fidelity(
        exact="the program that was found, as it was found", chat="nothing", rebuilt="nothing"
    )
    example: ClassVar[str] = "{technique: optimized, from: found.json}"

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    shows_demos: ClassVar[bool] = False

    from_: NamedFile = Field(alias="from")

    @field_validator("from_")
    @classmethod
    def _readable(cls, value: NamedFile) -> NamedFile:
        read_artifact(value.path)
        return value

    def may_run_code(self) -> bool:
        program = (read_artifact(self.from_.path).dspy or {}).get("program")
        return super().may_run_code() or program == "program_of_thought"

    def check(self, ctx: CellContext) -> None:
        if read_artifact(self.from_.path).dspy is not None:
            from promptlab.optimizers.dspy.engine import check_installed

            check_installed()

    async def prepare(self, ctx: CellContext) -> None:
        artifact = read_artifact(self.from_.path)
        ctx.kept["program"] = artifact.program
        if artifact.dspy is not None:
            from promptlab.optimizers.dspy.running import loaded

            metric = ctx.metrics.get(ctx.headline)
            ctx.kept["dspy"] = await loaded(artifact.dspy, metric, ctx.task, self.from_.path.parent)

    async def solve(self, question: Question, ctx: TrialContext) -> Answer:
        if "dspy" in ctx.cell.kept:
            from promptlab.optimizers.dspy.running import run_program

            return await run_program(ctx.cell.kept["dspy"], question, ctx)
        return await solve(ctx.cell.kept["program"], question, ctx)
